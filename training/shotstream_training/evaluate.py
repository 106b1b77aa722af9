# SPDX-License-Identifier: Apache-2.0
"""Measures a model on held-out stories against the storyboard world's ground truth.

    shotstream train evaluate --model mini --stories 20 --out runs/evaluation

Stories run through the runtime's own `StoryStream`: self-made history, beats, streaming decoder. Two
references stand beside the model: the rendered truth, which shows what the measuring itself gets wrong, and
the truth passed through the autoencoder, which shows what the model's pictures can reach at best.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.engines.eager import EagerEngine
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import FramesReady
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel

from shotstream_training.data.pictures import to_clips, to_pictures
from shotstream_training.made_on import made_on
from shotstream_training.measures import Measures, measure_story, rounded, summarise, table
from shotstream_training.sheets import contact_sheet, some_frames
from shotstream_training.world import StorySpec, render_shot, sample_story, shot_captions, story_rng
from shotstream_training.world.spec import CHUNK_FRAMES, FIRST_CHUNK_FRAMES
from shotstream_training.world.stories import Split

REDIRECTED_SHOTS = 2
LONG_SHOTS = 10
"""Shots of a redirected and of a long story."""

SHEET_STORIES = 4

Pictures = NDArray[np.uint8]


def story_beats(spec: StorySpec) -> list[Beat]:
    """The beats that tell a story: a cut per shot, a queued ``continue`` where its caption changes."""
    beats = []
    for shot in range(len(spec.shots)):
        captions = shot_captions(spec, shot)
        ends = [first for first, _ in captions[1:]] + [spec.shots[shot].frames]
        for part, ((first, text), end) in enumerate(zip(captions, ends, strict=True)):
            beats.append(
                Beat(
                    id=f"shot{shot}.{part}",
                    text=text,
                    mode="continue" if part else "cut",
                    policy="queue",
                    chunks=_chunks_until(end) - _chunks_until(first),
                )
            )
    return beats


def _chunks_until(frame: int) -> int:
    """Chunks before a pixel frame that starts a chunk."""
    return 0 if frame == 0 else 1 + (frame - FIRST_CHUNK_FRAMES) // CHUNK_FRAMES


def generate_story(model: LoadedModel, spec: StorySpec, seed: int) -> list[Pictures]:
    """Runs a story through the runtime; per shot uint8 pictures ``[n, H, W, 3]``."""
    stream = StoryStream(model, EagerEngine(model.student), global_caption=spec.global_caption, seed=seed)
    for beat in story_beats(spec):
        stream.submit(beat)
    shots: list[list[Pictures]] = [[] for _ in spec.shots]
    while not stream.idle:
        for event in stream.advance():
            if isinstance(event, FramesReady):
                shots[event.shot].append(event.pixels)
    return [np.concatenate(parts) for parts in shots]


@torch.inference_mode()
def through_autoencoder(video: VideoCodec, shot: Pictures) -> Pictures:
    """A shot encoded and decoded."""
    pixels = video.decode_clip(video.encode_clip(to_clips(torch.from_numpy(shot)[None])))
    pictures: Pictures = to_pictures(pixels.transpose(1, 2))[0]
    return pictures


@dataclass(frozen=True)
class StorySet:
    """Held-out stories of one kind.

    Attributes:
        stories: How many.
        shots: Shots of each.
        continue_beats: Share of shots whose caption changes.
        two_characters: Share of stories with two.
        moving_camera: Share of shots that pan or push in.
        fixed_staging: As mini was trained.
        named_globally: Share of stories whose global caption says who it is; else only the first shot's does.
        split: ``held_out``, or ``novel`` for outfits that training never showed.
    """

    stories: int
    shots: int
    continue_beats: float = 0.22
    two_characters: float = 0.4
    moving_camera: float = 0.4
    fixed_staging: bool = False
    named_globally: float = 0.65
    split: Split = "held_out"

    def plan(self, number: int) -> StorySpec:
        """Story number ``number`` of the set."""
        return sample_story(
            story_rng(number, self.split),
            self.shots,
            split=self.split,
            two_characters=self.two_characters,
            moving_camera=self.moving_camera,
            continue_beats=self.continue_beats,
            fixed_staging=self.fixed_staging,
            named_globally=self.named_globally,
        )


def evaluate(
    model: LoadedModel, sets: Mapping[str, StorySet], *, seed: int, out: Path
) -> dict[str, dict[str, Measures]]:
    """Generates, measures, and writes ``evaluation.json``, ``evaluation.md`` and a sheet per set.

    Args:
        model: What is measured.
        sets: Held-out stories by name.
        seed: Seed of the generation.
        out: Folder for the results.

    Returns:
        By set and by model or reference, the measures of every story.
    """
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, Measures]] = {}
    for name, which in sets.items():
        found[name], rows = _evaluate_set(model, which, seed)
        Image.fromarray(contact_sheet(rows)).save(out / f"sheet_{name}.png")
    tables = [
        f"## {name}\n\n{table({column: summarise(stories) for column, stories in columns.items()})}"
        for name, columns in found.items()
    ]
    (out / "evaluation.md").write_text("\n".join(tables), encoding="utf-8")
    record = {
        "made_on": made_on(),
        "model": model.name,
        "seed": seed,
        "sets": {
            name: {
                "what": vars(sets[name]),
                "measures": {
                    column: [rounded(story) for story in stories] for column, stories in columns.items()
                },
            }
            for name, columns in found.items()
        },
    }
    (out / "evaluation.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return found


def _evaluate_set(
    model: LoadedModel, which: StorySet, seed: int
) -> tuple[dict[str, Measures], list[list[Pictures]]]:
    found: dict[str, Measures] = {"rendered": [], "autoencoder": [], model.name: []}
    rows: list[list[Pictures]] = []
    for number in range(which.stories):
        spec = which.plan(number)
        truth = [render_shot(spec, shot) for shot in range(which.shots)]
        coded = [through_autoencoder(model.video, shot) for shot in truth]
        made = generate_story(model, spec, seed)
        for name, pictures in zip(found, (truth, coded, made), strict=True):
            found[name].append(measure_story(spec, pictures))
        if number < SHEET_STORIES:
            rows.extend(_sheet_rows(truth, made))
        print(f"story {number + 1} of {which.stories}", flush=True)
    return found, rows


def _sheet_rows(truth: Iterable[Pictures], made: Iterable[Pictures]) -> list[list[Pictures]]:
    """Of every shot a row of true frames and, below it, a row of generated ones."""
    return [some_frames(clip) for pair in zip(truth, made, strict=True) for clip in pair]


def story_sets(
    stories: int,
    shots: int,
    redirected: int,
    long: int,
    told_once: int,
    *,
    split: Split,
    two_characters: float,
    moving_camera: float,
    fixed_staging: bool,
) -> dict[str, StorySet]:
    """The sets of an evaluation; empty ones are left out.

    Args:
        stories: Stories as trained on.
        shots: Shots of each.
        redirected: Stories whose every caption changes.
        long: Stories of ten shots.
        told_once: Stories in which only the first shot says who it is.
        split, two_characters, moving_camera, fixed_staging: See `StorySet`.
    """
    usual = StorySet(
        stories,
        shots,
        two_characters=two_characters,
        moving_camera=moving_camera,
        fixed_staging=fixed_staging,
        split=split,
    )
    sets = {
        "stories": usual,
        "redirected": replace(usual, stories=redirected, shots=REDIRECTED_SHOTS, continue_beats=1.0),
        "long": replace(usual, stories=long, shots=LONG_SHOTS),
        "told_once": replace(usual, stories=told_once, named_globally=0.0),
    }
    return {name: which for name, which in sets.items() if which.stories}
