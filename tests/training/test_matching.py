# SPDX-License-Identifier: Apache-2.0
"""Distribution matching: formulas, and the gradient that reaches the student."""

import torch
from shotstream_runtime.model import Student, StudentConfig
from shotstream_training.distillation.matching import (
    guided,
    matching_direction,
    matching_loss,
    predict_flow,
)
from shotstream_training.networks import prepare
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.scores import ScoreRule
from torch import Tensor

CONFIG = StudentConfig(
    text_len=4,
    in_dim=2,
    out_dim=2,
    dim=16,
    ffn_dim=16,
    freq_dim=8,
    text_dim=6,
    num_heads=1,
    num_layers=1,
    max_context_frames=2,
)


def network(seed: int) -> Student:
    torch.manual_seed(seed)
    student = Student(CONFIG)
    for parameter in student.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return prepare(student, torch.device("cpu"))


def small_batch() -> NextShotBatch:
    generator = torch.Generator().manual_seed(7)
    return NextShotBatch(
        context=torch.randn(2, 2, 2, 2, 2, generator=generator),
        context_flags=torch.tensor([[0, 0], [0, 1]]),
        target=torch.randn(2, 3, 2, 2, 2, generator=generator),
        shot_flag=torch.tensor([1, 2]),
        embeds=torch.randn(2, 4, 4, 6, generator=generator),
        caption_index=torch.tensor([[0, 0, 2, 2, 2], [0, 1, 2, 3, 3]]),
    )


def test_guidance_formula() -> None:
    conditional, unconditional = torch.tensor([2.0]), torch.tensor([0.5])
    assert guided(conditional, unconditional, 3.0).item() == 2.0 + 3.0 * 1.5
    assert guided(conditional, unconditional, 0.0).item() == 2.0


def test_direction_is_normalised_per_sample_and_nan_gives_zero() -> None:
    fake = torch.tensor([[3.0, 1.0], [5.0, 5.0], [1.0, 1.0]])
    real = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    clean = torch.tensor([[2.0, 4.0], [9.0, 9.0], [1.0, 1.0]])
    direction = matching_direction(fake, real, clean)
    # Scales: mean(1, 3) = 2, mean(8, 8) = 8, and 0 / 0 in the last sample.
    torch.testing.assert_close(direction, torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 0.0]]))


def test_gradient_of_the_matching_loss_is_the_direction() -> None:
    clean = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(2, 5, dtype=torch.float64)
    matching_loss(clean, direction).backward()
    torch.testing.assert_close(clean.grad, direction / clean.numel())


def test_prediction_inverts_the_flow() -> None:
    """A network that predicts the true flow gives back the clean target."""
    batch = small_batch()
    noise = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(1))
    sigma = torch.tensor([0.3, 0.8])
    wide = sigma.view(2, 1, 1, 1, 1)
    noisy = (1 - wide) * batch.target + wide * noise

    class Oracle(Student):
        def forward_sequence(self, *_: object) -> Tensor:
            return torch.cat((torch.zeros_like(batch.context), noise - batch.target), dim=1)

    clean = ScoreRule("zero").clean(Oracle(CONFIG), batch, noisy, sigma)
    torch.testing.assert_close(clean, batch.target)


def test_condition_frames_carry_time_zero() -> None:
    """Changing the target's time must not change what the condition frames are modulated with."""
    seen: list[Tensor] = []

    class Spy(Student):
        def forward_sequence(self, latents: Tensor, times: Tensor, *_: object) -> Tensor:
            seen.append(times)
            return latents

    batch = small_batch()
    predict_flow(Spy(CONFIG), batch, batch.target, torch.tensor([300.0, 700.0]))
    assert seen[0].tolist() == [[0, 0, 300, 300, 300], [0, 0, 700, 700, 700]]


def test_silence_changes_the_unconditional_branch_only() -> None:
    teacher, batch, rule = network(1), small_batch(), ScoreRule("zero")
    silent = rule.unguided(batch)
    assert not silent.embeds.any()
    sigma = torch.tensor([0.5, 0.5])
    with torch.no_grad():
        loud, quiet = (rule.clean(teacher, given, batch.target, sigma) for given in (batch, silent))
    assert (loud - quiet).abs().max() > 1e-3
