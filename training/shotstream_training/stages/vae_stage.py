# SPDX-License-Identifier: Apache-2.0
"""The autoencoder by configuration: rendered clips, resumable like every stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from shotstream_training.autoencoder.train import AutoencoderSettings, AutoencoderTrainer
from shotstream_training.checkpoint import SHEET
from shotstream_training.curves import Curves
from shotstream_training.data.pictures import to_clips, to_pictures
from shotstream_training.data.rendered_story import RenderedStory, StoryRenderer
from shotstream_training.errors import TrainingError
from shotstream_training.sheets import SHEET_FRAMES, save_curves, save_sheet
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.network import TrainedNetwork, snapshot
from shotstream_training.stages.place import Place
from shotstream_training.stages.run_config import RunConfig, WorldData
from shotstream_training.stages.stage_folder import open_codec
from shotstream_training.stages.world_source import StorySupply, story_window

MEASURED_SHOTS = 256
"""Shots over which the mean and deviation of latents are taken."""


class ClipShelf:
    """Rendered shots on the device; the oldest story makes room for a new one.

    Args:
        supply: Gives stories in order, from the oldest that is needed.
        data: How many are kept, and how often a new one comes.
        place: Where the shots are.
        draws: Randomness.
        position: Clips shown before.
    """

    def __init__(
        self, supply: StorySupply, data: WorldData, place: Place, draws: Draws, position: int = 0
    ) -> None:
        self.position = position
        self._supply, self._data, self._device, self._draws = supply, data, place.device, draws
        self._stories: dict[int, Tensor] = {}

    def add(self, story: RenderedStory) -> None:
        """Takes in the supply's next story."""
        shots = torch.stack([torch.from_numpy(shot) for shot in story.shots])
        self._stories[self._supply.next - 1] = shots.to(self._device)
        self._stories.pop(self._supply.next - 1 - self._data.stories, None)

    def take(self, batch: int) -> list[int]:
        """Places of the next clips; takes in the stories that are due."""
        while self._supply.next < story_window(self._data, self.position).stop:
            self._supply.add_next(self)
        first = self.position
        self.position += batch
        return list(range(first, first + batch))

    def clips(self, places: Sequence[int], frames: int) -> Tensor:
        """Random clips ``[b, 3, frames, H, W]`` in [-1, 1]."""
        stories = [self._stories[number] for number in sorted(self._stories)]
        chosen = []
        for story, shot, start in self._draws.uniform(places, (3,), "clip").tolist():
            shots = stories[int(story * len(stories))]
            clip = shots[int(shot * len(shots))]
            first = int(start * (len(clip) - frames + 1))
            chosen.append(clip[first : first + frames])
        return to_clips(torch.stack(chosen))

    def __len__(self) -> int:
        return sum(len(shots) for shots in self._stories.values())

    def shots(self, indices: list[int]) -> Tensor:
        """Whole shots ``[n, 3, f, H, W]`` in [-1, 1]."""
        whole = [shot for number in sorted(self._stories) for shot in self._stories[number]]
        return to_clips(torch.stack([whole[index] for index in indices]))


class VaeStage:
    """Reconstruction of rendered clips, of another length at every step.

    Args:
        run: The configuration.
        shelf: Clips.
        place: This process.
        draws: Randomness.

    Raises:
        TrainingError: If the settings cannot work here.
    """

    name = "vae"

    def __init__(self, run: RunConfig, shelf: ClipShelf, place: Place, draws: Draws) -> None:
        if run.vae is None or place.world > 1:
            raise TrainingError("the vae stage runs on one process; start it without torchrun")
        settings, defaults = run.vae, AutoencoderSettings()
        start = open_codec(run.start, place.device, "start") if run.start is not None else None
        # The latents stay as they are: so do mean and deviation, which everything trained on them knows.
        kept = start.config if start is not None and settings.decoder_only else None
        self._latents = (kept["latents_mean"], kept["latents_std"]) if kept is not None else None
        self.source, self._draws = shelf, draws
        self.trainer = AutoencoderTrainer(
            AutoencoderSettings(
                base_dim=settings.base_dim,
                dim_mult=settings.dim_mult,
                latent_channels=settings.latent_channels,
                batches=tuple(
                    (frames, max(1, round(clips * settings.batch_scale)))
                    for frames, clips in defaults.batches
                ),
                rate=settings.rate,
                other_rate=settings.other_rate,
                decoder_only=settings.decoder_only,
                latent_noise=settings.latent_noise,
            ),
            place.device,
            run.seed,
            start.vae.requires_grad_(True).train() if start is not None else None,
        )
        self.network = TrainedNetwork(self.trainer.vae, place)

    def round(self, number: int, factor: float) -> Mapping[str, Tensor]:
        """One optimiser step."""
        batches = self.trainer.settings.batches
        frames, count = batches[number % len(batches)]
        clips = self.source.clips(self.source.take(count), frames)
        # The trainer draws from the default generators, which a captured step advances by itself.
        torch.manual_seed(self._draws.shared_choice(2**62, "step", number))
        return self.trainer.update(clips, factor)

    def result(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The weights, and the library's configuration with mean and deviation of the latents."""
        mean, std = self._latents or self.trainer.measure_latents(self.source, MEASURED_SHOTS)
        config = {k: v for k, v in dict(self.trainer.vae.config).items() if not k.startswith("_")}
        config.update(latents_mean=mean, latents_std=std)
        return self.network.weights(), {"vae_config": config, "settings": asdict(self.trainer.settings)}


class VaeOptimizer:
    """The trainer's optimiser as checkpoints want it."""

    def __init__(self, trainer: AutoencoderTrainer) -> None:
        self._optimizer = trainer.optimizer

    def state(self) -> dict[str, Tensor]:
        """Copies on the CPU."""
        return {name: snapshot(tensor) for name, tensor in self._optimizer.tensors().items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Restores what `state` gave."""
        self._optimizer.load_tensors(state)


class VaePictures:
    """Held-out shots above their reconstructions, and how near they come.

    Args:
        stage: The stage.
        renderer: Renders held-out stories.
        stories: How many.
        out: The stage's folder.
    """

    def __init__(self, stage: VaeStage, renderer: StoryRenderer, stories: int, out: Path) -> None:
        self._stage, self._out = stage, out
        device = stage.trainer.device
        shots = [shot for number in range(stories) for shot in renderer(number).shots]
        self._judged = to_clips(torch.from_numpy(np.stack(shots)).to(device))
        self.quality: list[dict[str, float]] = []

    def __call__(self, curves: Curves) -> None:
        """Judges, and writes sheet and curves."""
        quality, pixels = self._stage.trainer.evaluate(self._judged)
        step = curves.rows[-1]["step"] if curves.rows else 0.0
        self.quality.append({"step": step, "psnr": quality})
        print(f"vae held-out PSNR {quality:.2f} dB after {step:.0f} steps", flush=True)
        frames = [frame for frame in SHEET_FRAMES if frame < self._judged.shape[2]]
        rows = [
            list(to_pictures(clip[shot : shot + 1, :, frames])[0])
            for shot in range(min(6, len(self._judged)))
            for clip in (self._judged, pixels)
        ]
        self._out.mkdir(parents=True, exist_ok=True)
        save_sheet(self._out / SHEET, rows, curves)
        save_curves(self._out, curves)
