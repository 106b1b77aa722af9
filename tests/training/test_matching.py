# SPDX-License-Identifier: Apache-2.0
"""Distribution matching: formulas, and the gradient that reaches the student."""

from dataclasses import replace

import torch
from shotstream_runtime.model import Student, StudentConfig
from shotstream_training.distillation.matching import (
    clean_prediction,
    draw_sigma,
    flow_loss,
    generator_loss,
    guided,
    matching_direction,
    matching_loss,
    predict_flow,
)
from shotstream_training.networks import prepare
from shotstream_training.next_shot import NextShotBatch
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


def test_generator_gradient_reaches_the_student_along_the_direction() -> None:
    """End to end on a tiny student: autograd of the loss against direction times the Jacobian."""
    teacher, critic, batch = network(1), network(2), small_batch()
    scale = torch.tensor(0.7, dtype=torch.float32, requires_grad=True)
    clean = batch.target * scale  # a student of one weight
    loss = generator_loss(
        clean,
        batch,
        teacher=teacher,
        critic=critic,
        shift=3.0,
        scale=3.0,
        generator=torch.Generator().manual_seed(9),
    )
    loss.backward()
    direction = _direction(teacher, critic, batch, clean.detach(), torch.Generator().manual_seed(9))
    expected = (direction * batch.target).sum() / clean.numel()
    torch.testing.assert_close(scale.grad, expected, atol=1e-7, rtol=1e-4)
    assert all(p.grad is None for scorer in (teacher, critic) for p in scorer.parameters())


def _direction(
    teacher: Student, critic: Student, batch: NextShotBatch, clean: Tensor, generator: torch.Generator
) -> Tensor:
    """The specification written out."""
    sigma = draw_sigma(2, 3.0, generator, "cpu")
    noise = torch.randn(clean.shape, generator=generator)
    wide = sigma.view(2, 1, 1, 1, 1)
    noisy = (1 - wide) * clean + wide * noise

    def predict(scorer: Student, embeds: Tensor) -> Tensor:
        latents = torch.cat((batch.context, noisy), dim=1)
        times = torch.cat((torch.zeros(2, 2), (1000 * sigma)[:, None].expand(-1, 3)), dim=1)
        flags = torch.cat((batch.context_flags, batch.shot_flag[:, None].expand(-1, 3)), dim=1)
        with torch.no_grad():
            flow = scorer.forward_sequence(
                latents, times, embeds, batch.caption_index, torch.arange(5), flags
            )
        return noisy - wide * flow[:, 2:]

    conditional = predict(teacher, batch.embeds)
    real = conditional + 3.0 * (conditional - predict(teacher, torch.zeros_like(batch.embeds)))
    fake = predict(critic, batch.embeds)
    return (fake - real) / (clean - real).abs().mean(dim=(1, 2, 3, 4), keepdim=True)


def test_sigmas_are_shifted_and_clamped() -> None:
    sigma = draw_sigma(20_000, 3.0, torch.Generator().manual_seed(0), "cpu")
    assert sigma.min() >= 0.02
    assert sigma.max() <= 0.98
    # Uniform positions under shift 3 have their median at 3 * 0.5 / (1 + 2 * 0.5).
    assert abs(float(sigma.median()) - 0.75) < 0.01


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

    clean = clean_prediction(Oracle(CONFIG), batch, noisy, 1000 * sigma, sigma)
    torch.testing.assert_close(clean, batch.target)


def test_critic_loss_is_plain_flow_matching() -> None:
    critic, batch = network(3), small_batch()
    loss = flow_loss(critic, batch, batch.target, 3.0, torch.Generator().manual_seed(4))
    generator = torch.Generator().manual_seed(4)
    sigma = draw_sigma(2, 3.0, generator, "cpu")
    noise = torch.randn(batch.target.shape, generator=generator)
    wide = sigma.view(2, 1, 1, 1, 1)
    flow = predict_flow(critic, batch, (1 - wide) * batch.target + wide * noise, 1000 * sigma)
    torch.testing.assert_close(loss, (flow - (noise - batch.target)).square().mean())


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
    teacher, batch = network(1), small_batch()
    silent = replace(batch, embeds=torch.zeros_like(batch.embeds))
    time, sigma = torch.tensor([500.0, 500.0]), torch.tensor([0.5, 0.5])
    with torch.no_grad():
        loud = clean_prediction(teacher, batch, batch.target, time, sigma)
        quiet = clean_prediction(teacher, silent, batch.target, time, sigma)
    assert (loud - quiet).abs().max() > 1e-3
