# SPDX-License-Identifier: Apache-2.0
"""A short name for a set of weights, from the weights themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

_SAMPLED = 16


def fingerprint(parts: Mapping[str, Mapping[str, Tensor]]) -> str:
    """SHA-256 over names, shapes, types and a few numbers of every tensor.

    Reading all of 14 GB takes minutes; the first and last numbers of each tensor tell trained weights
    apart as well. This identifies weights, it does not prove files intact: that is what the checksums are
    for.

    Args:
        parts: Tensors by name, by part of the model (`student`, `video`, `text`).

    Returns:
        64 hexadecimal digits; the same for the same tensors in another kind of file.
    """
    digest = hashlib.sha256()
    for part in sorted(parts):
        for name in sorted(parts[part]):
            tensor = parts[part][name].detach()
            digest.update(f"{part}/{name} {list(tensor.shape)} {tensor.dtype}\n".encode())
            flat = tensor.flatten()
            sample = torch.cat([flat[:_SAMPLED], flat[-_SAMPLED:]]).contiguous().cpu()
            digest.update(sample.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
