# SPDX-License-Identifier: Apache-2.0
"""The storyboard world: flat-colour multi-shot clips with exact ground truth. Imports no torch."""

from .render import FrameTruth, ground_truth, render_shot, render_story_arrays
from .spec import BeatSpec, CharacterSpec, ShotSpec, StorySpec
from .stories import sample_story, shot_captions, story_rng

__all__ = [
    "BeatSpec",
    "CharacterSpec",
    "FrameTruth",
    "ShotSpec",
    "StorySpec",
    "ground_truth",
    "render_shot",
    "render_story_arrays",
    "sample_story",
    "shot_captions",
    "story_rng",
]
