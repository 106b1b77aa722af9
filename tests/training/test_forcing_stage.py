# SPDX-License-Identifier: Apache-2.0
"""Self-forcing by configuration: cycle, formulas, self-made context, and who is moved."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from latent_source import CPU
from shotstream_runtime.streaming.context import select_context
from shotstream_training.distillation.forced_pass import ForcedPass
from shotstream_training.distillation.matching import predict_flow
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.forcing_stage import ForcingStage
from shotstream_training.stages.scores import ScoreRule
from small_stages import inter, intra, intra_causal, small_codec
from torch import Tensor

NOWHERE = Path()
PLACES = [0, 1, 2, 3]


def intra_stage() -> ForcingStage:
    stage, _ = intra(NOWHERE, CPU, 0)
    assert isinstance(stage, ForcingStage)
    return stage


def inter_stage() -> ForcingStage:
    stage, _ = inter(NOWHERE, CPU, 0)
    assert isinstance(stage, ForcingStage)
    return stage


def weights(stage: ForcingStage) -> dict[str, dict[str, Tensor]]:
    networks = stage.networks
    return {name: getattr(networks, name).weights() for name in ("student", "teacher", "critic")}


def test_one_update_of_the_student_then_those_of_the_critic() -> None:
    stage = intra_stage()
    assert [stage.plan(turn).student_learns for turn in range(7)] == [1, 0, 0, 1, 0, 0, 1]
    assert [stage.student_updates(rounds) for rounds in (0, 1, 3, 4)] == [0, 1, 1, 2]


def test_shots_and_cycle_rotate_what_the_student_learns_on() -> None:
    """Five shots against a cycle of six: another shot every round."""
    stage = inter_stage()
    stage.shots = 5
    stage.settings = stage.settings.model_copy(update={"critic_updates": 5})
    learned = [
        shot for number in range(6) for shot in range(5) if stage.plan(number * 5 + shot).student_learns
    ]
    assert learned == [0, 1, 2, 3, 4]
    assert stage.student_updates(6) == 5


@pytest.mark.parametrize("student_learns", [True, False])
def test_only_the_learner_moves(student_learns: bool) -> None:
    stage = intra_stage()
    before = weights(stage)
    stage.round(0 if student_learns else 1, 1.0)
    after = weights(stage)
    changed = {
        name for name in before if any(not before[name][k].equal(after[name][k]) for k in before[name])
    }
    assert changed == {"student" if student_learns else "critic"}


def test_exit_steps_are_shared_and_spread() -> None:
    one, other = intra_stage(), intra_stage()
    steps = [one.plan(turn).exit_step for turn in range(200)]
    assert steps == [other.plan(turn).exit_step for turn in range(200)]
    assert {steps.count(step) > 30 for step in range(4)} == {True}


def test_student_gradient_is_the_matching_direction() -> None:
    """The gradient that reaches the rollout, against the specification written out."""
    stage = intra_stage()
    stage.rule = ScoreRule("zero", negative=torch.full((4, 6), 0.3))
    turn = stage.plan(0)
    batch = stage.batch(PLACES, [], turn)
    result = stage.roll_out(batch, PLACES, turn)
    caught: list[Tensor] = []
    student = stage.networks.student
    student.register_forward_hook(lambda _m, _i, out: out.register_hook(caught.append) and None)
    stage._student_loss(turn, PLACES, batch, result).backward()

    clean = result.clean
    uniform = stage.draws.uniform(PLACES, (1,), "score time", 0)[:, 0]
    sigma = (3 * uniform / (1 + 2 * uniform)).clamp(0.02, 0.98)
    wide = sigma.view(4, 1, 1, 1, 1)
    noise = stage.draws.normal(PLACES, clean.shape[1:], "score noise", 0)
    noisy = (1 - wide) * clean + wide * noise
    negative = stage.rule.unguided(batch)
    assert negative.embeds[1, 2].equal(torch.full((4, 6), 0.3))

    def predict(name: str, given: object) -> Tensor:
        network = getattr(stage.networks, name).inner
        with torch.no_grad():
            return noisy - wide * predict_flow(network, given, noisy, 1000 * sigma)

    conditional = predict("teacher", batch)
    real = conditional + 3.0 * (conditional - predict("teacher", negative))
    scale = (clean - real).abs().mean(dim=(1, 2, 3, 4), keepdim=True)
    direction = (predict("critic", batch) - real) / scale
    torch.testing.assert_close(caught[0], direction / clean.numel(), atol=1e-7, rtol=1e-3)


def critic_turn(stage: ForcingStage) -> tuple[NextShotBatch, Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
    """A turn of the fake score: samples, the rollout, the loss, and what the rollout was noised with."""
    turn = stage.plan(1)
    batch = stage.batch(PLACES, [], turn)
    clean = stage.roll_out(batch, PLACES, turn).clean
    loss = stage._critic_loss(turn, PLACES, batch, clean)
    return batch, clean, loss, stage._noised(turn, PLACES, clean)


def test_critic_learns_plain_flow_matching_on_the_rollout() -> None:
    stage = intra_stage()
    batch, clean, loss, (sigma, noisy, noise) = critic_turn(stage)
    with torch.no_grad():
        flow = predict_flow(stage.networks.critic.inner, batch, noisy, 1000 * sigma)
    torch.testing.assert_close(loss, (flow - (noise - clean)).square().mean())
    assert clean.requires_grad is False


def causal_stage() -> ForcingStage:
    stage, _ = intra_causal(NOWHERE, CPU, 0)
    assert isinstance(stage, ForcingStage)
    return stage


@torch.no_grad()
def test_causal_scores_judge_a_chunk_by_itself_and_what_came_before() -> None:
    stage = causal_stage()
    turn = stage.plan(0)
    batch = stage.batch(PLACES, [], turn)
    sigma = torch.tensor([[0.9] * 3 + [0.4] * 3] * 4)
    noisy = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(4))
    network = stage.networks.critic.inner

    def clean(noisy: Tensor, past: Tensor) -> Tensor:
        return stage.rule.clean(network, replace(batch, target=past), noisy, sigma)

    def moved(tensor: Tensor, first: int, last: int) -> Tensor:
        other = tensor.clone()
        other[:, first:last] += 1
        return other

    plain = clean(noisy, batch.target)
    other_noise = clean(moved(noisy, 0, 3), batch.target)
    assert not other_noise[:, :3].equal(plain[:, :3])
    assert other_noise[:, 3:].equal(plain[:, 3:])
    other_past = clean(noisy, moved(batch.target, 0, 3))
    assert other_past[:, :3].equal(plain[:, :3])
    assert not other_past[:, 3:].equal(plain[:, 3:])
    assert clean(noisy, moved(batch.target, 3, 6)).equal(plain)


def test_causal_scores_see_the_rollout_as_the_past_at_a_time_per_chunk() -> None:
    stage = causal_stage()
    batch, clean, loss, (sigma, noisy, noise) = critic_turn(stage)
    assert sigma[:, 0].equal(sigma[:, 2])
    assert not sigma[:, 0].equal(sigma[:, 3])
    with torch.no_grad():
        forced = ForcedPass(stage.networks.critic.inner, stage._caches.of(4), 6)
        forced.fill(batch, clean)
        flow = forced.flow(batch, noisy, 1000 * sigma)
    torch.testing.assert_close(loss, (flow - (noise - clean)).square().mean())


def test_equal_causal_scores_leave_the_student_where_it_is() -> None:
    """Without guidance, real and fake score that start alike have nothing to teach."""
    stage = causal_stage()
    stage.settings = stage.settings.model_copy(update={"guidance": 0.0})
    values = stage.round(0, 1.0)
    assert values["matching"] == 0.0
    assert values["student_gradient"] == 0.0
    guided = causal_stage().round(0, 1.0)
    assert guided["student_gradient"] > 0


def test_across_shots_context_comes_from_self_made_pixels() -> None:
    stage = inter_stage()
    seen: list[Tensor] = []
    made: list[Tensor] = []
    plain = stage.roll_out

    def watched(batch, places, turn):  # type: ignore[no-untyped-def]
        seen.append(batch.context)
        result = plain(batch, places, turn)
        made.append(result.clean)
        return result

    stage.roll_out = watched  # type: ignore[method-assign]
    stage.round(0, 1.0)
    assert len(seen) == 2
    assert not seen[0].any()
    codec = small_codec()
    clip = codec.decode(made[0])
    # 21 pixel frames in the test's shots; the runtime's rule says which become context.
    picks = select_context([21], 6).picks
    expected = torch.stack([codec.encode_frames(clip[:, :, pick.frame]) for pick in picks], dim=1)
    torch.testing.assert_close(seen[1], expected, atol=1e-5, rtol=1e-4)


def test_average_follows_the_student() -> None:
    stage = intra_stage()
    name = "blocks.0.self_attn.q.weight"
    start = stage.average.weights()[name]
    for number in range(4):
        stage.round(number, 1.0)
    average, now = stage.average.weights()[name], stage.networks.student.weights()[name]
    assert not average.equal(start)
    assert not average.equal(now)
    # Between where the student was and where it is.
    assert (average - now).norm() < (start - now).norm()
