# SPDX-License-Identifier: Apache-2.0
"""Dual caches for batches of several sizes."""

from __future__ import annotations

import torch
from shotstream_runtime.model import DualCache, StudentConfig

from shotstream_training.stages.place import Place


class ShotCaches:
    """Dual caches for passes over batches, one for every size of batch; each holds a whole shot.

    Args:
        config: Dimensions of the networks.
        size: Latent rows and columns.
        place: Where the passes run, and in which precision.
    """

    def __init__(self, config: StudentConfig, size: tuple[int, int], place: Place) -> None:
        self._config, self._size, self._place = config, size, place
        self._caches: dict[int, DualCache] = {}

    def of(self, batch: int) -> DualCache:
        """The cache for so many samples; what it held before may be overwritten."""
        if batch not in self._caches:
            self._caches[batch] = DualCache(
                self._config,
                tokens_per_frame=self._config.tokens_per_frame(*self._size),
                batch=batch,
                device=self._place.device,
                dtype=torch.bfloat16 if self._place.bfloat16 else torch.float32,
            )
        return self._caches[batch]
