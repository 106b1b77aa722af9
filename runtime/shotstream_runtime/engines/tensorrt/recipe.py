# SPDX-License-Identifier: Apache-2.0
"""Everything that decides what an engine is; two engines with the same recipe are the same engine."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.model import StudentConfig

from .activation_ranges import ActivationRanges
from .products import Product
from .student_tensors import StudentTensors

NETWORK_VERSION = 1
"""Goes up when the definition of the network changes: older engines are then no longer found."""


class EngineRecipe(BaseModel):
    """What an engine is made from and for.

    Attributes:
        product: TensorRT product.
        product_version: Its version: plans are bound to it.
        targets: Compute capabilities (major x 10 + minor) it was built for.
        precision: Number format.
        weights_hash: The model's weights.
        student: Dimensions of the student.
        height: Latent rows.
        width: Latent columns.
        shared_memory_bytes: Limit on what a kernel takes; none: no limit.
        ranges_hash: The calibration; empty where none is needed.
        network_version: Of the definition.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    product: Product
    product_version: str
    targets: tuple[int, ...]
    precision: Precision
    weights_hash: str
    student: dict[str, Any]
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    shared_memory_bytes: int | None = None
    ranges_hash: str = ""
    network_version: int = NETWORK_VERSION

    @property
    def key(self) -> str:
        """Short name: 16 hexadecimal digits of a hash over all of it."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def tensors(self) -> StudentTensors:
        """The border of the network."""
        config = StudentConfig.from_dict(self.student)
        return StudentTensors(config, self.height, self.width, self.precision)

    def differences(self, other: EngineRecipe) -> dict[str, tuple[Any, Any]]:
        """Fields in which another recipe differs: its value, and the one here."""
        mine, theirs = self.model_dump(mode="json"), other.model_dump(mode="json")
        return {name: (theirs[name], mine[name]) for name in mine if mine[name] != theirs[name]}


def ranges_hash(ranges: ActivationRanges | None) -> str:
    """A short name of a calibration; empty without one."""
    if ranges is None:
        return ""
    return hashlib.sha256(ranges.model_dump_json().encode()).hexdigest()[:16]


def plain_student(config: StudentConfig) -> dict[str, Any]:
    """A configuration as JSON has it: with lists for tuples, so that one read back is the same."""
    values: dict[str, Any] = json.loads(json.dumps(config.to_dict()))
    return values
