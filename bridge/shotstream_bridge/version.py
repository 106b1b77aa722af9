# SPDX-License-Identifier: Apache-2.0
"""The product's version and the protocol's: they move independently."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.1.0"

PROTOCOL_VERSIONS: Final = (1,)
"""Protocol versions this package speaks, ascending. A handshake settles on the highest one both sides list.
"""

FEATURES: Final[tuple[str, ...]] = ("quotas", "resume", "webp", "memory", "status")
"""What this package knows beyond the first form of version 1. Both sides list theirs in the handshake."""
