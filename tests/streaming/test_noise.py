# SPDX-License-Identifier: Apache-2.0
"""Noise is addressed by its place in the story."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import FramesReady
from shotstream_runtime.streaming.noise import SeededNoise
from shotstream_runtime.streaming.story import StoryStream

SHAPE = (1, 3, 2, 4, 4)


def test_the_same_place_gives_the_same_noise_in_any_order() -> None:
    first, second = SeededNoise(5), SeededNoise(5)
    places = [(0, 0, 0), (2, 1, 3), (1, 0, 0)]
    drawn = {place: first.draw(*place, SHAPE) for place in places}
    for place in reversed(places):
        assert torch.equal(second.draw(*place, SHAPE), drawn[place])


def test_every_part_of_the_address_counts() -> None:
    addresses = itertools.product((1, 2), (0, 1), (0, 1), (0, 1))
    drawn = [SeededNoise(seed).draw(*place, SHAPE) for seed, *place in addresses]
    for one, other in itertools.combinations(drawn, 2):
        assert not torch.equal(one, other)


def test_it_is_standard_normal() -> None:
    noise = SeededNoise(0).draw(0, 0, 0, (1, 3, 16, 60, 104))
    assert abs(noise.mean().item()) < 0.01
    assert abs(noise.std().item() - 1) < 0.01


class CountingNoise(SeededNoise):
    """Notes what is drawn while the engine waits for it, and what is not."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.drawn: list[tuple[int, int, int]] = []

    def draw(self, shot: int, chunk: int, step: int, shape: tuple[int, ...]) -> Any:
        self.drawn.append((shot, chunk, step))
        return super().draw(shot, chunk, step, shape)


def test_noise_that_is_drawn_ahead_is_the_same_and_drawn_once(tiny_model: Any) -> None:
    pictures = []
    for ahead in (False, True):
        noise = CountingNoise(5)
        stream = StoryStream(
            tiny_model, EagerEngine(tiny_model.student), global_caption="a fox. ", seed=0, noise=noise
        )
        stream._draws_ahead = ahead
        for number in range(2):
            stream.submit(Beat(id=str(number), text="it walks", chunks=2))
        frames = []
        while not stream.idle:
            frames += [event.pixels for event in stream.advance() if isinstance(event, FramesReady)]
        pictures.append(np.concatenate(frames))
        assert sorted(noise.drawn) == [
            (shot, chunk, step) for shot in range(2) for chunk in range(2) for step in range(4)
        ]
    assert (pictures[0] == pictures[1]).all()
