# SPDX-License-Identifier: Apache-2.0
"""Stories for a journal, written through the real parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from shotstream_runtime.journal.entries import Opening
from shotstream_runtime.journal.story_journal import StoryJournal

HEIGHT, WIDTH, FPS = 17, 33, 16.0  # odd, so that nothing relies on even edges


def opening(story_id: str = "s", **values: Any) -> Opening:
    """How a story was opened."""
    return Opening(
        **{
            "story_id": story_id,
            "owner": "client",
            "title": None,
            "global_caption": "A fox.",
            "seed": 7,
            "width": WIDTH,
            "height": HEIGHT,
            "fps": FPS,
            "model": "tiny",
            "weights_hash": "abc",
            "engine": "eager cpu float32",
            "created": 1.0,
            **values,
        }
    )


def noise(seed: int, frames: int = 4) -> NDArray[np.uint8]:
    """Pictures that no lossy codec survives: ``[frames, H, W, 3]``."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (frames, HEIGHT, WIDTH, 3), dtype=np.uint8)


def add_chunk(story: StoryJournal, number: int, shot: int = 0, chunk: int | None = None) -> NDArray[np.uint8]:
    """Writes the chunk with this number in the story; chunks have four frames. Returns its frames."""
    pixels = noise(number)
    in_shot = number if chunk is None else chunk
    story.add_chunk(
        number=number,
        shot=shot,
        chunk=in_shot,
        beat_id="b",
        first_frame=4 * number,
        first_in_shot=4 * in_shot,
        pixels=[pixels[:1], pixels[1:]],
        latents=torch.full((1, 3, 4, 2, 2), float(number)),
        fps=FPS,
    )
    return pixels
