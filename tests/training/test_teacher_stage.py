# SPDX-License-Identifier: Apache-2.0
"""S1 by configuration: times, weights, dropout, and what is trained."""

import math

import pytest
import torch
from latent_source import CONFIG, CPU, FRAMES, LatentSource, small_student
from shotstream_runtime.model import FlowSchedule
from shotstream_training.distillation.matching import predict_flow
from shotstream_training.networks import compile_blocks
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.loss_stage import split
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.noise_levels import bell_weights
from shotstream_training.stages.scores import ScoreRule
from shotstream_training.stages.settings import OptimizerSettings, TeacherStageSettings
from shotstream_training.stages.teacher_stage import TeacherStage, freeze_for_teacher


def teacher(**values: object) -> TeacherStage:
    given = {"batch": 4, "optimizer": {"rate": 1e-3}, "context_time": "zero", "trained": "all"}
    settings = TeacherStageSettings.model_validate(given | values)
    student = small_student(3)
    freeze_for_teacher(student, settings.trained)
    network = TrainedNetwork(student, CPU)
    learner = Learner([network], OptimizerSettings(rate=settings.optimizer.rate))
    rule = ScoreRule(settings.context_time)
    return TeacherStage(settings, network, learner, LatentSource(), rule, Draws(0, "teacher", CPU.device))


def test_bell_weights_by_formula() -> None:
    schedule = FlowSchedule(8.0, CONFIG.denoising_steps)
    weights = bell_weights(schedule)
    bell = [math.exp(-2 * ((1000 * s - 500) / 1000) ** 2) for s in schedule.sigmas.tolist()]
    lowest = min(bell)
    scale = sum(value - lowest for value in bell) / 1000
    expected = torch.tensor([(value - lowest) / scale for value in bell])
    torch.testing.assert_close(weights, expected, atol=1e-4, rtol=1e-4)
    assert weights.min() == 0
    assert abs(float(weights.mean()) - 1) < 1e-5
    # Time 500 counts most.
    assert abs(float(schedule.times[weights.argmax()]) - 500) < 10


def test_loss_is_the_weighted_flow_error_over_target_frames() -> None:
    stage = teacher(weighting="bell", drop_context=0.0, drop_text=0.0)
    places = [0, 1, 2, 3]
    loss = stage.loss(places)
    batch = stage.source.samples(places)
    schedule = FlowSchedule(CONFIG.timestep_shift, CONFIG.denoising_steps)
    rows = (stage.draws.uniform(places, (1,), "time")[:, 0] * 1000).long()
    sigma = schedule.sigmas[rows]
    noise = stage.draws.normal(places, batch.target.shape[1:], "noise")
    wide = sigma.view(4, 1, 1, 1, 1)
    flow = predict_flow(stage.network.inner, batch, (1 - wide) * batch.target + wide * noise, 1000 * sigma)
    error = (flow - (noise - batch.target)).square().mean(dim=(1, 2, 3, 4))
    torch.testing.assert_close(loss, (bell_weights(schedule)[rows] * error).mean())


def test_table_times_are_uniform_over_the_table() -> None:
    sigma = teacher(weighting="none").noise_level(range(4000)).sigma
    schedule = FlowSchedule(CONFIG.timestep_shift, CONFIG.denoising_steps)
    distance = (sigma[:, None] - schedule.sigmas).abs()
    assert distance.amin(1).max() == 0
    rows = distance.argmin(1)
    assert abs(float(rows.float().mean()) - 499.5) < 15
    assert abs(float(rows.float().std()) - 1000 / math.sqrt(12)) < 10


def test_stratified_times_cover_every_step() -> None:
    stage = teacher(batch=50, times="stratified", weighting="bell")
    level = stage.noise_level(range(100, 150))
    shift = CONFIG.timestep_shift
    positions = level.sigma / (shift - (shift - 1) * level.sigma)
    assert sorted((50 * (1 - positions)).floor().int().tolist()) == list(range(50))
    times = FlowSchedule(shift, CONFIG.denoising_steps).times
    nearest = (times - 1000 * level.sigma[:, None]).abs().argmin(1)
    torch.testing.assert_close(
        level.weight, bell_weights(FlowSchedule(shift, ()))[nearest], atol=0.02, rtol=0
    )


def test_context_and_captions_are_dropped_independently() -> None:
    stage = teacher(drop_context=0.1, drop_text=0.2)
    places = range(3000)
    chosen = [
        stage.draws.chosen(places, share, what) for share, what in ((0.1, "drop context"), (0.2, "drop text"))
    ]
    context, text = (part.float() for part in chosen)
    assert abs(float(context.mean()) - 0.1) < 0.02
    assert abs(float(text.mean()) - 0.2) < 0.025
    assert abs(float((context * text).mean()) - 0.02) < 0.01
    few = list(range(40))
    dropped = stage.dropped(stage.source.samples(few), few)
    gone, silent = (part[:40] for part in chosen)
    assert gone.any()
    assert silent.any()
    assert not dropped.context[gone].any()
    assert not dropped.context_flags[gone].any()
    assert (dropped.shot_flag[gone] == 1).all()
    assert not dropped.embeds[silent].any()
    assert dropped.embeds[~silent].abs().amin(0).any()


@pytest.mark.parametrize("trained", ["all", "self_attention"])
def test_what_is_trained(trained: str) -> None:
    stage = teacher(trained=trained)
    before = {name: p.detach().clone() for name, p in stage.network.inner.named_parameters()}
    stage.round(0, 1.0)
    changed = {name for name, p in stage.network.inner.named_parameters() if not p.equal(before[name])}
    own = {name for name in before if ".self_attn." in name}
    assert changed == (set(before) if trained == "all" else own)


def test_it_learns() -> None:
    stage = teacher(weighting="none", batch=8)
    losses = [float(stage.round(number, 1.0)["loss"]) for number in range(60)]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_draws_belong_to_samples() -> None:
    draws = Draws(0, "teacher", CPU.device)
    together = draws.normal([3, 4], (2, FRAMES), "noise")
    torch.testing.assert_close(together[1:], draws.normal([4], (2, FRAMES), "noise"), atol=0, rtol=0)
    assert not together[0].equal(together[1])
    assert not together.equal(draws.normal([3, 4], (2, FRAMES), "other"))
    assert not together.equal(Draws(1, "teacher", CPU.device).normal([3, 4], (2, FRAMES), "noise"))
    assert not together.equal(Draws(0, "intra", CPU.device).normal([3, 4], (2, FRAMES), "noise"))
    counts = [[draws.shared_choice(4, number) for number in range(400)].count(step) for step in range(4)]
    assert all(70 < count < 130 for count in counts)


def test_batches_that_cannot_be_split_are_refused() -> None:
    assert split([1, 2, 3, 4], 2) == [[1, 2], [3, 4]]
    assert split([1, 2, 3], 0) == [[1, 2, 3]]
    with pytest.raises(ValueError, match="micro_batch=2 must divide the 3 samples"):
        split([1, 2, 3], 2)


@pytest.mark.slow
def test_compiled_blocks_give_the_same_loss_and_gradient() -> None:
    plain, compiled = teacher(), teacher()
    compile_blocks(compiled.network.inner)
    losses = []
    for stage in (plain, compiled):
        loss = stage.loss([0, 1, 2, 3])
        loss.backward()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for one, other in zip(plain.network.inner.parameters(), compiled.network.inner.parameters(), strict=True):
        if one.grad is not None:
            torch.testing.assert_close(one.grad, other.grad, atol=1e-6, rtol=1e-3)
