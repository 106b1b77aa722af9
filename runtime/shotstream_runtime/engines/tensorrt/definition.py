# SPDX-License-Identifier: Apache-2.0
"""A network with all that has to live until it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor

from .constants import Constants
from .linear import PlainLinear
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
    trt: Any, logger: Any, tensors: StudentTensors, weights: Mapping[str, Tensor]
) -> Definition:
    """Defines the student's passes.

    Args:
        trt: The product's Python API.
        logger: Told what TensorRT has to say.
        tensors: Dimensions and precision.
        weights: The student's weights, by their names in `Student`.

    Raises:
        TensorRtError: TensorRT refuses a layer.
    """
    definition = Definition.empty(trt, logger)
    linear = PlainLinear(tensors.precision.dtype)
    StudentNetwork(trt, definition.network, definition.constants, tensors, weights, linear).define()
    return definition
