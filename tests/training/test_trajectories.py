# SPDX-License-Identifier: Apache-2.0
"""The published form of S2.1: trajectories, their storage, and the regression; and the form beside it."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from latent_source import CONFIG, CPU, FRAMES, LatentSource, small_student
from pydantic import ValidationError
from shotstream_runtime.model import CacheAccess, CaptionRun, DualCache, FlowSchedule, Student
from shotstream_training.distillation.matching import predict_flow
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.forced_stage import ForcedStage
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.noise_levels import trajectory_times
from shotstream_training.stages.regression_stage import RegressionStage, fill_trajectories
from shotstream_training.stages.scores import ScoreRule
from shotstream_training.stages.settings import CausalInitStageSettings, OptimizerSettings, TrajectorySettings
from shotstream_training.stages.trajectories import (
    TrajectoryStore,
    mixed_states,
    regression_loss,
    sample_trajectory,
)
from torch import Tensor

DRAWS = Draws(0, "causal-init", CPU.device)
TRAJECTORIES = TrajectorySettings(pairs=4, steps=8, kept=(0, 2, 4, 6), guidance=2.0, batch=2)


def settings(**values: object) -> CausalInitStageSettings:
    given = {"batch": 4, "optimizer": {"rate": 1e-3}, "context_time": "zero", "trajectories": TRAJECTORIES}
    return CausalInitStageSettings.model_validate(given | values)


def filled(folder: Path, source: LatentSource, pairs: int = 4) -> TrajectoryStore:
    return fill_trajectories(
        TRAJECTORIES.model_copy(update={"pairs": pairs}),
        TrainedNetwork(small_student(1), CPU),
        source,
        ScoreRule(),
        DRAWS,
        folder,
        made_with={"seed": 0},
        report=lambda _: None,
    )


def regression(folder: Path, student: Student, **values: object) -> RegressionStage:
    network = TrainedNetwork(student, CPU)
    source = LatentSource()
    learner = Learner([network], OptimizerSettings(rate=3e-3))
    return RegressionStage(settings(**values), network, learner, filled(folder, source), source, DRAWS)


def test_kept_states_enter_at_the_few_step_times() -> None:
    """50 steps, shift 8: steps 0, 13, 25 and 37 are the student's own four times."""
    times = trajectory_times(50, 8.0)
    few = FlowSchedule(8.0, (1000, 740, 500, 260)).steps
    torch.testing.assert_close(times[[0, 13, 25, 37]], torch.tensor(few), atol=1e-3, rtol=0)
    assert times[-1] == 0


def test_trajectory_is_the_euler_sampler_with_a_negative_prompt() -> None:
    teacher, batch = small_student(1), LatentSource().samples([0, 1])
    negative = torch.randn(CONFIG.text_len, CONFIG.text_dim, generator=torch.Generator().manual_seed(5))
    noise = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(6))
    states = sample_trajectory(
        teacher, batch, noise, ScoreRule(negative=negative), steps=4, kept=(0, 1, 3), guidance=6.0
    )
    positions = [1.0, 0.75, 0.5, 0.25, 0.0]
    sigmas = [3 * u / (1 + 2 * u) for u in positions]
    unguided = replace(batch, embeds=negative.expand_as(batch.embeds))
    x, seen = noise, []
    for here, following in itertools.pairwise(sigmas):
        seen.append(x)
        time = torch.full((2,), 1000 * here)
        with torch.no_grad():
            c, u = (predict_flow(teacher, b, x, time) for b in (batch, unguided))
        x = x + (following - here) * (u + 6.0 * (c - u))
    expected = torch.stack((seen[0], seen[1], seen[3], x), dim=1)
    torch.testing.assert_close(states, expected, atol=2e-5, rtol=2e-5)


def test_context_time_of_the_published_teacher() -> None:
    seen: list[Tensor] = []

    class Spy(Student):
        def forward_sequence(self, latents: Tensor, times: Tensor, *_: object) -> Tensor:
            seen.append(times)
            return latents

    batch = LatentSource().samples([1, 2])
    for context_time in ("target", "zero"):
        ScoreRule(context_time).flow(Spy(CONFIG), batch, batch.target, torch.tensor([300.0, 700.0]))
    assert seen[0].tolist() == [[300.0] * 12, [700.0] * 12]
    assert seen[1].tolist() == [[0.0] * 6 + [300.0] * 6, [0.0] * 6 + [700.0] * 6]


def test_every_chunk_is_in_a_state_of_its_own() -> None:
    states = torch.arange(3.0).view(1, 3, 1, 1, 1, 1).expand(2, 3, 6, 1, 1, 1)
    latents, times = mixed_states(
        states, torch.tensor([1000.0, 500.0, 0.0]), torch.tensor([[0, 2], [1, 1]]), 3
    )
    assert latents[:, :, 0, 0, 0].tolist() == [[0, 0, 0, 2, 2, 2], [1] * 6]
    assert times.tolist() == [[1000.0] * 3 + [0.0] * 3, [500.0] * 6]


def test_regression_counts_noisy_frames_only() -> None:
    final = torch.zeros(1, 2, 1, 1, 1)
    latents = torch.tensor([2.0, 5.0]).view(1, 2, 1, 1, 1)
    flow = torch.tensor([1.0, 9.0]).view(1, 2, 1, 1, 1)
    # The first frame's estimate is 2 - 0.5 * 1; the second is clean.
    assert regression_loss(flow, latents, torch.tensor([[500.0, 0.0]]), final).item() == 1.5**2
    assert regression_loss(flow, latents, torch.zeros(1, 2), final).item() == 0.0


