# SPDX-License-Identifier: Apache-2.0
"""Pictures as training tensors, and back."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_clips(pictures: Tensor) -> Tensor:
    """uint8 pictures ``[b, f, H, W, 3]`` to clips ``[b, 3, f, H, W]`` in [-1, 1]."""
    return pictures.permute(0, 4, 1, 2, 3).float().div(127.5).sub(1.0)


def to_pictures(clips: Tensor) -> NDArray[np.uint8]:
    """Clips ``[b, 3, f, H, W]`` in [-1, 1] to pictures ``[b, f, H, W, 3]``."""
    scaled = clips.float().clamp(-1, 1).add(1.0).mul(127.5).round().to(torch.uint8)
    return scaled.permute(0, 2, 3, 4, 1).cpu().numpy()
