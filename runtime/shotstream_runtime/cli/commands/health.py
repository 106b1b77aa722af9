# SPDX-License-Identifier: Apache-2.0
"""`shotstream health`."""
# ruff: noqa: PLC0415 - what help does not need is imported when the command runs

from __future__ import annotations

from typing import Annotated

import typer

from ..failure import CommandFailed
from ..options import DEFAULT_ADDRESS, ClientKey, ServerAddress, ServerKey
from ..terminal import console


def health(
    address: ServerAddress = DEFAULT_ADDRESS,
    alive: Annotated[
        bool, typer.Option("--alive", help="A server that is still loading, or stopping, is well too.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, max=600.0, help="Seconds for the server's answers.")
    ] = 5.0,
    key: ClientKey = None,
    server_key: ServerKey = None,
) -> None:
    """Asks a server as its clients do whether it takes stories: exit code 0 if so, 1 if not, and why."""
    from shotstream_bridge.client import Client
    from shotstream_bridge.messages import ServerStateName

    from ..connection_keys import client_security

    security = client_security(key, server_key)
    with Client.connect(address, timeout, security=security) as client:
        status = client.status(timeout)
    told = f"{status.state.value}: {status.detail}" if status.detail else status.state.value
    # One that is ready has something to add only if something is wrong.
    well = status.detail is None if status.state is ServerStateName.READY else alive
    if not well:
        raise CommandFailed(f"the server at {address} is not well: {told}")
    console.print(f"{told}, up {status.uptime_s:.0f} s, {status.open_stories} stories open", markup=False)
