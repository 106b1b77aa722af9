# SPDX-License-Identifier: Apache-2.0
"""What must not change results: activation checkpointing; and what may change them a little: bfloat16."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from latent_source import CPU, LatentSource, small_student
from shotstream_training.distillation.matching import predict_flow
from shotstream_training.stages.network import TrainedNetwork
from small_stages import BUILDERS


def test_checkpointing_changes_memory_only() -> None:
    batch = LatentSource().samples([0, 1])
    time = torch.tensor([300.0, 700.0])
    gradients = []
    calls: list[int] = []
    for checkpointing in (False, True):
        student = small_student(1)
        inner = student.blocks[0].self_attn
        inner.register_forward_hook(lambda *_, c=checkpointing: calls.append(c))
        network = TrainedNetwork(student, CPU, checkpointing=checkpointing)
        network(lambda s: predict_flow(s, batch, batch.target, time)).square().mean().backward()
        gradients.append({name: p.grad for name, p in student.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=0, rtol=0, msg=name)
    # Computed once, and with checkpointing once more in the backward pass.
    assert [calls.count(kind) for kind in (False, True)] == [1, 2]


@pytest.mark.parametrize("name", BUILDERS)
def test_bfloat16_follows_float32(name: str, tmp_path: Path) -> None:
    values = []
    for number, low in enumerate((False, True)):
        stage, kept = BUILDERS[name](tmp_path / str(number), replace(CPU, bfloat16=low), 2)
        values.append([{k: float(v) for k, v in stage.round(n, 1.0).items()} for n in range(2)])
        assert all(t.dtype != torch.bfloat16 for group in kept.tensors().values() for t in group.values())
    for exact, low in zip(*values, strict=True):
        for key, value in exact.items():
            assert low[key] == pytest.approx(value, rel=0.1, abs=0.02), key
    assert values[0] != values[1]
