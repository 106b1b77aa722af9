# SPDX-License-Identifier: Apache-2.0
"""The same chunks through any engine: context, denoising and clean passes as a story makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from shotstream_runtime.engines import Engine
from torch import Tensor

HEIGHT, WIDTH = 8, 12


@dataclass(frozen=True)
class Place:
    """A chunk of a story, and the number of the caption that it reads."""

    shot: int
    chunk: int
    caption: int


def seeded(seed: int, *shape: int) -> Tensor:
    """Standard normal numbers of a seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def roll(engine: Any, places: Sequence[Place], *, batch: int = 1, session: Any = None) -> list[Tensor]:
    """Generates chunks; a chunk 0 fills the context first, a later one refreshes the chunk before.

    Args:
        engine: What executes the student; has the student as an attribute.
        places: The chunks.
        batch: Rows of a batch, with noise of their own.
        session: The session, if it is not a new one.
    """
    student = engine.student
    config, device, dtype = student.config, student.device, student.dtype
    own: Engine = engine
    session = session or own.open_session(HEIGHT, WIDTH, batch)
    captions = [
        session.prepare_caption(seeded(100 + n, config.text_len, config.text_dim))
        for n in range(2 + max(place.caption for place in places))
    ]
    chunk = (batch, config.frames_per_chunk, config.in_dim, HEIGHT, WIDTH)
    context = (batch, config.max_context_frames, *chunk[2:])
    clean: list[Tensor] = []
    for place in places:
        seed = 1000 * place.shot + 10 * place.chunk
        first = place.chunk * config.frames_per_chunk
        if place.chunk == 0:
            flags = [min(place.shot, slot) for slot in range(config.max_context_frames)]
            latents = seeded(seed + 9, *context).to(device, dtype)
            session.prefill(latents, flags, [captions[flag] for flag in flags])
        clean.append(
            session.denoise(
                seeded(seed, *chunk).to(device, dtype),
                lambda step, seed=seed: seeded(seed + step, *chunk).to(device, dtype),
                first_frame=first,
                shot_flag=place.shot + 1,
                caption=captions[place.caption],
            )
        )
        session.refresh(
            clean[-1], first_frame=first, shot_flag=place.shot + 1, caption=captions[place.caption]
        )
    return [part.float().cpu() for part in clean]
