# SPDX-License-Identifier: Apache-2.0
"""Configurations: presets as specified, and errors that say what to change."""

from pathlib import Path

import pytest
from shotstream_runtime.model import StudentConfig
from shotstream_training.errors import TrainingError
from shotstream_training.networks import MINI_STUDENT
from shotstream_training.stages.run_config import PRESETS, STAGES, RunConfig, preset, read_config
from shotstream_training.stages.whole_run import plan_all


def load(stage: str, name: str, *changes: str) -> RunConfig:
    return read_config(preset(stage, name), changes)


PARTIAL = {"refine": ("causal-init", "intra"), "sharpen": ("teacher", "intra")}
"""Presets that train a finished model on: they have some stages only."""


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("stage", STAGES)
def test_every_preset_is_valid(stage: str, name: str) -> None:
    if (stage, name) == ("vae", "published"):
        with pytest.raises(TrainingError, match="trains none"):
            preset(stage, name)
        return
    if stage not in PARTIAL.get(name, STAGES):
        with pytest.raises(TrainingError, match=f"has no stage .*; it trains {', '.join(PARTIAL[name])}"):
            preset(stage, name)
        return
    run = load(stage, name)
    assert run.stage == stage
    assert run.student.build() == (StudentConfig() if name == "published" else MINI_STUDENT)


def test_published_numbers() -> None:
    teacher, causal = load("teacher", "published"), load("causal-init", "published")
    intra, inter = load("intra", "published"), load("inter", "published")
    s1, s21, s221, s222 = teacher.teacher_stage, causal.causal_init, intra.forcing, inter.forcing
    assert s1 is not None
    assert s21 is not None
    assert s21.trajectories is not None
    assert s221 is not None
    assert s222 is not None
    assert (teacher.loop.budget.steps, s1.batch, s1.optimizer.rate, s1.optimizer.clip) == (
        10_000,
        64,
        1e-5,
        10,
    )
    assert (s1.drop_context, s1.drop_text, s1.weighting, s1.trained) == (0.1, 0.1, "bell", "self_attention")
    assert (causal.loop.budget.steps, s21.batch, s21.optimizer.rate, s21.optimizer.clip) == (
        2000,
        64,
        1e-6,
        1,
    )
    trajectories = s21.trajectories
    assert (trajectories.pairs, trajectories.steps, trajectories.guidance) == (5000, 50, 6)
    assert trajectories.kept == (0, 13, 25, 37)
    assert (s21.method, s21.drop_text) == ("regression", 0.1)
    for stage in (s221, s222):
        assert (stage.batch, stage.generator.rate, stage.critic.rate) == (32, 2e-6, 4e-7)
        assert (stage.generator.clip, stage.critic.clip, stage.critic_updates, stage.guidance) == (
            1,
            10,
            5,
            3,
        )
        assert stage.average == 0
    assert s221.lora is None
    assert s222.lora is not None
    assert (s222.lora.rank, s222.shots, inter.loop.budget.steps) == (256, 5, 1000)
    for run in (teacher, causal, intra, inter):
        assert run.checkpointing
        assert run.precision == "bfloat16"
        assert run.negative_prompt


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("loop.budgt=3", "loop.budgt: unknown field"),
        ("teacher_stage.batch=0", r"teacher_stage.batch: .*greater than or equal to 1 \(given: 0\)"),
        ("teacher_stage.weighting=bel", "teacher_stage.weighting: .*'bell' or 'none'"),
        ("student.change.dims=4", "student.change: unknown field 'dims'; known are .*dim"),
        ("student.change.dim=30", "dim=30 must be a multiple of num_heads=4"),
        ("loop.budget.steps=5", "loop.budget: give either steps or minutes"),
        ("loop.budget=", "loop.budget"),
        ("forcing.batch=3", "forcing"),
        ("teacher_stage.optimizer.kind=adamw", "other_rate must be given with kind: muon"),
        ("data.kind=film", "data: .*'film'"),
        ("batch", "expected FIELD=VALUE"),
    ],
)
def test_errors_name_field_value_and_fix(change: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        load("teacher", "mini", change)


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read as YAML"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n", encoding="utf-8")
    with pytest.raises(TrainingError, match="expected fields"):
        read_config(tmp_path / "list.yaml")
    (tmp_path / "torn.yaml").write_text("a: [1\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"torn\.yaml: cannot be read"):
        read_config(tmp_path / "torn.yaml")
    with pytest.raises(TrainingError, match="--preset large: presets are mini, published, refine, sharpen"):
        preset("teacher", "large")


def test_section_of_another_stage_has_no_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "stage: intra\nstudent: {base: mini}\nloop: {budget: {steps: 1}}\n", encoding="utf-8"
    )
    with pytest.raises(TrainingError, match="section 'forcing' is missing in a run of stage 'intra'"):
        read_config(tmp_path / "a.yaml")


def test_regression_is_a_switch_of_the_mini_preset() -> None:
    run = load("causal-init", "mini", "causal_init.method=regression")
    assert run.causal_init is not None
    assert run.causal_init.method == "regression"
    assert run.causal_init.trajectories is not None


def test_a_run_may_be_extended_but_not_changed() -> None:
    run = load("teacher", "mini")
    assert load("teacher", "mini", "loop.budget={minutes: 99}").record() == run.record()
    assert load("teacher", "mini", "teacher_stage.batch=12").record() != run.record()


def test_all_stages_are_wired_to_one_another(tmp_path: Path) -> None:
    plans = plan_all(
        "mini",
        tmp_path,
        start=None,
        given={"seed": 3, "data.workers": 2},
        changes=["loop.log_s=1", "forcing.batch=8"],
        minutes=40.0,
        skip=["intra"],
    )
    assert list(plans) == ["vae", "teacher", "causal-init", "inter"]
    assert plans["teacher"].start is None
    assert plans["causal-init"].start == plans["inter"].teacher == tmp_path / "teacher"
    assert plans["inter"].start == tmp_path / "causal-init"
    assert all(getattr(plans[stage].model, "vae", None) == tmp_path / "vae" for stage in list(plans)[1:])
    assert all(run.seed == 3 and run.loop.log_s == 1 for run in plans.values())
    assert plans["inter"].forcing is not None
    assert plans["inter"].forcing.batch == 8
    assert sum(run.loop.budget.minutes or 0 for run in plans.values()) == pytest.approx(40)
    with pytest.raises(TrainingError, match="only vae, intra and inter"):
        plan_all("mini", tmp_path, start=None, given={}, changes=[], minutes=None, skip=["teacher"])


def test_published_stages_are_wired_too(tmp_path: Path) -> None:
    given = {"model.folder": "weights", "model.kind": "published", "data.csv": "a.csv", "data.kind": "clips"}
    plans = plan_all(
        "published", tmp_path, start=Path("wan.safetensors"), given=given, changes=[], minutes=None, skip=[]
    )
    assert list(plans) == ["teacher", "causal-init", "intra", "inter"]
    assert plans["teacher"].start == Path("wan.safetensors")
    assert plans["inter"].start == tmp_path / "intra"
