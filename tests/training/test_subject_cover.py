# SPDX-License-Identifier: Apache-2.0
"""Where latents show the cast, and the share of the loss it is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from shotstream_training.data.subject_cover import latent_weights, subject_cover
from shotstream_training.world import StorySpec, render_shot, sample_story, story_rng
from shotstream_training.world.render import render_backdrop

SIZE = (10, 16)


@pytest.fixture(params=range(6))
def story(request: pytest.FixtureRequest) -> StorySpec:
    return sample_story(story_rng(request.param, "held_out"), 1, two_characters=0.5, moving_camera=0.0)


def test_the_cover_holds_what_differs_from_the_empty_set(story: StorySpec) -> None:
    cover = subject_cover(story, 0, SIZE)
    shot = story.shots[0]
    assert cover.shape == (21, *SIZE)
    pictures = render_shot(story, 0).astype(np.int64)
    changed = np.abs(pictures - render_backdrop(shot, story.seed).astype(np.int64)).max(axis=-1) > 40
    # Pixel frames 4 k - 3 to 4 k belong to latent k, frame 0 to latent 0.
    latents = (np.arange(len(pictures)) + 3) // 4
    inside = np.kron(cover[latents] > 0, np.ones((8, 8), bool))
    assert changed.any(), "a shot without its cast"
    assert (changed & inside).sum() > 0.97 * changed.sum()
    assert cover.mean() < {"wide": 0.25, "medium": 0.55, "close": 0.8}[shot.framing]


def test_half_of_the_weight_is_the_casts_whatever_its_size() -> None:
    subject = torch.zeros(3, 2, *SIZE)
    subject[0, :, 4:6, 4:6] = 1.0
    subject[1, :, :8, :8] = 1.0
    weights = latent_weights(subject, 0.5)
    assert isinstance(weights, torch.Tensor)
    torch.testing.assert_close(weights.mean(dim=(1, 2, 3)), torch.ones(3))
    for sample in (0, 1):
        covered = subject[sample] > 0
        own = weights[sample][covered].sum() - 0.5 * covered.sum()
        assert float(own / weights[sample].sum()) == pytest.approx(0.5, abs=1e-5)
    # Nobody is seen in the last one: all latents alike.
    torch.testing.assert_close(weights[2], torch.ones(2, *SIZE))


def test_without_a_share_all_latents_count_alike() -> None:
    assert latent_weights(torch.rand(1, 2, *SIZE), 0.0) == 1.0
    assert latent_weights(None, 0.5) == 1.0
