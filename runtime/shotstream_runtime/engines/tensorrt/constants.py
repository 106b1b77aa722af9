# SPDX-License-Identifier: Apache-2.0
"""Weights as a network takes them: raw pointers into tensors that somebody has to keep alive."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_NAMES = {
    torch.float32: "FLOAT",
    torch.float16: "HALF",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "FP8",
    torch.int32: "INT32",
    torch.int64: "INT64",
}


def data_type(trt: Any, dtype: torch.dtype) -> Any:
    """TensorRT's name of a torch type.

    Raises:
        KeyError: It has none here.
    """
    return getattr(trt.DataType, _NAMES[dtype])


class Constants:
    """Tensors that a network points into; they live as long as this does.

    TensorRT copies weights when it builds, not when a layer is added.
    """

    def __init__(self, trt: Any) -> None:
        self._trt = trt
        self._tensors: list[Tensor] = []

    def weights(self, tensor: Tensor, kind: Any = None) -> Any:
        """Weights that point to a tensor.

        Args:
            tensor: Any shape and device.
            kind: TensorRT type, where the bytes mean something that torch has no type for: packed FP4.
        """
        kept = tensor.detach().cpu().contiguous()
        self._tensors.append(kept)
        if kind is None:
            return self._trt.Weights(data_type(self._trt, kept.dtype), kept.data_ptr(), kept.numel())
        return self._trt.Weights(kind, kept.data_ptr(), kept.numel() * 2)
