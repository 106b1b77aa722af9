# SPDX-License-Identifier: Apache-2.0
"""What all engines do with captions before a pass."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from shotstream_runtime.model import CaptionKeys, CaptionRun, Student, StudentConfig


def batch_caption(student: Student, embeds: Tensor, batch: int) -> CaptionKeys:
    """Cross-attention keys of one caption ``[text_len, text_dim]``, shared by the rows of a batch.

    Raises:
        ValueError: If the features do not have the student's text shape.
    """
    keys = student.embed_captions(embeds[None].to(student.device, student.dtype))
    if batch == 1:
        return keys
    return CaptionKeys(
        tuple((k.expand(batch, -1, -1, -1), v.expand(batch, -1, -1, -1)) for k, v in keys.layers)
    )


def check_context(
    config: StudentConfig, latents: Tensor, shot_flags: Sequence[int], captions: Sequence[CaptionKeys]
) -> None:
    """Makes sure that a context pass gets what it needs.

    Raises:
        ValueError: If the numbers of latents, flags and captions differ from the student's context.
    """
    frames = config.max_context_frames
    if not latents.shape[1] == len(shot_flags) == len(captions) == frames:
        raise ValueError(
            f"context has {latents.shape[1]} latents, {len(shot_flags)} flags and {len(captions)} "
            f"captions; this student takes {frames} of each"
        )


def caption_runs(captions: Sequence[CaptionKeys]) -> tuple[CaptionRun, ...]:
    """Groups neighbouring frames with the same caption, so that each group is one attention call."""
    runs: list[CaptionRun] = []
    for frame, caption in enumerate(captions):
        if runs and runs[-1].caption is caption:
            runs[-1] = CaptionRun(runs[-1].start, frame + 1, caption)
        else:
            runs.append(CaptionRun(frame, frame + 1, caption))
    return tuple(runs)
