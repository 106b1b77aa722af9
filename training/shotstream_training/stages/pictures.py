# SPDX-License-Identifier: Apache-2.0
"""Sample pictures of a stage: held-out shots, the truth above what the network makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from shotstream_runtime.model import DualCache, FlowSchedule
from torch import Tensor

from shotstream_training.checkpoint import SHEET
from shotstream_training.curves import Curves
from shotstream_training.distillation.rollout import Rollout
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.sheets import SHEET_FRAMES, comparison_rows, save_curves, save_sheet
from shotstream_training.stages.assembly import Assembled
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.materials import Materials
from shotstream_training.stages.place import Place
from shotstream_training.stages.run_config import RunConfig
from shotstream_training.stages.trajectories import sample_trajectory


def picture_maker(
    run: RunConfig, assembled: Assembled, materials: Materials, place: Place, out: Path
) -> Callable[[Curves], None]:
    """What the loop calls to leave ``curves.png`` and, with held-out data, ``sheet.png``."""

    def draw(curves: Curves) -> None:
        rows = None
        if materials.judged is not None:
            batch = materials.source.ablate(materials.judged())
            made = _sample(run, assembled, batch, place)
            frames = [frame for frame in SHEET_FRAMES if frame < 1 + 4 * (batch.target.shape[1] - 1)]
            if place.leads:
                rows = comparison_rows(materials.codec, batch.target, made, frames=frames)  # type: ignore[arg-type]
        if place.leads:
            out.mkdir(parents=True, exist_ok=True)
            save_curves(out, curves)
            if rows is not None:
                save_sheet(out / SHEET, rows, curves)

    return draw


def _sample(run: RunConfig, assembled: Assembled, batch: NextShotBatch, place: Place) -> Tensor:
    draws = Draws(run.seed, "pictures", place.device)
    places = range(len(batch))
    shape = batch.target.shape[1:]
    with assembled.student.whole() as network:
        if run.teacher_stage is not None:
            settings = run.teacher_stage
            noise = draws.normal(places, shape, "noise")
            states = sample_trajectory(
                network,
                batch,
                noise,
                assembled.rule,
                steps=settings.sample_steps,
                kept=(),
                guidance=settings.sample_guidance,
            )
            return states[:, -1]
        config = network.config
        schedule = FlowSchedule(config.timestep_shift, config.denoising_steps)
        cache = DualCache(
            config,
            tokens_per_frame=config.tokens_per_frame(*shape[-2:]),
            batch=len(batch),
            device=place.device,
            dtype=torch.bfloat16 if place.bfloat16 else torch.float32,
        )
        noise = draws.normal(places, (len(schedule.steps), *shape), "noise").transpose(0, 1)
        return Rollout(network, cache, schedule)(batch, noise, len(schedule.steps) - 1).clean
