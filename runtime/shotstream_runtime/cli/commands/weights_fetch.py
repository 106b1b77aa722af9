# SPDX-License-Identifier: Apache-2.0
"""`shotstream weights fetch`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..terminal import console, error_console


def fetch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put them; made if need be.")],
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", metavar="URL", help="Another hub than huggingface.co.")
    ] = None,
) -> None:
    """Downloads the published weights (18 GB), checked; goes on where an earlier run stopped."""
    from ..model_loading import importing

    with importing():
        from shotstream_runtime.weights.fetch import fetch_weights

    summary = fetch_weights(folder, console=error_console, endpoint=endpoint)
    kept = f", {len(summary.kept)} there already" if summary.kept else ""
    console.print(
        f"[green]{len(summary.fetched)} files fetched[/] ({summary.transferred_bytes / 1e9:.2f} GB){kept}. "
        f"Use them with --model {escape(str(summary.destination))}",
        soft_wrap=True,
    )
