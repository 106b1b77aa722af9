# SPDX-License-Identifier: Apache-2.0
"""How far an engine is from the eager one in float32, which is the truth: numbers, and bounds that they keep.

There are two measurements. On recorded inputs every chunk starts from the recorded state, so errors do not
add up: this is the engine's own error. Over a story that runs freely they do: this is what is seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shotstream_runtime.engines import Engine, Precision
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import ChunkFinished, FramesReady
from shotstream_runtime.streaming.golden import GoldenRollout, RecordedNoise
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel

ROLLOUT_CAPTION: Final = "A small orange fox with a blue coat and a yellow hat in a snowy forest."
ROLLOUT_BEATS: Final = (
    Beat(id="0", text="Wide shot. The fox stands.", chunks=2),
    Beat(id="1", text="Now the fox walks.", mode="continue", policy="queue", chunks=1),
    Beat(id="2", text="Close-up. The fox stands.", chunks=2),
    Beat(id="3", text="Medium shot. The fox waves.", chunks=2),
)
IDENTICAL_DB: Final = 99.0
"""Told for equal pictures, whose ratio is infinite; rounding to 8 bits alone is 59 dB."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """The difference of tensors from the true ones.

    Attributes:
        largest: Largest absolute difference.
        relative: Root mean square of the difference over that of the truth.
    """

    largest: float
    relative: float

    @classmethod
    def of(cls, pairs: list[tuple[Tensor, Tensor]]) -> Deviation:
        """Of pairs (measured, true), all together; NaN where something is not a number."""
        differences = torch.cat([(ours - true).flatten().double() for ours, true in pairs])
        truths = torch.cat([true.flatten().double() for _, true in pairs])
        relative = differences.square().mean().sqrt() / truths.square().mean().sqrt()
        return cls(differences.abs().max().item(), relative.item())


@dataclass(frozen=True, slots=True)
class PictureDeviation:
    """The difference of pictures, as peak signal-to-noise ratio in dB.

    Attributes:
        mean_db: Over all frames together.
        worst_db: Of the frame that differs most.
    """

    mean_db: float
    worst_db: float

    @classmethod
    def of(cls, pictures: NDArray[np.uint8], truth: NDArray[np.uint8]) -> PictureDeviation:
        """Of ``[n, h, w, 3]`` from the true ones."""
        squares = np.square(pictures.astype(np.float64) - truth.astype(np.float64)).mean(axis=(1, 2, 3))
        return cls(_decibels(float(squares.mean())), _decibels(float(squares.max())))


def _decibels(mean_square: float) -> float:
    return min(IDENTICAL_DB, 10 * math.log10(255**2 / mean_square)) if mean_square else IDENTICAL_DB


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a precision must keep; see the attributes of `DeviationReport`."""

    chunk_relative: float
    rollout_relative: float
    mean_db: float


@dataclass(frozen=True, slots=True)
class DeviationReport:
    """How far an engine is from the truth.

    Attributes:
        engine: Its name.
        precision: Its precision.
        eight_bit_cache: Whether its dual cache is kept in float8.
        chunks: Latents of single chunks on recorded inputs; none without a golden folder.
        latents: Latents of a story of mini.
        pictures: The frames of that story.
    """

    engine: str
    precision: Precision
    eight_bit_cache: bool
    chunks: Deviation | None
    latents: Deviation
    pictures: PictureDeviation

    @property
    def bounds(self) -> Bounds:
        """What it must keep: what its precision must, or its cache, whichever is less exact."""
        fine = self.precision in (Precision.FP32, Precision.BF16)
        return BOUNDS[Precision.FP8 if self.eight_bit_cache and fine else self.precision]

    @property
    def beyond(self) -> list[str]:
        """Which bounds of its precision it does not keep, for people; empty if all are kept."""
        bounds = self.bounds
        told = []
        # Asked so that NaN is beyond every bound.
        if self.chunks is not None and not self.chunks.relative <= bounds.chunk_relative:
            told.append(f"chunks: {self.chunks.relative:.2e}, at most {bounds.chunk_relative:.0e}")
        if not self.latents.relative <= bounds.rollout_relative:
            told.append(f"story: {self.latents.relative:.2e}, at most {bounds.rollout_relative:.0e}")
        if not self.pictures.mean_db >= bounds.mean_db:
            told.append(f"pictures: {self.pictures.mean_db:.1f} dB, at least {bounds.mean_db:.0f}")
        return told


