# SPDX-License-Identifier: Apache-2.0
"""The server's side of the handshake: which version, which heartbeat, or why not. Pure, without sockets."""

from __future__ import annotations

from typing import Any, Final

from shotstream_bridge.codec import validate_client
from shotstream_bridge.errors import ErrorCode
from shotstream_bridge.replies import Refused
from shotstream_bridge.requests import Hello
from shotstream_bridge.version import PROTOCOL_VERSIONS

SHORTEST_HEARTBEAT_S: Final = 0.05
LONGEST_HEARTBEAT_S: Final = 30.0
LONGEST_TIMEOUT_S: Final = 120.0
HEARTBEATS_PER_TIMEOUT: Final = 3
"""A peer counts as dead no earlier than after three heartbeats that did not come."""

_MOST_VERSIONS: Final = 32


def settle_version(offered: tuple[int, ...]) -> int | None:
    """The highest version both sides speak, or None."""
    return max(set(offered) & set(PROTOCOL_VERSIONS), default=None)


def settle_heartbeat(heartbeat_s: float, timeout_s: float) -> tuple[float, float]:
    """The heartbeat and timeout which both sides keep, from what the client asked for.

    Args:
        heartbeat_s: Wanted seconds of silence before a heartbeat.
        timeout_s: Wanted seconds of silence before the peer counts as dead.

    Returns:
        Both, in seconds, within the limits above.
    """
    heartbeat = min(max(heartbeat_s, SHORTEST_HEARTBEAT_S), LONGEST_HEARTBEAT_S)
    timeout = min(max(timeout_s, HEARTBEATS_PER_TIMEOUT * heartbeat), LONGEST_TIMEOUT_S)
    return heartbeat, timeout


def read_hello(fields: dict[str, Any]) -> Hello | Refused:
    """Reads a ``hello``, of this version of the protocol or of another.

    The versions are looked at before anything else: a ``hello`` of a later version may have fields that this
    one does not know, and its sender must learn about the version, not about the field.

    Raises:
        InvalidMessageError: The versions are fine and the rest is not, or there are no readable versions.
    """
    offered = _readable_versions(fields.get("versions"))
    if offered is not None and settle_version(offered) is None:
        mine, theirs = _listed(PROTOCOL_VERSIONS), _listed(offered)
        older = max(offered) < max(PROTOCOL_VERSIONS)
        return Refused(
            code=ErrorCode.VERSION_UNSUPPORTED.value,
            reason=f"this server speaks protocol version {mine}, the client offers {theirs}; "
            f"update the {'client' if older else 'server'}",
            retryable=False,
            server_versions=PROTOCOL_VERSIONS,
            client_versions=offered,
        )
    hello = validate_client(fields)
    assert isinstance(hello, Hello)  # noqa: S101 - the caller looked at the type
    return hello


def _readable_versions(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_VERSIONS:
        return None
    versions = [v for v in value if isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 2**16]
    return tuple(versions) if len(versions) == len(value) else None


def _listed(versions: tuple[int, ...]) -> str:
    return ", ".join(str(version) for version in versions)
