# SPDX-License-Identifier: Apache-2.0
"""`shotstream weights verify`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of published weights.")],
) -> None:
    """Checks every file of a folder of published weights: names, shapes, checksums."""
    from shotstream_runtime.weights.verify import verify_weights

    verify_weights(folder)
