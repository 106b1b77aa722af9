# SPDX-License-Identifier: Apache-2.0
"""Measures a model on held-out stories against the storyboard world's ground truth.

    python -m shotstream_training.evaluate --model mini --stories 20 --out runs/evaluation

Stories run through the runtime's own `StoryStream`: self-made history, beats, streaming decoder. Two
references stand beside the model: the rendered truth, which shows what the measuring itself gets wrong, and
the truth passed through the autoencoder, which shows what the model's pictures can reach at best.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from shotstream_runtime.weights.load import LoadedModel, load_model

from shotstream_training.sheets import SHEET_FRAMES, contact_sheet
from shotstream_training.world import StorySpec, render_shot, sample_story, shot_captions, story_rng
from shotstream_training.world.measure import find_cuts, measure_shot, shot_cut_accuracy
from shotstream_training.world.spec import CHUNK_FRAMES, FIRST_CHUNK_FRAMES
from shotstream_training.world.stories import Split

RESAMPLES = 2000
"""Of the stories, for a 95 % interval."""

HUE_LIMIT = 15.0
"""Degrees within which an outfit part counts as kept."""

MEDIANS = ("hue_error", "coat_error", "accessory_error")
"""Measures of which the median is given; the mean of all others."""

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Interval:
    """A mean or median over stories with its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self, digits: int) -> str:
        """``value [low, high]``."""
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


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
    clip = torch.from_numpy(shot).permute(3, 0, 1, 2)[None].float().div(127.5).sub(1)
    pixels = video.decode_clip(video.encode_clip(clip))[0]
    scaled = pixels.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    pictures: Pictures = scaled.permute(0, 2, 3, 1).contiguous().numpy()
    return pictures


def measure_story(spec: StorySpec, shots: Sequence[Pictures]) -> dict[str, list[float]]:
    """Values of one story; lists have one entry per shot, per outfit part, or one for the story."""
    measures = [measure_shot(frames, spec, shot) for shot, frames in enumerate(shots)]
    errors = [
        (character.coat_error, character.accessory_error) for m in measures for character in m.characters
    ]
    lengths = [len(frames) for frames in shots]
    expected = np.cumsum(lengths)[:-1].tolist()
    found = find_cuts(np.concatenate(shots))
    return {
        "present": [float(m.all_present) for m in measures],
        "hue_error": [error for pair in errors for error in pair],
        "coat_error": [coat for coat, _ in errors],
        "accessory_error": [accessory for _, accessory in errors],
        "hue_kept": [float(m.worst_hue_error <= HUE_LIMIT) for m in measures],
        "setting": [float(m.setting_right) for m in measures],
        "time": [float(m.time_right) for m in measures],
        "framing": [float(m.framing_right) for m in measures],
        "action": [m.action_share for m in measures],
        "camera": [float(m.camera_right) for m in measures],
        "cuts": [shot_cut_accuracy(found, expected, sum(lengths))],
        "dynamic": [m.dynamic_degree for m in measures],
    }


def summarise(stories: Sequence[dict[str, list[float]]]) -> dict[str, Interval]:
    """Over stories: the median of hue errors, the mean of everything else, resampling whole stories."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(stories), size=(RESAMPLES, len(stories)))
    out = {}
    for name in stories[0]:
        parts = [np.array(story[name]) for story in stories]
        centre = np.median if name in MEDIANS else np.mean
        values = [float(centre(np.concatenate([parts[i] for i in draw]))) for draw in draws]
        low, high = np.quantile(values, (0.025, 0.975))
        out[name] = Interval(float(centre(np.concatenate(parts))), float(low), float(high))
    return out


def table(columns: dict[str, dict[str, Interval]]) -> str:
    """A markdown table: one line per measure, one column per model or reference."""
    names = list(next(iter(columns.values())))
    lines = ["| measure | " + " | ".join(columns) + " |", "|" + "---|" * (1 + len(columns))]
    for name in names:
        digits = 1 if name in (*MEDIANS, "dynamic") else 3
        cells = [column[name].text(digits) for column in columns.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def evaluate(
    model: LoadedModel,
    *,
    stories: int,
    shots: int,
    split: Split,
    seed: int,
    out: Path,
    two_characters: float = 0.4,
    moving_camera: float = 0.4,
    fixed_staging: bool = False,
) -> dict[str, dict[str, Interval]]:
    """Generates, measures, and writes ``evaluation.json``, ``evaluation.md`` and ``sheet.png``.

    Args:
        model: What is measured.
        stories: Held-out stories.
        shots: Shots of each.
        split: ``held_out``, or ``novel`` for outfits that training never showed.
        seed: Seed of the generation.
        out: Folder for the results.

    Returns:
        Intervals by model or reference and by measure.
    """
    found: dict[str, list[dict[str, list[float]]]] = {"rendered": [], "autoencoder": [], model.name: []}
    rows: list[list[Pictures]] = []
    for number in range(stories):
        spec = sample_story(
            story_rng(number, split),
            shots,
            split=split,
            two_characters=two_characters,
            moving_camera=moving_camera,
            fixed_staging=fixed_staging,
        )
        truth = [render_shot(spec, shot) for shot in range(shots)]
        coded = [through_autoencoder(model.video, shot) for shot in truth]
        made = generate_story(model, spec, seed)
        for name, pictures in zip(found, (truth, coded, made), strict=True):
            found[name].append(measure_story(spec, pictures))
        if number < 4:
            rows.extend(_sheet_rows(truth, made))
        print(f"story {number + 1} of {stories}", flush=True)
    columns = {name: summarise(values) for name, values in found.items()}
    out.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(rows)).save(out / "sheet.png")
    (out / "evaluation.md").write_text(table(columns), encoding="utf-8")
    record = {
        name: {measure: [i.value, i.low, i.high] for measure, i in column.items()}
        for name, column in columns.items()
    }
    (out / "evaluation.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return columns


def _sheet_rows(truth: Iterable[Pictures], made: Iterable[Pictures]) -> list[list[Pictures]]:
    """Of every shot a row of true frames and, below it, a row of generated ones."""
    return [
        [clip[min(frame, len(clip) - 1)] for frame in SHEET_FRAMES]
        for pair in zip(truth, made, strict=True)
        for clip in pair
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="shotstream_training.evaluate", description=__doc__)
    parser.add_argument("--model", default="mini", help="mini, or a model folder")
    parser.add_argument("--stories", type=int, default=20)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--two-characters", type=float, default=0.4, help="share of stories with two")
    parser.add_argument("--moving-camera", type=float, default=0.4, help="share of shots that pan or push in")
    parser.add_argument("--fixed-staging", action="store_true", help="as mini was trained")
    parser.add_argument("--split", choices=("held_out", "novel"), default="held_out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    columns = evaluate(
        load_model(options.model if options.model == "mini" else Path(options.model)),
        stories=options.stories,
        shots=options.shots,
        split=options.split,
        seed=options.seed,
        out=options.out,
        two_characters=options.two_characters,
        moving_camera=options.moving_camera,
        fixed_staging=options.fixed_staging,
    )
    print(table(columns))


if __name__ == "__main__":
    main()
