# SPDX-License-Identifier: Apache-2.0
"""What the study of ablations trains and measures, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from shotstream_training.stages.run_config import RunConfig, concerns, preset, read_config

PRESET = "study"

StageName = Literal["teacher", "causal-init", "intra", "inter"]


@dataclass(frozen=True)
class Training:
    """One run of one stage.

    Attributes:
        name: Names its folder.
        stage: Which stage.
        start: The training whose weights it starts from; none: the model that the study starts from.
        teacher: The training of its teacher; none: it is a teacher itself, and all seeds share it.
        changes: Fields of its configuration by dotted name: what it leaves out.
    """

    name: str
    stage: StageName
    start: str | None = None
    teacher: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """A student that is played on held-out stories and measured.

    Attributes:
        name: Of the row in the table.
        training: Whose student; it is played with whatever its training left out.
        title: What it is, for readers.
        compare: The row that it is compared with; none: the reference.
    """

    name: str
    training: str
    title: str
    compare: str | None = None


@dataclass(frozen=True)
class Branch:
    """Trainings in order, and the trials that they make possible."""

    trainings: tuple[Training, ...]
    trials: tuple[Trial, ...]


_NO_CACHE = {"ablation.no_global_cache": True}
_ONE_CAPTION = {"ablation.target_caption_only": True}
_TWO = {"data.two_characters": 1.0}
_NO_PHASE = {"student.change": {"shot_phase_rad": 0.0}}
_REGRESSION = {"causal_init.method": "regression"}


def _first_stage(name: str, changes: Mapping[str, Any], teacher: str = "teacher") -> tuple[Training, ...]:
    return (
        Training(f"{name}-init", "causal-init", teacher, teacher, changes),
        Training(f"{name}-intra", "intra", f"{name}-init", teacher, changes),
    )


def _both_stages(name: str, changes: Mapping[str, Any]) -> tuple[Training, ...]:
    second = Training(f"{name}-inter", "inter", f"{name}-intra", "teacher", changes)
    return (*_first_stage(name, changes), second)


BRANCHES: tuple[Branch, ...] = (
    Branch(
        (Training("teacher", "teacher"), *_both_stages("full", {})),
        (
            Trial("init", "full-init", "causal initialisation only", "full"),
            Trial("intra-only", "full-intra", "stage 1 (intra-shot) only", "full"),
            Trial("full", "full-inter", "full method"),
        ),
    ),
    Branch(
        _both_stages("no-cache", _NO_CACHE),
        (Trial("no-cache", "no-cache-inter", "no global cache", "full"),),
    ),
    Branch(
        (Training("inter-only", "inter", "full-init", "teacher"),),
        (Trial("inter-only", "inter-only", "stage 2 (inter-shot) only", "full"),),
    ),
    Branch(
        (
            Training("regression-init", "causal-init", "teacher", "teacher", _REGRESSION),
            Training("regression-intra", "intra", "regression-init", "teacher"),
        ),
        (
            Trial("regression-init", "regression-init", "regression, causal initialisation only", "init"),
            Trial("regression-intra", "regression-intra", "regression, then stage 1", "intra-only"),
        ),
    ),
    Branch(
        (
            Training("teacher-one-caption", "teacher", changes=_ONE_CAPTION),
            *_first_stage("one-caption", _ONE_CAPTION, "teacher-one-caption"),
        ),
        (Trial("one-caption", "one-caption-intra", "target caption for all frames, stage 1", "intra-only"),),
    ),
    Branch(
        _first_stage("two", _TWO),
        (Trial("two", "two-intra", "two characters, stage 1"),),
    ),
    Branch(
        (
            Training("teacher-no-phase", "teacher", changes=_NO_PHASE),
            *_first_stage("no-phase", _TWO | _NO_PHASE, "teacher-no-phase"),
        ),
        (Trial("no-phase", "no-phase-intra", "no RoPE phase, two characters, stage 1", "two"),),
    ),
)
"""The full method first: later rows of a seed are read against it. What stage 1 can show is measured there:
stage 2 costs about as much as all before it."""


def trials() -> tuple[Trial, ...]:
    """All trials in order."""
    return tuple(trial for branch in BRANCHES for trial in branch.trials)


def configuration(
    training: Training, *, seed: int, out: Path, vae: Path, changes: Sequence[str] = ()
) -> RunConfig:
    """The configuration of a training.

    Args:
        training: Which one.
        seed: Of the branch; teachers have seed 0.
        out: The study's folder.
        vae: The autoencoder's folder.
        changes: ``a.b=value`` each; those of another stage's section are left out.

    Raises:
        TrainingError: If a change names no field, or an impossible value.
    """
    file = preset(training.stage, PRESET)
    given: dict[str, Any] = {
        "seed": seed if training.teacher is not None else 0,
        "model.vae": str(vae),
        "start": str(start_folder(out, training, seed)),
    }
    if training.teacher is not None:
        given["teacher"] = str(out / training.teacher)
    wanted = [change for change in changes if concerns(change, training.stage)]
    return read_config(file, wanted, given | dict(training.changes))


def folder(out: Path, training: Training, seed: int) -> Path:
    """Where a training leaves its result."""
    return out / training.name if training.teacher is None else out / f"seed{seed}" / training.name


def start_folder(out: Path, training: Training, seed: int) -> Path:
    """Where a training finds what it starts from; for a teacher, the model in its own dimensions."""
    if training.start is None:
        return out / f"start-{training.name}"
    if training.start == training.teacher:
        return out / training.start
    return out / f"seed{seed}" / training.start
