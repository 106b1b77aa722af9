# SPDX-License-Identifier: Apache-2.0
"""Batches: dropout of context and text, and caption index apart from phase."""

import torch
from shotstream_runtime.model import RotaryEmbedding, Student, StudentConfig
from shotstream_training.networks import DeviceRotaryEmbedding, build_student
from shotstream_training.next_shot import NextShotBatch, causal_frame_mask

CONFIG = StudentConfig(
    text_len=4, in_dim=2, out_dim=2, dim=24, ffn_dim=16, freq_dim=8, text_dim=6, num_heads=1, num_layers=2
)


def make_batch() -> NextShotBatch:
    generator = torch.Generator().manual_seed(0)
    return NextShotBatch(
        context=torch.randn(2, 6, 2, 2, 2, generator=generator),
        context_flags=torch.tensor([[0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 1]]),
        target=torch.randn(2, 6, 2, 2, 2, generator=generator),
        shot_flag=torch.tensor([3, 2]),
        embeds=torch.randn(2, 8, 4, 6, generator=generator),
        caption_index=torch.tensor([[0, 1, 2, 3, 4, 5, 6, 6, 6, 7, 7, 7]] * 2),
    )


def test_dropped_context_looks_like_a_first_shot() -> None:
    batch = make_batch()
    dropped = batch.without_context(torch.tensor([True, False]))
    assert not dropped.context[0].any()
    assert dropped.context_flags[0].tolist() == [0] * 6
    # Phase 1 as before a first shot, but its own captions: index and phase are kept apart.
    assert dropped.shot_flag.tolist() == [1, 2]
    assert dropped.caption_index[0].tolist() == [6] * 9 + [7] * 3
    torch.testing.assert_close(dropped.context[1], batch.context[1])
    assert dropped.caption_index[1].tolist() == batch.caption_index[1].tolist()
    assert dropped.context_flags[1].tolist() == batch.context_flags[1].tolist()


def test_dropped_text_touches_chosen_samples_only() -> None:
    batch = make_batch()
    dropped = batch.without_text(torch.tensor([False, True]))
    torch.testing.assert_close(dropped.embeds[0], batch.embeds[0])
    assert not dropped.embeds[1].any()
    torch.testing.assert_close(dropped.context, batch.context)


def _run(student: Student, batch: NextShotBatch, index: torch.Tensor, flags: torch.Tensor) -> torch.Tensor:
    latents = torch.cat((batch.context, batch.target), dim=1)
    with torch.no_grad():
        return student.forward_sequence(
            latents, torch.full((2, 12), 500.0), batch.embeds, index, batch.positions, flags
        )


def test_caption_and_phase_act_independently() -> None:
    """A flag moves only the phase, a caption index only the caption."""
    torch.manual_seed(0)
    student = Student(CONFIG)
    batch = make_batch()
    index, flags = batch.caption_index, batch.flags
    plain = _run(student, batch, index, flags)
    turned = flags.clone()
    turned[:, 6:] += 1
    assert (_run(student, batch, index, turned) - plain).abs().max() > 1e-5
    same_text = batch.embeds[:, :1].expand(-1, 8, -1, -1)
    alike = NextShotBatch(**{**vars(batch), "embeds": same_text})
    first, other = (_run(student, alike, chosen, flags) for chosen in (index, torch.zeros_like(index)))
    torch.testing.assert_close(first, other)
    assert (_run(student, batch, torch.zeros_like(index), flags) - plain).abs().max() > 1e-5


def test_one_phase_for_all_shots_cancels() -> None:
    """The phase is relative: the same flag everywhere is no flag."""
    torch.manual_seed(0)
    student = Student(CONFIG)
    batch = make_batch()
    nowhere, everywhere = torch.zeros(2, 12, dtype=torch.long), torch.full((2, 12), 4)
    torch.testing.assert_close(
        _run(student, batch, batch.caption_index, nowhere),
        _run(student, batch, batch.caption_index, everywhere),
        atol=1e-5,
        rtol=1e-4,
    )


def test_causal_mask_of_a_small_case() -> None:
    expected = [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1],
    ]
    assert causal_frame_mask(2, 4, 2).int().tolist() == expected


def test_training_rotary_equals_the_runtime() -> None:
    config = StudentConfig(dim=256, num_heads=4)
    positions = torch.arange(27).expand(2, -1)
    flags = torch.tensor([[0] * 6 + [1] * 21, [3, 4, 5, 6, 7, 8] + [9] * 21])
    expected = RotaryEmbedding(config).table(positions, flags, 5, 8)
    table = DeviceRotaryEmbedding(config).table(positions, flags, 5, 8)
    torch.testing.assert_close(table.cos, expected.cos, atol=1e-7, rtol=0)
    torch.testing.assert_close(table.sin, expected.sin, atol=1e-7, rtol=0)


def test_a_fresh_network_predicts_nothing() -> None:
    batch = make_batch()
    student = build_student(CONFIG, torch.device("cpu"))
    assert not _run(student, batch, batch.caption_index, batch.flags).any()
