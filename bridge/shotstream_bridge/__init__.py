# SPDX-License-Identifier: Apache-2.0
"""The bridge between ShotStream and the programs that direct it: protocol, client, server endpoint."""

from shotstream_bridge.version import PROTOCOL_VERSIONS, __version__

__all__ = ["PROTOCOL_VERSIONS", "__version__"]
