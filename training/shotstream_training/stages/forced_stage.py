# SPDX-License-Identifier: Apache-2.0
"""Stage S2.1 without a teacher's trajectories: flow matching on true shots, true chunks before each chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from shotstream_runtime.model import FlowSchedule, Student
from torch import Tensor

from shotstream_training.data.subject_cover import latent_weights
from shotstream_training.distillation.forced_pass import ForcedPass
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.clip_source import ShotSource
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.loss_stage import split
from shotstream_training.stages.mixture import Mixture
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.noise_levels import shifted
from shotstream_training.stages.scores import noised, wide
from shotstream_training.stages.settings import CausalInitStageSettings, ShotPart
from shotstream_training.stages.shot_caches import ShotCaches


class ForcedStage:
    """Every chunk at a time of its own, over a cache of clean chunks.

    A bidirectional trajectory, which the published form regresses onto, ends at a picture that also depends
    on the noise of chunks still to come. A causal student cannot see that and can only average over it
    (Causal Forcing, arXiv 2602.02214); and where stories are rendered without end, a true picture is cheaper
    than a sampled one.

    Args:
        settings: The stage's settings.
        network: The student.
        learner: Moves it, and the text side where that learns along.
        source: Samples.
        draws: Randomness.
        openings: First chunks of stories of a single shot, for parts that want them.
    """

    name = "causal-init"

    def __init__(
        self,
        settings: CausalInitStageSettings,
        network: TrainedNetwork,
        learner: Learner,
        source: ShotSource,
        draws: Draws,
        openings: ShotSource | None = None,
    ) -> None:
        self.settings, self.network, self.learner = settings, network, learner
        self.source, self.draws = source, draws
        config = network.inner.config
        self._chunk = config.frames_per_chunk
        self._few = torch.tensor(FlowSchedule(config.timestep_shift, config.denoising_steps).steps) / 1000
        self.mixture = Mixture(settings.parts, settings.batch, source, openings, draws, self._chunk)
        self._caches = ShotCaches(config, source.size, network.place)

    def round(self, number: int, factor: float) -> dict[str, Tensor]:
        """One optimiser step over samples of one part."""
        part = self.mixture.part(number)
        places = self.mixture.take(part)
        own = self.draws.shared_uniform("own history", number) < self.settings.own_history
        groups = split(places, self.settings.micro_batch)
        values = self.learner.update([partial(self._loss, part, group, own=own) for group in groups], factor)
        if not self.settings.parts:
            return values
        # Parts differ in how hard they are: one curve for each length.
        frames = f"loss_{self._chunk * part.chunks}" if part.chunks else "loss"
        return {frames: values["loss"], "gradient": values["gradient"]}

    def _loss(self, part: ShotPart, places: Sequence[int], *, own: bool) -> Tensor:
        settings, draws = self.settings, self.draws
        batch = self.mixture.samples(part, places)
        if settings.soften:
            share = draws.uniform(places, (1,), "soften")[:, 0]
            batch = replace(batch, context=softened(batch.context, settings.soften * share))
        batch = batch.without_context(draws.chosen(places, settings.drop_context, "drop context"))
        batch = batch.without_text(draws.chosen(places, settings.drop_text, "drop text"))
        return self.loss(batch, places, own=own)

    def loss(self, batch: NextShotBatch, places: Sequence[int], *, own: bool = False) -> Tensor:
        """Squared error of the flow, mean over latents as they are weighted.

        Args:
            batch: The samples.
            places: Their places, which decide times and noise.
            own: Whether the chunks before a chunk are the student's own estimates instead of the truth.
        """
        frames = batch.target.shape[1]
        sigma = self.sigmas(places, frames)
        noise = self.draws.normal(places, batch.target.shape[1:], "noise")
        noisy = noised(batch.target, noise, sigma)

        def error(network: Student) -> Tensor:
            forced = ForcedPass(network, self._caches.of(len(batch)), frames)
            forced.fill(batch, batch.target)
            if own and frames > self._chunk:
                forced.fill(batch, self._estimate(forced, batch, places))
            flow = forced.flow(batch, noisy, 1000 * sigma)
            squared = (flow - (noise - batch.target)).square().mean(dim=2)
            return (squared * latent_weights(batch.subject, self.settings.subject_share)).mean()

        loss: Tensor = self.network(error)
        return loss

    def sigmas(self, places: Sequence[int], frames: int) -> Tensor:
        """Sigma of every frame ``[b, f]``, the same within a chunk."""
        shape = (frames // self._chunk,)
        uniform = 1.0 - self.draws.uniform(places, shape, "time")
        spread = shifted(uniform, self.network.inner.config.timestep_shift)
        listed = self._listed(places, shape, "listed")
        chosen = self.draws.uniform(places, shape, "few") < self.settings.few_step_share
        return torch.where(chosen, listed, spread).repeat_interleave(self._chunk, dim=1)

    @torch.no_grad()
    def _estimate(self, forced: ForcedPass, batch: NextShotBatch, places: Sequence[int]) -> Tensor:
        """Clean estimates of all chunks from times of the few-step list, true chunks before them."""
        frames = batch.target.shape[1]
        sigma = self._listed(places, (frames // self._chunk,), "estimate listed")
        sigma = sigma.repeat_interleave(self._chunk, dim=1)
        noise = self.draws.normal(places, batch.target.shape[1:], "estimate noise")
        noisy = noised(batch.target, noise, sigma)
        return noisy - wide(sigma) * forced.flow(batch, noisy, 1000 * sigma)

    def _listed(self, places: Sequence[int], shape: tuple[int], purpose: str) -> Tensor:
        uniform = self.draws.uniform(places, shape, purpose)
        few = self._few.to(uniform.device)
        return few[(uniform * len(few)).long().clamp_max(len(few) - 1)]


def softened(context: Tensor, share: Tensor) -> Tensor:
    """Condition latents ``[b, c, channels, h, w]`` with blur mixed in, a share of each sample ``[b]``."""
    blurred = F.avg_pool2d(context.flatten(0, 1), 3, 1, 1, count_include_pad=False).view_as(context)
    return torch.lerp(context, blurred, wide(share))
