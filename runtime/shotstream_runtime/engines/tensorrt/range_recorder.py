# SPDX-License-Identifier: Apache-2.0
"""Measures how large a student's activations get while it generates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from shotstream_runtime.model import Student
from shotstream_runtime.model.attention import CrossAttention, SelfAttention

from .activation_ranges import PRODUCTS, ActivationRanges

_READ_BY = {name: name for name in PRODUCTS} | {"self_attn.qkv": "self_attn.q"}
"""Products, by the layer of the eager student whose input they read."""


class RangeRecorder:
    """Watches a student's layers and keeps the largest magnitude of what goes through each.

    Attributes:
        passes: Passes seen.
    """

    def __init__(self, student: Student) -> None:
        self._student = student
        self._largest: dict[str, Tensor] = {}
        self.passes = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watches as long as it is entered. Passes take longer meanwhile; their results are the same."""
        handles: list[Any] = []
        for layer, block in enumerate(self._student._layers):
            for name, module in _READ_BY.items():
                handles.append(self._watch_input(block.get_submodule(module), f"blocks.{layer}.{name}"))
            for kind in ("self_attn", "cross_attn"):
                handles += self._watch_attention(getattr(block, kind), f"blocks.{layer}.{kind}")
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def ranges(self, weights_hash: str, stories: tuple[str, ...]) -> ActivationRanges:
        """What was measured.

        Args:
            weights_hash: The student's weights.
            stories: Names of what was generated.

        Raises:
            ValueError: If nothing went through.
        """
        if not self._largest:
            raise ValueError("no pass went through the student while it was watched")
        largest = {name: value.item() for name, value in sorted(self._largest.items())}
        return ActivationRanges(
            weights_hash=weights_hash, stories=stories, passes=self.passes, largest=largest
        )

    def _watch_input(self, module: nn.Module, name: str) -> Any:
        first = name == "blocks.0.self_attn.qkv"

        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self.passes += first
            self._see(name, inputs[0].abs().amax())

        return module.register_forward_pre_hook(hook)

    def _watch_attention(self, attention: SelfAttention | CrossAttention, name: str) -> list[Any]:
        rotated = isinstance(attention, SelfAttention)
        size = _pair_length if rotated else _magnitude
        scale = 1.0 / math.sqrt(attention.q.out_features // attention.heads)
        watched: tuple[tuple[nn.Module, str, Callable[[Tensor], Tensor], float], ...] = (
            (attention.norm_q, "query", size, scale),
            (attention.norm_k, "keys", size, 1.0),
            (attention.v, "values", _magnitude, 1.0),
        )

        def hook(part: str, of: Callable[[Tensor], Tensor], factor: float) -> Callable[..., None]:
            return lambda _, __, output: self._see(f"{name}.{part}", of(output) * factor)

        return [module.register_forward_hook(hook(part, of, f)) for module, part, of, f in watched]

    def _see(self, name: str, size: Tensor) -> None:
        # Stays on the device: waiting for each would take longer than the pass.
        size = size.float()
        before = self._largest.get(name)
        self._largest[name] = size if before is None else torch.maximum(before, size)


def _magnitude(x: Tensor) -> Tensor:
    largest: Tensor = x.abs().amax()
    return largest


def _pair_length(x: Tensor) -> Tensor:
    """Longest pair of neighbouring channels: whatever turns it, neither channel gets larger."""
    pairs = x.float().unflatten(-1, (-1, 2))
    longest: Tensor = pairs.square().sum(-1).amax().sqrt()
    return longest
