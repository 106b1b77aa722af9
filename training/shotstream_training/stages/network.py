# SPDX-License-Identifier: Apache-2.0
"""A network in training: one door for all calls, so that it can be shared out among processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import (
    FSDPModule,
    MixedPrecisionPolicy,
    fully_shard,
    register_fsdp_forward_method,
)
from torch.distributed.tensor import DTensor
from torch.utils.checkpoint import checkpoint

from shotstream_training.stages.place import Place

T = TypeVar("T")


class TrainedNetwork(nn.Module):
    """A network that is only ever called as ``network(work)``: ``work`` gets the inner network.

    The student's passes are many small methods; FSDP gathers weights when a module is called. Calling this
    wrapper gathers what lies outside the blocks, and each block gathers its own.

    Args:
        inner: The network.
        place: Where it trains; with other processes its weights, gradients and optimiser states are shared
        out. checkpointing: Whether activations inside blocks are computed again in the backward pass instead
        of kept.
    """

    inner: Any

    def __init__(self, inner: nn.Module, place: Place, *, checkpointing: bool = False) -> None:
        super().__init__()
        self.inner = inner
        self.place = place
        blocks = list(getattr(inner, "blocks", ()))
        if checkpointing:
            for block in blocks:
                _recompute(block)
        if place.mesh is not None:
            options: dict[str, Any] = {
                "mesh": place.mesh,
                # Inputs are not cast: a time of 957.93 would become 960.
                "mp_policy": MixedPrecisionPolicy(
                    param_dtype=torch.bfloat16 if place.bfloat16 else None,
                    reduce_dtype=torch.float32,
                    cast_forward_inputs=False,
                ),
            }
            for block in blocks:
                fully_shard(block, **options)
                register_fsdp_forward_method(block, "store_keys")
            fully_shard(self, **options)

    def forward(self, work: Callable[[Any], T]) -> T:
        """Runs ``work`` on the inner network; gradient flows through tensors that it returns."""
        with self.place.autocast():
            return work(self.inner)

    @contextmanager
    def whole(self) -> Iterator[Any]:
        """Gathers all weights once, for many passes without gradient in a row: a rollout."""
        sharded = [module for module in self.modules() if isinstance(module, FSDPModule)]
        if sharded:
            self(lambda _: None)
        for module in sharded:
            module.unshard()
            module.set_reshard_after_forward(False, recurse=False)
        try:
            with torch.no_grad(), self.place.autocast():
                yield self.inner
        finally:
            for module in sharded:
                outer = id(module) == id(self)
                module.set_reshard_after_forward(not outer, recurse=False)
                module.reshard()

    def synchronise(self, wanted: bool) -> None:
        """Whether the next backward pass shares gradients among processes; off while they accumulate."""
        if isinstance(self, FSDPModule):
            self.set_requires_gradient_sync(wanted)

    @torch.no_grad()
    def weights(self, *, trained_only: bool = False) -> dict[str, Tensor]:
        """All parameters and persistent buffers, whole and on the CPU; every process must ask."""
        names = {name for name, p in self.inner.named_parameters() if p.requires_grad}
        return {
            name: snapshot(tensor)
            for name, tensor in self.inner.state_dict().items()
            if name in names or not trained_only
        }

    @torch.no_grad()
    def load(self, weights: dict[str, Tensor]) -> None:
        """Sets tensors by name; every process gives the same.

        Raises:
            KeyError: If a name is unknown.
        """
        own = self.inner.state_dict()
        for name, value in weights.items():
            assign(own[name], value)


def _recompute(block: nn.Module) -> None:
    plain = block.forward

    def forward(*arguments: Any, **options: Any) -> Any:
        if not torch.is_grad_enabled():
            return plain(*arguments, **options)
        return checkpoint(plain, *arguments, use_reentrant=False, **options)

    block.forward = forward


def full(tensor: Tensor) -> Tensor:
    """A tensor that may be shared out, whole; every process must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def snapshot(tensor: Tensor) -> Tensor:
    """A whole copy on the CPU; every process must ask."""
    return full(tensor.detach()).to("cpu", copy=True)


@torch.no_grad()
def assign(target: Tensor, value: Tensor) -> None:
    """Writes a whole value into a tensor that may be shared out."""
    if isinstance(target, DTensor):
        shared = DTensor.from_local(
            value.to(target.device, target.dtype), target.device_mesh, run_check=False
        )
        target.copy_(shared.redistribute(placements=target.placements))
    else:
        target.copy_(value)


class RunningAverage:
    """A running average of a network's trained weights.

    Args:
        network: Whose weights.
        decay: Of the past; 0 keeps no average, and the network's own weights are the result.
    """

    def __init__(self, network: TrainedNetwork, decay: float) -> None:
        self.network, self.decay = network, decay
        self.updates = 0
        self.values = {name: p.detach().clone() for name, p in self._trained().items()} if decay else {}

    def _trained(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in self.network.inner.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the weights of now; forgets faster at first, or the start would stay for ever."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        for name, parameter in self._trained().items():
            if name in self.values:
                self.values[name].lerp_(parameter.detach(), 1.0 - decay)

    def weights(self) -> dict[str, Tensor]:
        """The average, whole and on the CPU; empty where none is kept. Every process must ask."""
        return {name: snapshot(value) for name, value in self.values.items()}

    def load(self, weights: dict[str, Tensor]) -> None:
        """Restores what `weights` gave."""
        for name, value in weights.items():
            assign(self.values[name], value)
