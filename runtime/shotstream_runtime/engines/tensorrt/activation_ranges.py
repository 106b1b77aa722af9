# SPDX-License-Identifier: Apache-2.0
"""How large activations get: what a calibration has measured, kept beside the engines."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shotstream_runtime.model import StudentConfig

from .errors import TensorRtError

PRODUCTS = ("self_attn.qkv", "self_attn.o", "cross_attn.q", "cross_attn.o", "ffn.0", "ffn.2")
"""Matrix products of a block; queries, keys and values come from one."""

_ATTENDED = ("query", "keys", "values")


def range_names(config: StudentConfig) -> tuple[str, ...]:
    """Every place of a student whose range a narrow format has to know.

    A matrix product's name stands for what it reads, an attention's query (scaled), keys and values for
    themselves.
    """
    attended = tuple(f"{kind}_attn.{part}" for kind in ("self", "cross") for part in _ATTENDED)
    return tuple(
        f"blocks.{layer}.{name}" for layer in range(config.num_layers) for name in PRODUCTS + attended
    )


class ActivationRanges(BaseModel):
    """Largest magnitudes of a student's activations.

    Attributes:
        weights_hash: The weights that they were measured with.
        stories: Names of the stories that were generated.
        passes: Passes that were measured.
        largest: Largest magnitude by place; see `range_names`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weights_hash: str
    stories: tuple[str, ...]
    passes: int = Field(ge=1)
    largest: dict[str, float]

    def of(self, name: str) -> float:
        """Largest magnitude at a place; never zero, since it becomes a divisor.

        Raises:
            TensorRtError: It was not measured.
        """
        if name not in self.largest:
            raise TensorRtError(
                f"the calibration has no range for {name}; calibrate again: "
                "shotstream engine calibrate STORY.yaml --model MODEL"
            )
        return max(self.largest[name], 1e-6)

    @classmethod
    def read(cls, path: Path, command: str) -> Self:
        """Reads the file of a calibration.

        Args:
            path: The file.
            command: What makes it; told in errors.

        Raises:
            TensorRtError: There is none, or it is damaged.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise TensorRtError(f"{path}: there is no calibration; make one with: {command}") from error
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise TensorRtError(
                f"{path} is no calibration ({type(error).__name__}); make it anew with: {command}"
            ) from error
