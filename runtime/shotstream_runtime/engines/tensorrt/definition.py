# SPDX-License-Identifier: Apache-2.0
"""A network with all that has to live until it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.engines.precision import Precision

from .activation_ranges import ActivationRanges
from .commands import calibrate_command
from .constants import Constants
from .decoder_network import DecoderNetwork, DecoderTensors
from .errors import TensorRtError
from .fp8_format import Fp8Format
from .number_format import NumberFormat
from .nvfp4_format import Nvfp4Format
from .plain_format import PlainFormat
from .precisions import quantised
from .student_network import StudentNetwork
from .student_tensors import StudentTensors


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A defined network.

    Attributes:
        trt: The product's Python API.
        builder: Made the network, and builds it.
        network: The network.
        constants: What it points into.
    """

    trt: Any
    builder: Any
    network: Any
    constants: Constants

    @classmethod
    def empty(cls, trt: Any, logger: Any) -> Self:
        """A network without layers, whose types are those that its tensors have.

        Args:
            trt: The product's Python API.
            logger: Told what TensorRT has to say.
        """
        builder = trt.Builder(logger)
        # The only mode of the newer versions, which ignore the flag.
        flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        return cls(trt, builder, builder.create_network(flags), Constants(trt))


def define_student(
    trt: Any,
    logger: Any,
    tensors: StudentTensors,
    weights: Mapping[str, Tensor],
    ranges: ActivationRanges | None = None,
) -> Definition:
    """Defines the student's passes.

    Args:
        trt: The product's Python API.
        logger: Told what TensorRT has to say.
        tensors: Dimensions and precision.
        weights: The student's weights, by their names in `Student`.
        ranges: Largest magnitudes of its activations; needed where the precision is narrow.

    Raises:
        TensorRtError: TensorRT refuses a layer, or ranges are needed and not given.
    """
    definition = Definition.empty(trt, logger)
    numbers = _number_format(tensors.precision, ranges)
    StudentNetwork(trt, definition.network, definition.constants, tensors, weights, numbers).define()
    return definition


def define_decoder(
    trt: Any,
    logger: Any,
    codec: VideoCodec,
    height: int,
    width: int,
    dtype: torch.dtype,
    *,
    first: bool,
) -> tuple[Definition, DecoderTensors]:
    """Defines a step of the video decoder.

    Args:
        trt: The product's Python API.
        logger: Told what TensorRT has to say.
        codec: The autoencoder.
        height: Latent rows.
        width: Latent columns.
        dtype: Type of activations and weights.
        first: Whether it is the step of a shot's first latent.

    Raises:
        TensorRtError: TensorRT refuses a layer.
    """
    definition = Definition.empty(trt, logger)
    network, constants = definition.network, definition.constants
    decoder = DecoderNetwork(trt, network, constants, codec, height, width, dtype, first=first)
    return definition, decoder.define()


def _number_format(precision: Precision, ranges: ActivationRanges | None) -> NumberFormat:
    if not quantised(precision):
        return PlainFormat(precision.dtype)
    if ranges is None:
        raise TensorRtError(
            f"{precision} needs to know how large activations get; measure it with: {calibrate_command()}"
        )
    make = Nvfp4Format if precision is Precision.NVFP4 else Fp8Format
    return make(precision.dtype, ranges)
