# SPDX-License-Identifier: Apache-2.0
"""What a build will take, from the dimensions alone: told before it begins."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.model import Student, StudentConfig

from .precisions import weight_bits
from .student_tensors import StudentTensors

# Fitted to builds of mini and of the published dimensions with TensorRT for RTX 1.7.1.116 on two cores of a
# server, benchmarks/results/tensorrt_builds.json. TensorRT itself times kernels as well: minutes more.
_SECONDS_PER_LAYER_AND_TARGET = {Precision.BF16: 0.17, Precision.FP8: 0.4, Precision.NVFP4: 2.0}
_SECONDS_PER_GIGABYTE = 2.0
# Kernels are shared among layers that are alike: few more with every layer.
_KERNEL_BYTES = {Precision.BF16: 6.0e6, Precision.FP8: 29.3e6, Precision.NVFP4: 40.0e6}
_KERNEL_BYTES_PER_LAYER = {Precision.BF16: 1.53e6, Precision.FP8: 0.83e6, Precision.NVFP4: 0.48e6}
_DECODER_PLANS = 2
_DECODER_KERNEL_BYTES = 4.5e6
_DECODER_ITEMSIZE = 2
_MEMORY_PER_STUDENT = 4.0
_MEMORY_FLOOR = 0.8e9


@dataclass(frozen=True, slots=True)
class BuildEstimate:
    """What a build is expected to take.

    Attributes:
        seconds: On a machine like the one it was measured on.
        memory_bytes: Main memory, the student's weights included.
        disk_bytes: The engine.
    """

    seconds: float
    memory_bytes: int
    disk_bytes: int


def estimate_build(tensors: StudentTensors, targets: int = 1, decoder_weights: int = 0) -> BuildEstimate:
    """Estimates the build of an engine.

    Args:
        tensors: Dimensions and precision.
        targets: How many compute capabilities it is built for.
        decoder_weights: Numbers in the video decoder, which is in two more plans.
    """
    config, precision = tensors.config, tensors.precision
    matrices, rest = network_weights(config)
    plan = matrices * weight_bits(precision) / 8 + rest * precision.dtype.itemsize
    plan += _KERNEL_BYTES[precision] + config.num_layers * _KERNEL_BYTES_PER_LAYER[precision]
    decoder = decoder_weights * _DECODER_ITEMSIZE + _DECODER_KERNEL_BYTES if decoder_weights else 0
    student = (matrices + rest) * precision.dtype.itemsize
    return BuildEstimate(
        seconds=plan / 1e9 * _SECONDS_PER_GIGABYTE
        + config.num_layers * max(1, targets) * _SECONDS_PER_LAYER_AND_TARGET[precision],
        memory_bytes=int(_MEMORY_FLOOR + student * _MEMORY_PER_STUDENT),
        disk_bytes=int(plan + _DECODER_PLANS * decoder),
    )


def network_weights(config: StudentConfig) -> tuple[int, int]:
    """Numbers in the network: in the blocks' matrices, and in everything else.

    The student itself says how many; what prepares captions and times is not in the network.
    """
    with torch.device("meta"):
        student = Student(config)
    matrices = rest = 0
    for name, weight in student.named_parameters():
        if name.startswith(("text_embedding", "time_")) or name.endswith("modulation"):
            continue
        if any(f".cross_attn.{part}." in name for part in ("k", "v", "norm_k")):
            continue
        if name.startswith("blocks") and weight.ndim == 2:
            matrices += weight.numel()
        else:
            rest += weight.numel()
    return matrices, rest
