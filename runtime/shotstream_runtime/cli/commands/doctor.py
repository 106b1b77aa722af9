# SPDX-License-Identifier: Apache-2.0
"""`shotstream doctor`."""
# ruff: noqa: PLC0415 - what help does not need is imported when the command runs

from __future__ import annotations

from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from ..failure import ExitCode
from ..options import BUILT_IN_MODEL, DEFAULT_ADDRESS, Address, ClientKey, Model, ServerKey
from ..terminal import console

_MARKS = {"good": "[green]ok[/]", "note": "[yellow]note[/]", "bad": "[bold red]bad[/]"}


def doctor(
    model: Model = BUILT_IN_MODEL,
    address: Address = DEFAULT_ADDRESS,
    key: ClientKey = None,
    server_key: ServerKey = None,
) -> None:
    """Shows versions, devices, weights and who is at the address; what works, and how to mend the rest."""
    from ..diagnosis import diagnose

    folder = None if model == BUILT_IN_MODEL else Path(model)
    security = None
    if key is not None or server_key is not None:
        from ..connection_keys import client_security

        security = client_security(key, server_key)
    diagnosis = diagnose(address, folder, security)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for title, findings in diagnosis.sections.items():
        table.add_row(f"[bold]{title}[/]", "", "")
        for finding in findings:
            detail = escape(finding.detail)
            if finding.fix:
                detail += f" [dim]({escape(finding.fix)})[/]"
            table.add_row(f"  {escape(finding.subject)}", _MARKS[finding.verdict], detail)
    console.print(table)
    console.print()
    if diagnosis.usable:
        console.print("[green]ShotStream works here.[/] Try: shotstream demo")
        return
    console.print("[bold red]ShotStream does not work here yet.[/] Mend what is marked bad above.")
    raise typer.Exit(ExitCode.FAILED)
