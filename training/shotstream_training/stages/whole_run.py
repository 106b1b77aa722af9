# SPDX-License-Identifier: Apache-2.0
"""All stages in a row, each starting where the one before has ended, and what is made of the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shotstream_runtime.weights.load import load_model

from shotstream_training.errors import TrainingError
from shotstream_training.evaluate import StorySet, evaluate
from shotstream_training.export import export_model
from shotstream_training.stages.place import Place
from shotstream_training.stages.run_config import STAGES, RunConfig, concerns, preset, read_config
from shotstream_training.stages.run_stage import finished_alike, run_stage, stop_on_signal

PRECISIONS = {"auto": None, "float32": False, "bfloat16": True}
"""Arguments of `Place.open` by name of the precision."""


def plan_all(
    name: str,
    out: Path,
    *,
    start: Path | None,
    given: Mapping[str, Any],
    changes: Sequence[str],
    minutes: float | None,
    skip: Sequence[str],
) -> dict[str, RunConfig]:
    """The configurations of all stages, wired to one another.

    Args:
        name: The preset.
        out: Folder for all stages; each gets a subfolder.
        start: What the teacher starts from.
        given: Changes by dotted name; those that a stage does not have are left out.
        changes: ``a.b=value`` each; those of another stage's section are left out.
        minutes: Clock time for all, shared in proportion to the preset's minutes.
        skip: Stages to leave out.

    Raises:
        TrainingError: If a stage is unknown, or the teacher or the causal initialisation is left out.
    """
    unknown = [stage for stage in skip if stage not in ("vae", "intra", "inter")]
    if unknown:
        raise TrainingError(f"--skip {unknown[0]}: only vae, intra and inter can be left out")
    trains_vae = name == "mini" and not given.get("model.vae")
    stages = [stage for stage in STAGES if stage not in skip and (stage != "vae" or trains_vae)]
    total = sum(read_config(preset(s, name)).loop.budget.minutes or 0.0 for s in stages)
    plans: dict[str, RunConfig] = {}
    before: Path | None = start
    for stage in stages:
        file = preset(stage, name)
        content = read_config(file)
        own = dict(given)
        if stage == "vae":
            own = {key: value for key, value in own.items() if key in ("seed", "data.workers")}
        else:
            own["start"] = str(before) if before is not None else None
            if name == "mini" and not own.get("model.vae"):
                own["model.vae"] = str(out / "vae")
            if stage != "teacher":
                own["teacher"] = str(out / "teacher")
        if minutes is not None:
            part = content.loop.budget.minutes
            if part is None:
                raise TrainingError(f"--minutes: preset {name!r} counts steps; set them stage by stage")
            own["loop.budget"] = {"minutes": minutes * part / total}
        plans[stage] = read_config(file, [c for c in changes if concerns(c, stage)], own)
        if stage != "vae":
            before = out / stage
    return plans


def run_all(
    name: str,
    out: Path,
    *,
    start: Path | None,
    given: Mapping[str, Any],
    changes: Sequence[str],
    minutes: float | None,
    skip: Sequence[str],
    device: str | None,
    stories: int,
) -> None:
    """Runs what `plan_all` plans; stages that are finished with the same configuration are not run again.

    Args:
        name, out, start, given, changes, minutes, skip: See `plan_all`.
        device: Where; see `Place.open`.
        stories: Held-out stories of the evaluation of mini; 0 leaves it out.
    """
    plans = plan_all(name, out, start=start, given=given, changes=changes, minutes=minutes, skip=skip)
    precision = next(iter(plans.values())).precision
    with Place.open(device, bfloat16=PRECISIONS[precision]) as place, stop_on_signal() as stop:
        for stage, run in plans.items():
            if finished_alike(run, out / stage):
                if place.leads:
                    print(f"{stage}: is finished", flush=True)
                continue
            if not run_stage(run, out / stage, place, stop):
                if place.leads:
                    print(f"{stage}: stopped; the same command goes on", flush=True)
                return
        if place.leads and name == "mini":
            _finish_mini(plans, out, stories)


def _finish_mini(plans: Mapping[str, RunConfig], out: Path, stories: int) -> None:
    last = out / list(plans)[-1]
    size = export_model(
        vae=Path(str(getattr(plans["teacher"].model, "vae", None))),
        student=last,
        out=out / "model",
    )
    print(f"{out / 'model'}: {size / 1e6:.1f} MB", flush=True)
    if stories:
        data = plans["teacher"].data
        kind = StorySet(
            stories,
            shots=5,
            two_characters=getattr(data, "two_characters", 0.4),
            moving_camera=getattr(data, "moving_camera", 0.4),
            fixed_staging=getattr(data, "fixed_staging", False),
        )
        evaluate(load_model(out / "model"), {"stories": kind}, seed=0, out=out / "evaluation")
        print((out / "evaluation" / "evaluation.md").read_text(encoding="utf-8"), flush=True)
