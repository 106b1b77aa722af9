# SPDX-License-Identifier: Apache-2.0
"""How linear layers keep their weights: joined with others that read the same input, or in eight bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LARGEST: Final = {torch.int8: 127.0, torch.float8_e4m3fn: 448.0}
_SMALLEST: Final = 1e-12  # of a row's largest number, so that rows of zeros have a scale
_ROWS_PER_PRODUCT: Final = 16  # what the native 8-bit products ask of a matrix's sides


class EightBitLinear(nn.Module):
    """A linear layer whose weights are kept in 8 bits with a scale per output.

    With float8 weights on a GPU that multiplies them (SM89 and later) the inputs are rounded to float8 as
    well, with a scale per row, and the product is native; everywhere else, and always with int8, the weights
    are spread to the input's type for each use, which saves memory and no time.

    Attributes:
        weight: ``[out, in]`` int8 or float8.
        scale: ``[out, 1]`` float32.
        bias: ``[out]``, or none.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None, *, native: bool = False) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", bias)
        self.native = native
        self.round_rows: Callable[[Tensor], tuple[Tensor, Tensor]] = rounded_rows
        """For native products: `rounded_rows`, or the same compiled."""

    @classmethod
    def of(cls, linear: nn.Linear, dtype: torch.dtype, *, native: bool = False) -> EightBitLinear:
        """The layer in ``torch.int8`` or ``torch.float8_e4m3fn``.

        Args:
            linear: The layer; it stays as it is.
            dtype: Type of the weights.
            native: Multiplies in float8, where sides allow it.
        """
        wide = linear.weight.detach().float()
        scale = wide.abs().amax(dim=1, keepdim=True).clamp_min(_SMALLEST) / _LARGEST[dtype]
        scaled = wide / scale
        weight = scaled.round().to(dtype) if dtype is torch.int8 else scaled.to(dtype)
        bias = None if linear.bias is None else linear.bias.detach()
        fits = all(side % _ROWS_PER_PRODUCT == 0 for side in weight.shape)
        return cls(weight, scale, bias, native=native and fits and dtype is torch.float8_e4m3fn)

    @property
    def in_features(self) -> int:
        """Width of the input."""
        return self.weight.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        """``[..., in]`` to ``[..., out]``."""
        if self.native:
            return self._multiply_natively(x)
        wide = (self.weight.to(torch.float32) * self.scale).to(x.dtype)
        return F.linear(x, wide, None if self.bias is None else self.bias.to(x.dtype))

    def _multiply_natively(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        rounded, scale = self.round_rows(rows)
        out: Tensor = torch._scaled_mm(
            rounded,
            self.weight.t(),
            scale_a=scale,
            scale_b=self.scale.t(),
            bias=None if self.bias is None else self.bias.to(x.dtype),
            out_dtype=x.dtype,
        )
        spread: Tensor = out.unflatten(0, x.shape[:-1])
        return spread

    @property
    def bytes(self) -> int:
        """Memory of weights and scales."""
        return self.weight.nbytes + self.scale.nbytes


def rounded_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    """``[n, in]`` in float8, and the scale of each row ``[n, 1]`` float32."""
    largest = rows.abs().amax(dim=1, keepdim=True).float().clamp_min(_SMALLEST)
    scale = largest / _LARGEST[torch.float8_e4m3fn]
    return (rows / scale).to(torch.float8_e4m3fn), scale


def store_in_eight_bits(
    module: nn.Module,
    dtype: torch.dtype,
    *,
    native: bool = False,
    device: torch.device | None = None,
) -> nn.Module:
    """Replaces every linear layer inside a module, in place and one after another, and returns the module.

    Args:
        module: The module.
        dtype: Type of the weights, as `EightBitLinear.of` takes it.
        native: As there.
        device: Where each layer is brought first; it stays where it is by default.
    """
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                if device is not None:
                    child.to(device)
                parent.add_module(name, EightBitLinear.of(child, dtype, native=native))
    return module


def join_rows(layers: Sequence[nn.Module]) -> nn.Module:
    """One layer that gives the outputs of several over the same input, side by side.

    The layers' own weights become views of the joined ones: nothing is held twice.

    Args:
        layers: All ``nn.Linear`` with a bias, or all `EightBitLinear` with one.

    Raises:
        TypeError: They are of another kind, or of several.
    """
    kinds = {type(layer) for layer in layers}
    if kinds == {nn.Linear}:
        joined: nn.Module = nn.Linear(1, 1, device="meta")
        names: tuple[str, ...] = ("weight", "bias")
    elif kinds == {EightBitLinear}:
        first = layers[0]
        assert isinstance(first, EightBitLinear)  # noqa: S101 - for the type checker
        joined = EightBitLinear(first.weight, first.scale, first.bias, native=first.native)
        names = ("weight", "scale", "bias")
    else:
        raise TypeError(f"layers of one kind are needed, not {sorted(kind.__name__ for kind in kinds)}")
    for name in names:
        parts = [getattr(layer, name) for layer in layers]
        whole = torch.cat([part.detach() for part in parts])
        _assign(joined, name, whole)
        for layer, view in zip(layers, whole.split([len(part) for part in parts]), strict=True):
            _assign(layer, name, view)
    return joined


def _assign(layer: nn.Module, name: str, value: Tensor) -> None:
    if isinstance(layer, nn.Linear):
        setattr(layer, name, nn.Parameter(value, requires_grad=False))
    else:
        setattr(layer, name, value)
