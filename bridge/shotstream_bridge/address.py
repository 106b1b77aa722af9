# SPDX-License-Identifier: Apache-2.0
"""Addresses a server may listen at: without keys this host's own only."""

from __future__ import annotations

import errno
import ipaddress
import re

from shotstream_bridge.errors import AddressError

DEFAULT_ADDRESS = "tcp://127.0.0.1:5555"

_TCP = re.compile(r"tcp://(?P<host>\[[^\]]+\]|[^:/\[\]]+):(?P<port>\*|\d{1,5})")


def check_bind(address: str, *, secured: bool) -> str:
    """Checks that a server may listen at an address.

    Args:
        address: ``tcp://HOST:PORT``; port ``0`` or ``*`` picks a free one, host ``*`` is every interface.
        secured: Whether the server has keys and an allow-list; without them only loopback is served.

    Returns:
        The address with a numeric host and ``*`` for a free port, as the socket library takes it.

    Raises:
        AddressError: It is another transport, another host, or not an address.
    """
    match = _TCP.fullmatch(address)
    if match is None and _TCP.fullmatch(f"tcp://{address}"):
        raise AddressError(f"{address!r} lacks its transport; use tcp://{address}")
    if match is None and secured:
        raise AddressError(f"{address!r} is no address; use tcp://HOST:PORT")
    if match is None or not (secured or is_loopback(address)):
        raise AddressError(
            f"only loopback addresses are served without keys; got {address!r}; use tcp://127.0.0.1:PORT, or "
            "give the server a key and an allow-list (shotstream keys new, keys allow, serve --keys)"
        )
    port = match["port"]
    if port != "*" and int(port) > 65_535:
        raise AddressError(f"port {port} of {address!r} does not exist; ports are 0 to 65535")
    host = "127.0.0.1" if match["host"] == "localhost" else match["host"]
    return f"tcp://{host}:{'*' if port in ('*', '0') else port}"


def is_loopback(address: str) -> bool:
    """Whether ``tcp://HOST:PORT`` names this host itself."""
    match = _TCP.fullmatch(address)
    host = "" if match is None else match["host"]
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
