# SPDX-License-Identifier: Apache-2.0
"""Joining a server that may still be loading its model."""

from __future__ import annotations

import contextlib
import time

from shotstream_bridge.client import Client
from shotstream_bridge.errors import RequestTimeoutError
from shotstream_bridge.heap import keep_freed_memory
from shotstream_bridge.messages import ServerStateName
from shotstream_bridge.security import ClientSecurity

from .terminal import telling

_LOOK_S = 0.5  # how often what the server is doing is looked at


def join(
    address: str,
    *,
    connect_s: float,
    ready_s: float,
    reconnect_s: float,
    security: ClientSecurity | None = None,
) -> Client:
    """Connects, and waits until the server takes stories.

    Args:
        address: ``tcp://HOST:PORT``.
        connect_s: Longest time to wait for the server's answer, in seconds.
        ready_s: Longest time to wait for its model.
        reconnect_s: How long a lost server is waited for, later on.
        security: This client's key and the server's, for a server with keys.

    Raises:
        ConnectError: Nobody answers, or no ShotStream server does.
        RequestTimeoutError: The server is still loading after `ready_s`.
        NotConnectedError: The server went away while it was waited for.
    """
    # Frames are large, come by the dozen a second and are freed as fast.
    keep_freed_memory()
    client = Client.connect(address, connect_s, security=security, reconnect_s=reconnect_s)
    if client.server.state is ServerStateName.READY:
        return client
    with client:
        wait_until_ready(client, ready_s)
    # Anew: what the server told first was said before it knew its weights.
    return Client.connect(address, connect_s, security=security, reconnect_s=reconnect_s)


def wait_until_ready(client: Client, ready_s: float) -> None:
    """Waits until a server takes stories, and shows what it does until then.

    Raises:
        RequestTimeoutError: It is still loading after `ready_s` seconds.
        NotConnectedError: It went away meanwhile.
    """
    deadline = time.monotonic() + ready_s
    with telling("Waiting for the server") as tell:
        while client.server.state is not ServerStateName.READY:
            doing = client.server.detail or client.server.state.value
            tell(doing, client.loading_progress or 0.0)
            left = deadline - time.monotonic()
            if left <= 0:
                raise RequestTimeoutError(f"the server is not ready after {ready_s:g} s ({doing})")
            with contextlib.suppress(RequestTimeoutError):
                client.wait_until_ready(min(_LOOK_S, left))
