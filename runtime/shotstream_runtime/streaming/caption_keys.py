# SPDX-License-Identifier: Apache-2.0
"""Cross-attention keys of the captions that a story's passes read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from shotstream_runtime.model import CaptionKeys, StudentConfig


def captions_kept(config: StudentConfig) -> int:
    """As many captions as one shot can read: of its condition frames, its own, and the one before."""
    return config.max_context_frames + 2


class CaptionKeyCache:
    """Remembers the captions used last.

    Args:
        capacity: Captions kept.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._keys: OrderedDict[str, CaptionKeys] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, prompt: str, make: Callable[[], CaptionKeys]) -> CaptionKeys:
        """The keys of a prompt; `make` makes those that are not remembered."""
        if prompt not in self._keys:
            # Room first, so that there are never more than that at once.
            while len(self._keys) >= self._capacity:
                self._keys.popitem(last=False)
            self._keys[prompt] = make()
        self._keys.move_to_end(prompt)
        return self._keys[prompt]

    def clear(self) -> None:
        """Forgets every caption."""
        self._keys.clear()

    @property
    def bytes(self) -> int:
        """Memory held."""
        tensors = (part for keys in self._keys.values() for layer in keys.layers for part in layer)
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