def test_store_gives_back_what_was_sampled_and_fills_gaps_only(tmp_path: Path) -> None:
    source = LatentSource()
    store = filled(tmp_path, source, pairs=2)
    assert source.asked == [0, 1]
    store = filled(tmp_path, source, pairs=5)
    assert sorted(source.asked[2:]) == [2, 2, 3, 4]  # one stands in to fill the last pass
    batch, states = store.load([4, 1], CPU.device)
    assert states.shape == (2, 5, FRAMES, 3, 2, 4)
    torch.testing.assert_close(batch.target, states[:, -1])
    again, true = TrajectoryStore(tmp_path / "other", {}), source.samples([4, 1])
    torch.testing.assert_close(batch.context, true.context, atol=0.02, rtol=0.01)
    assert batch.caption_index.equal(true.caption_index)
    noise = DRAWS.normal([4], true.target.shape[1:], "trajectory")
    torch.testing.assert_close(states[:1, 0], noise, atol=0.02, rtol=0.01)
    assert again.missing(2) == [0, 1]


def test_trajectories_of_another_recipe_are_refused(tmp_path: Path) -> None:
    TrajectoryStore(tmp_path, {"guidance": 6.0})
    with pytest.raises(ValueError, match="give another folder"):
        TrajectoryStore(tmp_path, {"guidance": 3.0})


def test_regression_loss_is_what_cached_passes_give(tmp_path: Path) -> None:
    """The masked pass over mixed states against the runtime's passes, chunk by chunk over the dual cache."""
    student = small_student(2)
    stage = regression(tmp_path, student, drop_text=0.0)
    places = [0, 1, 2]
    loss = stage.loss(places)
    batch, states = stage.store.load(stage._numbers(places), CPU.device)
    choice = (DRAWS.uniform(places, (2,), "state") * 5).long()
    latents, times = mixed_states(states, stage.times, choice, 3)
    assert (times > 0).any()
    cache = DualCache(CONFIG, tokens_per_frame=2, batch=3)
    errors = []
    with torch.no_grad():
        _context_pass(student, batch, cache)
        for first in (0, 3):
            frames = slice(first, first + 3)
            flow = _chunk_pass(student, batch, latents[:, frames], times[:, frames], cache, first)
            estimate = latents[:, frames] - (times[:, frames] / 1000)[:, :, None, None, None] * flow
            errors.append((estimate - batch.target[:, frames]).square().mean(dim=(2, 3, 4)))
    error = torch.cat(errors, dim=1)[times > 0].mean()
    torch.testing.assert_close(loss, error, atol=1e-5, rtol=1e-5)


def _context_pass(student: Student, batch: NextShotBatch, cache: DualCache) -> None:
    rows = torch.arange(len(batch))
    runs = [
        CaptionRun(i, i + 1, student.embed_captions(batch.embeds[rows, batch.caption_index[:, i]]))
        for i in range(6)
    ]
    rotary = student.rotary_table(batch.positions[:6].expand(len(batch), -1), batch.flags[:, :6], 2, 4)
    access = CacheAccess(cache, cache.context_span())
    student.fill_cache(batch.context, student.modulate(torch.zeros(6)), rotary, runs, access)


def _chunk_pass(
    student: Student, batch: NextShotBatch, latents: Tensor, times: Tensor, cache: DualCache, first: int
) -> Tensor:
    place = slice(6 + first, 9 + first)
    rows = torch.arange(len(batch))
    caption = student.embed_captions(batch.embeds[rows, batch.caption_index[:, 6 + first]])
    rotary = student.rotary_table(batch.positions[place].expand(len(batch), -1), batch.flags[:, place], 2, 4)
    access = CacheAccess(cache, cache.local_span(first))
    return student(latents, student.modulate(times), rotary, [CaptionRun(0, 3, caption)], access)


def test_regression_learns(tmp_path: Path) -> None:
    stage = regression(tmp_path, small_student(2), drop_text=0.0)
    losses = [float(stage.round(number, 1.0)["loss"]) for number in range(60)]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


def test_forced_form_uses_true_chunks_and_both_kinds_of_times() -> None:
    network = TrainedNetwork(small_student(2), CPU)
    stage = ForcedStage(
        settings(method="forced", trajectories=None, few_step_share=0.5),
        network,
        Learner([network], OptimizerSettings(rate=3e-3)),
        LatentSource(),
        DRAWS,
    )
    sigma = stage.sigmas(range(300), FRAMES)
    assert sigma[:, 0].equal(sigma[:, 2])
    assert not sigma[:, 0].equal(sigma[:, 3])
    few = torch.tensor(FlowSchedule(3.0, CONFIG.denoising_steps).steps) / 1000
    listed = (sigma[:, ::3, None] - few).abs().amin(-1) < 1e-6
    assert 0.4 < listed.float().mean() < 0.6
    losses = [float(stage.round(number, 1.0)["loss"]) for number in range(40)]
    assert sum(losses[-10:]) < 0.95 * sum(losses[:10])


def test_micro_batches_add_up_to_the_batch(tmp_path: Path) -> None:
    whole, parts = (regression(tmp_path, small_student(2), micro_batch=size) for size in (0, 1))
    # Frames that count differ between samples, so equal parts need equal counts: use states that are all
    # noisy.
    for stage in (whole, parts):
        stage.times = torch.where(stage.times > 0, stage.times, 100.0)
        stage.round(0, 1.0)
    for one, other in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValidationError, match="needs trajectories"):
        settings(trajectories=None)
    with pytest.raises(ValidationError, match=r"kept=\[3, 2\] must rise"):
        TrajectorySettings(pairs=1, steps=4, kept=(3, 2))
