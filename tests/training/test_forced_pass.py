# SPDX-License-Identifier: Apache-2.0
"""The one-pass form of training against the chunk-by-chunk form of the runtime."""

from dataclasses import replace

import pytest
import torch
from shotstream_runtime.model import (
    CacheAccess,
    CaptionKeys,
    CaptionRun,
    DualCache,
    FlowSchedule,
    Student,
    StudentConfig,
)
from shotstream_training.distillation.forced_pass import ForcedPass, forced_frame_mask
from shotstream_training.distillation.rollout import Rollout
from shotstream_training.networks import prepare
from shotstream_training.next_shot import NextShotBatch, causal_frame_mask
from torch import Tensor

CONFIG = StudentConfig(
    text_len=5,
    in_dim=4,
    out_dim=4,
    dim=32,
    ffn_dim=48,
    freq_dim=16,
    text_dim=12,
    num_heads=2,
    num_layers=3,
    local_window_frames=9,
    timestep_shift=3.0,
)
FRAMES = 9
TOLERANCE = {"atol": 2e-5, "rtol": 2e-4}


@pytest.fixture
def student() -> Student:
    torch.manual_seed(0)
    student = Student(CONFIG)
    for parameter in student.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return prepare(student, torch.device("cpu"))


@pytest.fixture
def batch() -> NextShotBatch:
    """Two samples: a first shot, and a fourth one whose caption changes at its second chunk."""
    generator = torch.Generator().manual_seed(1)
    context = torch.randn(2, 6, 4, 4, 6, generator=generator)
    context[0] = 0
    return NextShotBatch(
        context=context,
        context_flags=torch.tensor([[0] * 6, [0, 0, 1, 1, 2, 2]]),
        target=torch.randn(2, FRAMES, 4, 4, 6, generator=generator),
        shot_flag=torch.tensor([1, 3]),
        embeds=torch.randn(2, 8, 5, 12, generator=generator),
        caption_index=torch.tensor([[6] * 6 + [6] * 9, [0, 1, 2, 3, 4, 5] + [6] * 3 + [7] * 6]),
    )


def cache_for(batch: NextShotBatch) -> DualCache:
    return DualCache(CONFIG, tokens_per_frame=6, batch=len(batch))


def rows_of(student: Student, batch: NextShotBatch, frame: int) -> CaptionKeys:
    chosen = batch.embeds[torch.arange(len(batch)), batch.caption_index[:, frame]]
    return student.embed_captions(chosen)


def stepwise_exit_estimates(
    student: Student, batch: NextShotBatch, noise: Tensor, exit_step: int
) -> tuple[Tensor, list[Tensor]]:
    """Self-forcing chunk by chunk, as the paper tells it: only the exit call carries gradient."""
    schedule = FlowSchedule(CONFIG.timestep_shift, CONFIG.denoising_steps)
    cache = cache_for(batch)

    def table(first: int, frames: int) -> object:
        flags = batch.flags[:, first : first + frames]
        return student.rotary_table(batch.positions[first : first + frames].expand_as(flags), flags, 4, 6)

    with torch.no_grad():
        runs = [CaptionRun(i, i + 1, rows_of(student, batch, i)) for i in range(6)]
        student.fill_cache(
            batch.context,
            student.modulate(torch.zeros(6)),
            table(0, 6),
            runs,
            CacheAccess(cache, cache.context_span()),
        )
    chunks = []
    for first in range(0, FRAMES, 3):
        rotary, span = table(6 + first, 3), cache.local_span(first)
        clean = noisy = noise[0, :, first : first + 3]
        for step in range(exit_step + 1):
            time = schedule.steps[step]
            sigma = schedule.sigma(time)
            if step:
                noisy = schedule.renoise(clean.detach(), noise[step, :, first : first + 3], sigma)
            carries = step == exit_step
            with torch.set_grad_enabled(carries):
                runs = [CaptionRun(0, 3, rows_of(student, batch, 6 + first))]
                access = CacheAccess(cache, span, in_place=not carries)
                flow = student(noisy, student.modulate(torch.full((3,), time)), rotary, runs, access)
                clean = noisy - sigma * flow
        with torch.no_grad():
            runs = [CaptionRun(0, 3, rows_of(student, batch, 6 + first))]
            student.fill_cache(
                clean.detach(), student.modulate(torch.zeros(3)), rotary, runs, CacheAccess(cache, span)
            )
        chunks.append(clean)
    return torch.cat(chunks, dim=1), chunks


