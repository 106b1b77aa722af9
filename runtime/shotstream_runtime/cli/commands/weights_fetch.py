# SPDX-License-Identifier: Apache-2.0
"""`shotstream weights fetch`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def fetch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put the weights.")],
) -> None:
    """Downloads the published weights (about 18 GB); resumes what was begun before."""
    from shotstream_runtime.weights.fetch import fetch_weights

    fetch_weights(folder)
