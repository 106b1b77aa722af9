# SPDX-License-Identifier: Apache-2.0
"""Where a training process stands: its device, its number among others, its precision."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Self

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from shotstream_training.device import pick_device


@dataclass(frozen=True, slots=True)
class Place:
    """One of the processes that train together.

    Attributes:
        device: Where it computes.
        rank: Its number.
        world: How many there are.
        mesh: The processes as FSDP wants them; none for a process alone.
        bfloat16: Whether matrix products run in bfloat16.
    """

    device: torch.device
    rank: int = 0
    world: int = 1
    mesh: DeviceMesh | None = None
    bfloat16: bool = False

    @classmethod
    @contextmanager
    def open(cls, device: str | None = None, *, bfloat16: bool | None = None) -> Iterator[Self]:
        """Takes the place that `torchrun` has assigned, or stands alone without it.

        Args:
            device: ``cpu`` or ``cuda``; by default a GPU where there is one.
            bfloat16: Precision; by default bfloat16 on a GPU.

        Raises:
            ValueError: If there are more processes on this machine than GPUs.
        """
        kind = pick_device(device)
        low = kind.type == "cuda" if bfloat16 is None else bfloat16
        if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
            yield cls(kind, bfloat16=low)
            return
        rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        if kind.type == "cuda":
            local = int(os.environ.get("LOCAL_RANK", "0"))
            if local >= torch.cuda.device_count():
                raise ValueError(
                    f"process {local} of this machine finds {torch.cuda.device_count()} GPUs; "
                    "start as many processes as GPUs (--nproc-per-node)"
                )
            kind = torch.device("cuda", local)
            torch.cuda.set_device(kind)
        dist.init_process_group("nccl" if kind.type == "cuda" else "gloo", rank=rank, world_size=world)
        try:
            yield cls(kind, rank, world, init_device_mesh(kind.type, (world,)), low)
        finally:
            dist.destroy_process_group()

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[object]:
        """The precision of matrix products, for everything inside."""
        # Also where FSDP gathers weights in bfloat16 already: inputs such as caption features are float32.
        # Without the cache of casts: weights change under it between steps.
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16, cache_enabled=False)

    def mean(self, value: Tensor) -> Tensor:
        """The mean of one number per process."""
        value = value.detach().float().clone()
        if self.mesh is not None:
            dist.all_reduce(value, group=self.mesh.get_group())
            value /= self.world
        return value

    def agree(self, yes: bool) -> bool:
        """What the leading process says, for decisions by the clock."""
        if self.mesh is None:
            return yes
        told = torch.tensor(int(yes), device=self.device)
        dist.broadcast(told, src=0, group=self.mesh.get_group())
        return bool(told.item())

    def wait(self) -> None:
        """Returns when all processes have come here."""
        if self.mesh is not None:
            dist.barrier()
