# SPDX-License-Identifier: Apache-2.0
"""The number formats that a student computes in."""

from __future__ import annotations

from enum import StrEnum

import torch


class Precision(StrEnum):
    """Number format of the student's matrix products."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP8 = "fp8"
    """Weights in 8 bit with a scale per row; everything between the matrix products in bfloat16."""
    NVFP4 = "nvfp4"
    """Weights and inputs of matrix products in 4 bit with a scale per 16 numbers; the rest in bfloat16."""

    @property
    def dtype(self) -> torch.dtype:
        """Type of everything that is not stored in fewer bits."""
        return torch.float32 if self is Precision.FP32 else torch.bfloat16
