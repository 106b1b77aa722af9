# SPDX-License-Identifier: Apache-2.0
"""`shotstream top`."""
# ruff: noqa: PLC0415 - what help does not need is imported when the command runs

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import DEFAULT_ADDRESS, ClientKey, ServerAddress, ServerKey
from ..terminal import console, print_table

if TYPE_CHECKING:
    from shotstream_bridge.client import Client

_CONNECT_S = 5.0
_POLL_S = 0.1


def top(
    address: ServerAddress = DEFAULT_ADDRESS,
    once: Annotated[bool, typer.Option("--once", help="Show it once, and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on a line, as docs/protocol.md has `status`.")
    ] = False,
    interval: Annotated[
        float, typer.Option("--interval", min=0.1, max=3600.0, help="Seconds between two looks.")
    ] = 1.0,
    key: ClientKey = None,
    server_key: ServerKey = None,
) -> None:
    """Shows what a server and its stories are doing, until Ctrl-C. Works remotely, with keys.

    On a server with keys: the stories of your own key, or everybody's if your key is an operator's.
    """
    from shotstream_bridge.client import Client

    from ..connection_keys import client_security

    security = client_security(key, server_key)
    with Client.connect(address, _CONNECT_S, security=security) as client:
        if as_json:
            _print_json(client, once, interval)
        elif once:
            from ..status_table import status_table

            print_table(status_table(address, client.status()))
        else:
            _show(client, address, interval)


def _print_json(client: Client, once: bool, interval: float) -> None:
    while True:
        # Not through rich, which would break the line at the terminal's edge.
        typer.echo(client.status().model_dump_json())
        if once:
            return
        _wait(client, interval)


def _show(client: Client, address: str, interval: float) -> None:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text
    from shotstream_bridge.errors import RequestTimeoutError

    from ..status_table import status_table

    shown = status_table(address, client.status())
    with Live(shown, console=console, screen=console.is_terminal, auto_refresh=False) as live:
        while True:
            _wait(client, interval)
            try:
                shown = status_table(address, client.status())
                live.update(shown, refresh=True)
            except RequestTimeoutError as error:
                live.update(Group(shown, Text(str(error), style="red")), refresh=True)


def _wait(client: Client, seconds: float) -> None:
    """Keeps the connection alive meanwhile."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not client.closed:
        client.pump(min(left, _POLL_S))
