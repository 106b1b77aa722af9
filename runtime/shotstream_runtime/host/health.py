# SPDX-License-Identifier: Apache-2.0
"""Whether a server lives and is of use: for supervisors, which start it anew or send clients elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from shotstream_bridge.messages import ServerStateName

from .serving import Server


@dataclass(frozen=True)
class Verdict:
    """Whether it is well, and why not.

    Attributes:
        well: The answer.
        reason: For people.
    """

    well: bool
    reason: str


def liveness(server: Server) -> Verdict:
    """Whether the server lives: if not, only a new start helps. One that loads or waits lives."""
    if not server.endpoint.turning:
        return Verdict(False, "the endpoint's thread does not go round")
    if server.begun and not server.running:
        return Verdict(False, "a thread of the host has ended")
    stalled = server.why_stalled()
    if stalled is not None:
        return Verdict(False, stalled)
    return Verdict(True, "alive")


def readiness(server: Server) -> Verdict:
    """Whether the server takes stories now."""
    alive = liveness(server)
    if not alive.well:
        return alive
    info = server.info()
    if info.state is ServerStateName.READY:
        return Verdict(True, "ready")
    return Verdict(False, f"{info.state.value}: {info.detail}" if info.detail else info.state.value)
