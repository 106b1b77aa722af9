# SPDX-License-Identifier: Apache-2.0
"""Small networks and a data set of random latents, for tests of the stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from shotstream_runtime.model import Student, StudentConfig
from shotstream_training.data.context_table import ContextTable
from shotstream_training.networks import prepare
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.place import Place
from torch import Tensor

CONFIG = StudentConfig(
    text_len=4,
    in_dim=3,
    out_dim=3,
    dim=24,
    ffn_dim=32,
    freq_dim=16,
    text_dim=6,
    num_heads=2,
    num_layers=2,
    local_window_frames=6,
    timestep_shift=3.0,
)
SIZE = (2, 4)
FRAMES = 6
CPU = Place(torch.device("cpu"))


def small_student(seed: int, config: StudentConfig = CONFIG, std: float = 0.15) -> Student:
    """A student with random weights, none of them zero."""
    generator = torch.Generator().manual_seed(seed)
    student = Student(config)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.copy_(std * torch.randn(parameter.shape, generator=generator))
    return prepare(student, torch.device("cpu"))


@dataclass
class LatentSource:
    """A `ShotSource` whose samples are a function of their place."""

    uses_context = True
    place: Place = CPU
    config: StudentConfig = CONFIG
    position: int = 0
    distinct: int = 5
    size: tuple[int, int] = SIZE
    table: ContextTable = field(init=False)
    asked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = ContextTable.build(5, 21, 6, self.place.device)

    def take(self, batch: int) -> list[int]:
        share = batch // self.place.world
        first = self.position + self.place.rank * share
        self.position += batch
        return list(range(first, first + share))

    def samples(self, places: Sequence[int]) -> NextShotBatch:
        self.asked.extend(places)
        return _joined([self._sample(place % self.distinct) for place in places])

    def shot_of_stories(self, places: Sequence[int], shot: int) -> NextShotBatch:
        batch = _joined([self._sample(place % self.distinct) for place in places])
        return NextShotBatch(
            context=torch.zeros_like(batch.context),
            context_flags=self.table.flags[shot].expand(len(places), -1),
            target=torch.zeros_like(batch.target),
            shot_flag=self.table.new_flag[shot].expand(len(places)),
            embeds=batch.embeds,
            caption_index=batch.caption_index,
        )

    def _sample(self, number: int) -> NextShotBatch:
        generator = torch.Generator().manual_seed(number)
        latent = (self.config.in_dim, *self.size)
        first = number % 2 == 0
        context = torch.randn(1, 6, *latent, generator=generator)
        return NextShotBatch(
            context=torch.zeros_like(context) if first else context,
            context_flags=torch.tensor([[0] * 6 if first else [0, 0, 0, 1, 1, 1]]),
            target=torch.randn(1, FRAMES, *latent, generator=generator),
            shot_flag=torch.tensor([1 if first else 2]),
            embeds=torch.randn(1, 3, self.config.text_len, self.config.text_dim, generator=generator),
            caption_index=torch.tensor([([2] * 6 if first else [0, 0, 0, 1, 1, 1]) + [2] * FRAMES]),
            subject=torch.rand(1, FRAMES, *self.size, generator=generator),
        )


def _joined(parts: Sequence[NextShotBatch]) -> NextShotBatch:
    names = ("context", "context_flags", "target", "shot_flag", "embeds", "caption_index", "subject")
    columns: dict[str, Tensor] = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    return NextShotBatch(**columns)
