# SPDX-License-Identifier: Apache-2.0
"""Plays held-out stories with a student and with whatever its training left out.

The runtime plays the whole method. A student that was trained without global cache, or with the target's
caption for all frames, is played here: the runtime's rule for context over the student's own pictures, the
training's rollout, many stories at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from shotstream_runtime.model import DualCache, FlowSchedule, Student

from shotstream_training.data.pictures import to_pictures
from shotstream_training.data.rendered_story import RenderedStory, StoryRenderer
from shotstream_training.data.story_store import StoryStore
from shotstream_training.distillation.rollout import Rollout
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.captions import LearningCaptions
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.self_made import condition_latents, self_made_context
from shotstream_training.stages.world_source import with_captions
from shotstream_training.world.spec import HEIGHT, WIDTH, StorySpec

Pictures = NDArray[np.uint8]


class StoryPlayer:
    """Held-out stories, ready to be played by one student after the other.

    Args:
        renderer: Makes them; all of one number of shots.
        codec: The autoencoder.
        captions: Reads their prompts.
        slots: Condition frames of a shot.
        stories: How many, numbered from 0.
        batch: Stories played at once.
    """

    def __init__(
        self,
        renderer: StoryRenderer,
        codec: LatentCodec,
        captions: LearningCaptions,
        *,
        slots: int,
        stories: int,
        batch: int = 8,
    ) -> None:
        self._codec, self._captions, self._batch = codec, captions, batch
        self._shots = renderer.max_shots
        self._size = (HEIGHT // 8, WIDTH // 8)
        self._store = StoryStore(
            codec,
            capacity=stories * self._shots,
            max_shots=self._shots,
            slots=slots,
            text_len=captions.network.inner.config.text_len,
            size=self._size,
            shot_frames=renderer.frames,
        )
        self.truth: list[RenderedStory] = []
        for number in range(stories):
            story = renderer(number)
            self._store.add(story)
            self.truth.append(story)

    @property
    def specs(self) -> list[StorySpec]:
        """What is to be seen."""
        return [story.spec for story in self.truth]

    @torch.no_grad()
    def play(
        self, student: Student, ablate: Callable[[NextShotBatch], NextShotBatch], seed: int
    ) -> list[list[Pictures]]:
        """Plays all stories.

        Args:
            student: Generates.
            ablate: Takes away from every shot's context and captions what the training took away.
            seed: Of the noise.

        Returns:
            Per story its shots, uint8 ``[frames, height, width, 3]``.
        """
        played: list[list[Pictures]] = []
        for first in range(0, len(self.truth), self._batch):
            played.extend(
                self._play(student, ablate, range(first, min(first + self._batch, len(self.truth))), seed)
            )
        return played

    def _play(
        self,
        student: Student,
        ablate: Callable[[NextShotBatch], NextShotBatch],
        stories: range,
        seed: int,
    ) -> list[list[Pictures]]:
        device = self._codec.device
        config = student.config
        schedule = FlowSchedule(config.timestep_shift, config.denoising_steps)
        draws = Draws(seed, "play", device)
        cache = DualCache(
            config,
            tokens_per_frame=config.tokens_per_frame(*self._size),
            batch=len(stories),
            device=device,
            dtype=torch.get_autocast_dtype(device.type)
            if torch.is_autocast_enabled(device.type)
            else torch.float32,
        )
        rollout = Rollout(student, cache, schedule)
        rows = torch.tensor([story * self._shots for story in stories], device=device)
        history: list[torch.Tensor] = []
        shown: list[list[Pictures]] = [[] for _ in stories]
        for shot in range(self._shots):
            samples = self._store.at(rows + shot).without_unread_captions()
            batch = with_captions(samples, self._captions)
            batch = ablate(replace(batch, context=self_made_context(self._store.table, history, batch)))
            shape = (len(schedule.steps), *batch.target.shape[1:])
            noise = draws.normal(stories, shape, shot).transpose(0, 1)
            clean = rollout(batch, noise, len(schedule.steps) - 1).clean
            for pictures, clip in zip(shown, self._codec.decode(clean), strict=True):
                pictures.append(to_pictures(clip[None])[0])
            if shot + 1 < self._shots:
                history.append(condition_latents(self._codec, self._store.table, clean))
        return shown
