# SPDX-License-Identifier: Apache-2.0
"""Whether an address can be listened at, found out before anything slow is started."""

from __future__ import annotations

import os
import socket

from shotstream_bridge.address import bind_failure, check_bind


def check_free(address: str, *, secured: bool = False) -> None:
    """Listens at an address for a moment.

    Args:
        address: ``tcp://HOST:PORT`` on this machine; host ``*`` is every interface.
        secured: Whether the server will demand keys; without, only loopback may be listened at.

    Raises:
        AddressError: It is no such address, or it cannot be listened at, and why.
    """
    host, _, port = check_bind(address, secured=secured).removeprefix("tcp://").rpartition(":")
    host = "" if host == "*" else host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server does it: a port whose last connections are only waiting to expire counts as free.
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, 0 if port == "*" else int(port)))
            probe.listen(1)
        except OSError as error:
            raise bind_failure(address, error.errno or 0, error.strerror or str(error)) from error
