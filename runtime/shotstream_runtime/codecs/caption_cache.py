# SPDX-License-Identifier: Apache-2.0
"""Caption features kept per prompt, so that a caption is encoded once however often it is read."""

from __future__ import annotations

import threading
from collections import OrderedDict

from .text import CaptionFeatures, TextEncoder

DEFAULT_CAPACITY = 32
"""Captions kept; one of the published size (512 x 4096 float32) takes 8 MB."""


class CachedTextEncoder:
    """A text encoder that remembers the captions used last. Safe to call from several threads.

    Only one prompt is encoded at a time; prompts already known never wait for that.

    Args:
        inner: The encoder to ask; only one thread at a time enters it.
        capacity: Captions kept.

    Raises:
        ValueError: If the capacity is less than one.
    """

    def __init__(self, inner: TextEncoder, capacity: int = DEFAULT_CAPACITY) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1 caption, got {capacity}")
        self.inner = inner
        self.capacity = capacity
        self._features: OrderedDict[str, CaptionFeatures] = OrderedDict()
        self._bookkeeping = threading.Lock()
        self._encoding = threading.Lock()

    def __len__(self) -> int:
        return len(self._features)

    def encode(self, prompt: str) -> CaptionFeatures:
        """Features of one prompt; the same object again while it is remembered. Do not write into them."""
        known = self._look_up(prompt)
        if known is not None:
            return known
        with self._encoding:
            # Another thread may have encoded the same prompt while this one waited.
            known = self._look_up(prompt)
            if known is not None:
                return known
            features = self.inner.encode(prompt)
            with self._bookkeeping:
                self._features[prompt] = features
                while len(self._features) > self.capacity:
                    self._features.popitem(last=False)
            return features

    def clear(self) -> None:
        """Forgets every caption."""
        with self._bookkeeping:
            self._features.clear()

    def _look_up(self, prompt: str) -> CaptionFeatures | None:
        with self._bookkeeping:
            features = self._features.get(prompt)
            if features is not None:
                self._features.move_to_end(prompt)
            return features
