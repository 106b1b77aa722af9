# SPDX-License-Identifier: Apache-2.0
"""What every self-forcing trainer does after a loss: a bounded step, a running average, a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.checkpoint import save_stage
from shotstream_training.curves import Curves
from shotstream_training.distillation.causal_init import save_rollout_sheet
from shotstream_training.workshop import Workshop


def apply_gradient(loss: Tensor, optimizer: torch.optim.Optimizer, rate: float, limit: float) -> Tensor:
    """One optimiser step at a learning rate; returns the gradient's norm before it was cut to the limit."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return norm


@torch.no_grad()
def follow(average: Student, student: Student, decay: float, updates: int) -> None:
    """Moves a running average towards the student after ``updates`` earlier moves."""
    # The average forgets faster in the first updates, or it would remember the start for ever.
    decay = min(decay, (1 + updates) / (10 + updates))
    torch._foreach_lerp_(list(average.parameters()), list(student.parameters()), 1.0 - decay)


def save_average(
    average: Student, workshop: Workshop, curves: Curves, out: Path, record: Mapping[str, Any]
) -> None:
    """Writes the averaged student with the text side, the record with its curves, and a sheet of rollouts."""
    curves.flush()
    full = {"student_config": average.config.to_dict(), **record, "curves": curves.record()}
    save_stage(out, {"student": average.state_dict(), "text": workshop.text.state_dict()}, full)
    save_rollout_sheet(average, workshop, out, curves)