def chunk_deviation(engine: Engine, model: LoadedModel, folder: Path) -> Deviation:
    """The latents of every recorded chunk, each from the recorded state before it.

    Args:
        engine: The engine, of the golden model.
        model: The golden model (`golden.load_golden_model`).
        folder: The golden folder.
    """
    rollout = GoldenRollout.read(folder)
    tensors, config, student = rollout.tensors, model.student.config, model.student
    noise = RecordedNoise(tensors, config.frames_per_chunk)
    pairs: list[tuple[Tensor, Tensor]] = []
    for shot in range(rollout.shots):
        true = tensors[f"out.shot{shot}.latents"]
        session = engine.open_session(*true.shape[-2:])
        captions = [session.prepare_caption(embeds) for embeds in tensors["in.prompt_embeds"]]
        flags = rollout.context_flags[shot]
        context = tensors[f"out.shot{shot}.context_latents"].to(student.device, student.dtype)
        # As recorded: before any history all frames read the shot's own caption.
        session.prefill(context, flags, [captions[flag if shot else 0] for flag in flags])
        new_flag = flags[-1] + 1
        for chunk, recorded in enumerate(true.split(config.frames_per_chunk, dim=1)):
            first = chunk * config.frames_per_chunk

            def draw(step: int, shot: int = shot, chunk: int = chunk, recorded: Tensor = recorded) -> Tensor:
                drawn = noise.draw(shot, chunk, step, tuple(recorded.shape))
                return drawn.to(student.device, student.dtype)

            place = {"first_frame": first, "shot_flag": new_flag}
            ours = session.denoise(draw(0), draw, **place, caption=captions[shot])
            pairs.append((ours.float().cpu(), recorded))
            known = recorded.to(student.device, student.dtype)
            session.refresh(known, **place, caption=captions[shot])
    return Deviation.of(pairs)


Rollout = tuple[list[Tensor], NDArray[np.uint8]]
"""The latents of every chunk of a story, and all its frames."""


def roll(model: LoadedModel, engine: Engine) -> Rollout:
    """The latents of every chunk and all frames of a fixed story of three shots with a redirection."""
    stream = StoryStream(model, engine, global_caption=ROLLOUT_CAPTION, seed=1)
    for beat in ROLLOUT_BEATS:
        stream.submit(beat)
    latents: list[Tensor] = []
    pictures: list[NDArray[np.uint8]] = []
    for event in _events(stream):
        if isinstance(event, ChunkFinished):
            latents.append(event.latents.float().cpu())
        elif isinstance(event, FramesReady):
            pictures.append(event.pixels)
    return latents, np.concatenate(pictures)


def _events(stream: StoryStream) -> Iterator[object]:
    while not stream.idle:
        yield from stream.advance()


def compare_rollouts(ours: Rollout, truth: Rollout) -> tuple[Deviation, PictureDeviation]:
    """Two results of `roll`, the second being the truth."""
    pairs = list(zip(ours[0], truth[0], strict=True))
    return Deviation.of(pairs), PictureDeviation.of(ours[1], truth[1])


BOUNDS: Final = {
    Precision.FP32: Bounds(chunk_relative=1e-5, rollout_relative=1e-4, mean_db=60),
    Precision.BF16: Bounds(chunk_relative=2e-2, rollout_relative=5e-2, mean_db=40),
    Precision.FP8: Bounds(chunk_relative=5e-2, rollout_relative=2.5e-1, mean_db=28),
    # Rounding alone, computed from the network that is built: 7.9e-2, 0.53 and 20.3 dB.
    Precision.NVFP4: Bounds(chunk_relative=1.5e-1, rollout_relative=8.5e-1, mean_db=17),
}
"""By precision: 1.5 to four times what engines come to on a CPU, TensorRT's by the rounding of its networks
(`benchmarks/tensorrt_rounding.py`). On a GPU sums are taken in another order, which is small beside that."""
