# SPDX-License-Identifier: Apache-2.0
"""What a pass over the cache must not do: join or copy keys and values, or make the host wait for a value."""

from __future__ import annotations

import pytest
import torch
from operations import WAITS, Operations
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.weights.load import LoadedModel


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["denoise", "refresh"])
def test_a_pass_neither_joins_nor_copies_nor_waits(tiny_model: LoadedModel, kind: str) -> None:
    student = tiny_model.student
    config = student.config
    session = EagerEngine(student).open_session(8, 12)
    caption = session.prepare_caption(torch.randn(config.text_len, config.text_dim))
    chunk = torch.randn(1, config.frames_per_chunk, config.in_dim, 8, 12)
    for number in range(3):
        first = number * config.frames_per_chunk
        with Operations() as operations:
            if kind == "denoise":
                session.denoise(
                    chunk, lambda _: torch.zeros_like(chunk), first_frame=first, shot_flag=1, caption=caption
                )
            else:
                session.refresh(chunk, first_frame=first, shot_flag=1, caption=caption)
        assert operations.counts["aten.linear.default"] + operations.counts["aten.addmm.default"] > 0
        assert operations.counts["aten.clone.default"] == 0
        assert [name for name in WAITS if operations.counts[name]] == []
        # Once a chunk the rotations' table is put together, and at first the features of the times.
        joined = operations.shapes.get("aten.cat.default", [])
        table = (1, config.frames_per_chunk, 4, 6, config.head_dim // 2)
        assert joined.count(table) <= 2
        assert {shape for shape in joined if shape != table} <= {
            (1, config.frames_per_chunk, config.freq_dim)
        }
        assert number == 0 or len(joined) == 2
