# SPDX-License-Identifier: Apache-2.0
"""What a precision means for a TensorRT network, and which GPUs compute it."""

from __future__ import annotations

import torch

from shotstream_runtime.engines.precision import Precision


def quantised(precision: Precision) -> bool:
    """Whether matrix products read scaled narrow numbers, whose range a calibration has to have measured."""
    return precision in (Precision.FP8, Precision.NVFP4)


def cache_dtype(precision: Precision) -> torch.dtype:
    """Type of cached keys and values."""
    return torch.float8_e4m3fn if quantised(precision) else precision.dtype


def weight_bits(precision: Precision) -> float:
    """Bits that a weight of a block's matrix takes, its share of scales included."""
    return {Precision.FP32: 32.0, Precision.BF16: 16.0, Precision.FP8: 8.0, Precision.NVFP4: 4.5}[precision]


def capable_targets(precision: Precision) -> tuple[int, ...]:
    """Compute capabilities (major x 10 + minor) with kernels for the format, attention included.

    In float32 there is no fused attention, and scores written to memory would take 9 GB: the definition in
    float32 is there to be checked, not to be run.
    """
    return {
        Precision.FP32: (),
        Precision.BF16: (80, 86, 89, 90, 100, 120),
        Precision.FP8: (89, 90, 100, 120),
        Precision.NVFP4: (100, 120),
    }[precision]