@pytest.mark.parametrize("exit_step", [0, 2, 3])
def test_one_pass_equals_chunk_by_chunk(student: Student, batch: NextShotBatch, exit_step: int) -> None:
    noise = torch.randn((4, *batch.target.shape), generator=torch.Generator().manual_seed(2))
    weight = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(3))
    expected, _ = stepwise_exit_estimates(student, batch, noise, exit_step)
    (expected * weight).sum().backward()
    gradients = {name: p.grad.clone() for name, p in student.named_parameters() if p.grad is not None}
    student.zero_grad()

    cache = cache_for(batch)
    schedule = FlowSchedule(CONFIG.timestep_shift, CONFIG.denoising_steps)
    result = Rollout(student, cache, schedule)(batch, noise, exit_step)
    time = schedule.steps[exit_step]
    flow = ForcedPass(student, cache, FRAMES).flow(batch, result.entering, time)
    clean = result.entering - schedule.sigma(time) * flow
    torch.testing.assert_close(result.clean, expected.detach(), **TOLERANCE)
    torch.testing.assert_close(clean, expected, **TOLERANCE)
    (clean * weight).sum().backward()
    for name, parameter in student.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=2e-4, rtol=2e-3, msg=name)


def test_forced_clean_chunks_equal_teacher_forced_steps(student: Student, batch: NextShotBatch) -> None:
    """Given true chunks, one masked pass gives what the runtime gives step by step, at any times."""
    cache = cache_for(batch)
    forced = ForcedPass(student, cache, FRAMES)
    forced.fill(batch, batch.target)
    times = torch.tensor([[900.0] * 3 + [500.0] * 3 + [300.0] * 3]).expand(2, -1)
    noisy = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        together = forced.flow(batch, noisy, times)
        own = cache_for(batch)
        flags = batch.flags
        student.fill_cache(
            batch.context,
            student.modulate(torch.zeros(6)),
            student.rotary_table(torch.arange(6).expand(2, -1), flags[:, :6], 4, 6),
            [CaptionRun(i, i + 1, rows_of(student, batch, i)) for i in range(6)],
            CacheAccess(own, own.context_span()),
        )
        for first in range(0, FRAMES, 3):
            place = slice(6 + first, 9 + first)
            rotary = student.rotary_table(batch.positions[place].expand(2, -1), flags[:, place], 4, 6)
            runs = [CaptionRun(0, 3, rows_of(student, batch, 6 + first))]
            access = CacheAccess(own, own.local_span(first))
            chunk = slice(first, first + 3)
            alone = student(noisy[:, chunk], student.modulate(times[:, chunk]), rotary, runs, access)
            torch.testing.assert_close(together[:, chunk], alone, **TOLERANCE)
            student.fill_cache(batch.target[:, chunk], student.modulate(torch.zeros(3)), rotary, runs, access)


def test_causal_mask_equals_cached_steps(student: Student, batch: NextShotBatch) -> None:
    """The full-sequence path under the causal mask, all frames clean, equals the cached passes."""
    times = torch.zeros(2, 6 + FRAMES)
    mask = causal_frame_mask(6, FRAMES, 3)
    latents = torch.cat((batch.context, batch.target), dim=1)
    with torch.no_grad():
        sequence = student.forward_sequence(
            latents, times, batch.embeds, batch.caption_index, batch.positions, batch.flags, mask
        )
        cache = cache_for(batch)
        forced = ForcedPass(student, cache, FRAMES)
        forced.fill(batch, batch.target)
        alone = forced.flow(batch, batch.target, 0.0)
    torch.testing.assert_close(sequence[:, 6:], alone, **TOLERANCE)


def test_no_gradient_through_caches(student: Student, batch: NextShotBatch) -> None:
    """A later chunk's loss must not reach an earlier chunk's input, nor the context."""
    cache = cache_for(batch)
    clean = batch.target.clone().requires_grad_()
    context = batch.context.clone().requires_grad_()
    own = replace(batch, context=context)
    forced = ForcedPass(student, cache, FRAMES)
    forced.fill(own, clean)
    noisy = batch.target.clone().requires_grad_()
    forced.flow(own, noisy, 500.0)[:, 6:].sum().backward()
    assert clean.grad is None
    assert context.grad is None
    assert not noisy.grad[:, :6].any()
    assert noisy.grad[:, 6:].any()


def test_forced_mask_of_a_small_case() -> None:
    expected = [
        [1, 0, 0, 0],  # context
        [1, 1, 0, 0],  # clean chunk 0; the last clean chunk is left out
        [1, 0, 1, 0],  # noisy chunk 0: not its own clean frames
        [1, 1, 0, 1],  # noisy chunk 1: clean chunk 0
    ]
    assert forced_frame_mask(1, 2, 1).int().tolist() == expected


def test_shot_longer_than_the_window_is_refused(student: Student, batch: NextShotBatch) -> None:
    with pytest.raises(ValueError, match="12 latent frames"):
        ForcedPass(student, cache_for(batch), 12)
