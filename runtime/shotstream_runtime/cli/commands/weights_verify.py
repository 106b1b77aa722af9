# SPDX-License-Identifier: Apache-2.0
"""`shotstream weights verify`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..failure import CommandFailed
from ..terminal import console, telling


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of weights.")],
    checksums: Annotated[
        bool, typer.Option(help="Also compare the checksums of fetched files, which reads every byte.")
    ] = True,
) -> None:
    """Checks a folder of weights: that all files are there, whole, and of the shapes the model needs."""
    from ..model_loading import importing

    with importing():
        from shotstream_runtime.weights.verify import verify_weights

    with telling(f"Checking {folder}"):
        report = verify_weights(folder, checksums=checksums)
    for finding in report.findings:
        mark = "[green]ok[/] " if finding.good else "[bold red]bad[/]"
        where = f" {finding.path}" if finding.path is not None else ""
        console.print(
            f"{mark} {finding.subject}[dim]{escape(where)}[/]: {escape(finding.detail)}", soft_wrap=True
        )
    if not report.good:
        count = len(report.problems)
        problems = f"{count} problem{'s' if count != 1 else ''}"
        raise CommandFailed(f"{folder}: the weights cannot be used: {problems}, listed above")
    console.print(
        f"[green]The weights are whole.[/] Use them with --model {escape(str(folder))}", soft_wrap=True
    )
