# SPDX-License-Identifier: Apache-2.0
"""Addresses a server may listen at. This version has no keys, so it serves the same host only."""

from __future__ import annotations

import errno
import ipaddress
import re

from shotstream_bridge.errors import AddressError

DEFAULT_ADDRESS = "tcp://127.0.0.1:5555"

_TCP = re.compile(r"tcp://(?P<host>\[[^\]]+\]|[^:/\[\]]+):(?P<port>\*|\d{1,5})")


def check_loopback(address: str) -> str:
    """Checks that an address is loopback TCP.

    Args:
        address: ``tcp://HOST:PORT``; port ``0`` or ``*`` picks a free one.

    Returns:
        The address with a numeric host and ``*`` for a free port, as the socket library takes it.

    Raises:
        AddressError: It is another transport, another host, or not an address.
    """
    match = _TCP.fullmatch(address)
    if match is None and _TCP.fullmatch(f"tcp://{address}"):
        raise AddressError(f"{address!r} lacks its transport; use tcp://{address}")
    if match is None or not _is_loopback(match["host"]):
        raise AddressError(
            f"only loopback addresses are served; got {address!r}; use tcp://127.0.0.1:PORT "
            "(keys for serving other hosts come in a later version)"
        )
    port = match["port"]
    if port != "*" and int(port) > 65_535:
        raise AddressError(f"port {port} of {address!r} does not exist; ports are 0 to 65535")
    host = "127.0.0.1" if match["host"] == "localhost" else match["host"]
    return f"tcp://{host}:{'*' if port in ('*', '0') else port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bind_failure(address: str, number: int, text: str) -> AddressError:
    """Explains why listening at an address failed.

    Args:
        address: What was asked for.
        number: The system's error number.
        text: The system's message.
    """
    port = address.rpartition(":")[2]
    if number == errno.EADDRINUSE:
        return AddressError(
            f"port {port} is in use, perhaps by another ShotStream server: stop that program, or choose "
            f"another port ({address.rpartition(':')[0]}:0 picks a free one)"
        )
    if number == errno.EACCES:
        return AddressError(f"this user may not listen at port {port}; choose one from 1024 on")
    return AddressError(f"cannot listen at {address}: {text}")
