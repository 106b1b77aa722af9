# SPDX-License-Identifier: Apache-2.0
"""Noise is addressed by its place in the story."""

from __future__ import annotations

import itertools

import torch
from shotstream_runtime.streaming.noise import SeededNoise

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
