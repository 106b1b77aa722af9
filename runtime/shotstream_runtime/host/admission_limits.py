# SPDX-License-Identifier: Apache-2.0
"""How much a host takes on. Light, as it is known before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionLimits:
    """How much a host takes on.

    Attributes:
        stories: Stories open at once, over all clients.
        queued_chunks: Chunks that wait to be generated, over all stories.
        reserve_bytes: Main memory that stays free.
        device_reserve_bytes: Memory of the device that stays free; a GPU needs some for what is computed on
            the way, as a story is charged only for what it keeps.
    """

    stories: int = 32
    queued_chunks: int = 5_000
    reserve_bytes: int = 500_000_000
    device_reserve_bytes: int = 2_000_000_000
