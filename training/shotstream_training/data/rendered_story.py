# SPDX-License-Identifier: Apache-2.0
"""One rendered story, as the training stages need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.codecs.prompt import shot_prompt

from shotstream_training.world import StorySpec, render_shot, sample_story, shot_captions, story_rng
from shotstream_training.world.spec import FRAMES_PER_SHOT
from shotstream_training.world.stories import Split

FRAMES_PER_LATENT = 4


@dataclass(frozen=True)
class StoryPrompts:
    """What is told, shot by shot.

    Attributes:
        prompts: Per shot its prompts in order; the first holds from the shot's first frame.
        first_frames: Per shot the pixel frame from which each prompt holds.
        token_ids: Per shot the prompts' token ids ``[prompts, text_len]``.
    """

    prompts: tuple[tuple[str, ...], ...]
    first_frames: tuple[tuple[int, ...], ...]
    token_ids: tuple[NDArray[np.int64], ...]

    def prompt_at(self, shot: int, frame: int) -> int:
        """Index of the prompt that holds at a pixel frame of a shot."""
        return max(i for i, first in enumerate(self.first_frames[shot]) if first <= frame)

    def prompt_of_latents(self, shot: int, latent_frames: int) -> tuple[int, ...]:
        """Index of the prompt that holds for each latent frame; prompts change at chunk boundaries only."""
        return tuple(self.prompt_at(shot, first_pixel_frame(latent)) for latent in range(latent_frames))


def first_pixel_frame(latent: int) -> int:
    """First pixel frame that a latent frame decodes to: 0, 1, 5, 9, ..."""
    return 0 if latent == 0 else 1 + FRAMES_PER_LATENT * (latent - 1)


@dataclass(frozen=True)
class RenderedStory:
    """A story with its pictures.

    Attributes:
        spec: What was rendered, the ground truth.
        prompts: Its prompts.
        shots: Per shot RGB pictures ``[frames, height, width, 3]``, uint8.
    """

    spec: StorySpec
    prompts: StoryPrompts
    shots: tuple[NDArray[np.uint8], ...]


def read_prompts(spec: StorySpec, text: MiniTextEncoder) -> StoryPrompts:
    """The prompts of a story, tokenised, built exactly as the runtime builds them."""
    prompts, first_frames, token_ids = [], [], []
    for shot in range(len(spec.shots)):
        captions = shot_captions(spec, shot)
        prompts.append(tuple(shot_prompt(spec.global_caption, shot, caption) for _, caption in captions))
        first_frames.append(tuple(first for first, _ in captions))
        token_ids.append(text.tokenise(prompts[-1])[0].numpy())
    return StoryPrompts(tuple(prompts), tuple(first_frames), tuple(token_ids))


class StoryRenderer:
    """Makes story number ``seed``: called in worker processes, so it holds nothing that cannot be forked.

    Args:
        text: Tokenises the prompts; its layers are not used.
        shot_counts: Numbers of shots a story may have, drawn evenly; repeat one to favour it.
        split: Split of the storyboard world.
        two_characters: Share of stories with a cast of two.
        moving_camera: Share of shots with a pan or a push-in.
        continue_beats: Share of shots whose caption changes.
        frames: Pixel frames of a shot.
        fixed_staging: Whether captions tell all there is to see.
        named_globally: Share of stories whose global caption says who it is.
    """

    def __init__(
        self,
        text: MiniTextEncoder,
        shot_counts: Sequence[int] = (5,),
        split: Split = "train",
        *,
        two_characters: float = 0.4,
        moving_camera: float = 0.4,
        continue_beats: float = 0.22,
        frames: int = FRAMES_PER_SHOT,
        fixed_staging: bool = False,
        named_globally: float = 0.65,
    ) -> None:
        self.frames = frames
        self._text = text
        # Built here once; workers inherit it.
        self._reader = text.reader
        self._shot_counts = tuple(shot_counts)
        self._split: Split = split
        self._choices: dict[str, Any] = {
            "two_characters": two_characters,
            "moving_camera": moving_camera,
            "continue_beats": continue_beats,
            "fixed_staging": fixed_staging,
            "named_globally": named_globally,
        }

    @property
    def max_shots(self) -> int:
        """Most shots of one story."""
        return max(self._shot_counts)

    def plan(self, seed: int) -> StorySpec:
        """The story without its pictures."""
        rng = story_rng(seed, self._split)
        count = int(rng.choice(self._shot_counts))
        return sample_story(rng, count, frames=self.frames, split=self._split, **self._choices)

    def prompts(self, seed: int) -> tuple[StorySpec, StoryPrompts]:
        """A story's plan and prompts, without pictures."""
        spec = self.plan(seed)
        return spec, read_prompts(spec, self._text)

    def __call__(self, seed: int) -> RenderedStory:
        """Renders story number ``seed``."""
        cv2.setNumThreads(1)
        spec, prompts = self.prompts(seed)
        return RenderedStory(spec, prompts, tuple(render_shot(spec, shot) for shot in range(len(spec.shots))))
