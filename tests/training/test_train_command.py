# SPDX-License-Identifier: Apache-2.0
"""`shotstream train` end to end at toy size: the published form on real files, and mini from nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from published_clips import write_story, write_table
from safetensors.torch import load_file
from shotstream_runtime.model import Student
from shotstream_runtime.weights.load import load_model
from shotstream_training.checkpoint import load_stage
from shotstream_training.command import app
from shotstream_training.errors import TrainingError
from typer.testing import CliRunner
from weights.published_folder import STUDENT, TinyPublished


def train(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments), "--device", "cpu"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def changes(**values: Any) -> list[str]:
    return [
        part for name, value in values.items() for part in ("--set", f"{name.replace('__', '.')}={value}")
    ]


def record_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "stage.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, list[str | Path]]:
    """A tiny folder of published weights, a data set with a bad row, and the options that name them."""
    weights = TinyPublished().write(tmp_path / "weights")
    rows = [write_story(tmp_path, f"s{n}", lengths) for n, lengths in enumerate(((9,), (9, 13), (9, 5, 9)))]
    table = write_table(tmp_path / "clips.csv", [*rows, rows[1] | {"json_path": "gone.json"}])
    fields = {name: getattr(STUDENT, name) for name in ("dim", "ffn_dim", "freq_dim", "text_dim", "text_len")}
    fields |= {name: getattr(STUDENT, name) for name in ("num_heads", "num_layers")}
    options = changes(
        **{f"student__change__{name}": value for name, value in fields.items()},
        data__width=32,
        data__height=16,
        data__shortest_target=9,
        precision="float32",
        loop__log_s=0.001,
    )
    given: list[str | Path] = ["--preset", "published", "--model", weights, "--csv", table, *options]
    return weights, given


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_published_form_from_weights_to_a_merged_student(
    published: tuple[Path, list[str | Path]], tmp_path: Path
) -> None:
    weights, given = published
    out = tmp_path / "runs"
    small = changes(
        teacher_stage__batch=2,
        teacher_stage__micro_batch=1,
        teacher_stage__optimizer__rate=0.01,
        teacher_stage__sample_steps=2,
        data__held_out=tmp_path / "clips.csv",
    )
    start = weights / "shotstream_merged.pt"
    told = train("teacher", "--out", out / "teacher", "--start", start, "--steps", "3", *small, *given)
    assert "skipped row 5, json_path='gone.json'" in told
    assert "loss" in told
    groups, record = load_stage(out / "teacher")
    assert record["rounds"] == 3
    assert record["rows_skipped"] == 1
    before = {k.removeprefix("model."): v for k, v in torch.load(start)["generator"].items()}
    moved = {name for name, value in groups["student"].items() if not value.equal(before[name])}
    assert moved
    assert all(".self_attn." in name for name in moved)
    assert (out / "teacher" / "curves.png").stat().st_size > 1000
    assert (out / "teacher" / "sheet.png").stat().st_size > 1000

    small = changes(
        causal_init__batch=2,
        causal_init__optimizer__rate=0.001,
        causal_init__trajectories="{pairs: 3, steps: 2, kept: [0, 1], guidance: 6.0}",
    )
    teacher = out / "teacher"
    train("causal-init", "--out", out / "ci", "--teacher", teacher, "--steps", "2", *small, *given)
    assert len(list((out / "ci" / "trajectories").glob("*.safetensors"))) == 3

    small = changes(forcing__batch=1, forcing__critic_updates=1, forcing__generator__rate=0.001)
    scores = ["--teacher", teacher, "--steps", "2", *small]
    train("intra", "--out", out / "intra", "--start", out / "ci", *scores, *given)
    lora = changes(forcing__lora__rank=2, forcing__shots=2)
    train("inter", "--out", out / "inter", "--start", out / "intra", *scores, *lora, *given)
    groups, record = load_stage(out / "inter")
    student = Student(STUDENT)
    student.load_state_dict(groups["student"])
    intra = load_stage(out / "intra")[0]["student"]
    changed = {name for name, value in intra.items() if not value.equal(groups["student"][name])}
    # Adapters sit on the linear layers of the blocks; merged, they change those and nothing else.
    assert changed
    assert all(name.startswith("blocks.") and name.endswith(".weight") for name in changed)
    assert not any("lora" in name for name in groups["student"])
    adapters = load_file(out / "inter" / "resume" / "weights-student.safetensors")
    assert all(".lora_" in name for name in adapters)
    # Beside the published autoencoder and text encoder it is a model that the runtime loads.
    CliRunner().invoke(app, ["export", "--student", str(out / "inter"), "--out", str(weights)])
    start.unlink()
    loaded = load_model(weights).student.state_dict()
    for name, value in groups["student"].items():
        torch.testing.assert_close(loaded[name], value, atol=1e-2, rtol=1e-2)
    curves = record["curves"]
    assert any(value is not None for value in curves["matching"])
    assert any(value is not None for value in curves["critic"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_is_extended_and_guarded(published: tuple[Path, list[str | Path]], tmp_path: Path) -> None:
    weights, given = published
    out = tmp_path / "teacher"
    common = ["teacher", "--out", out, "--start", weights / "shotstream_merged.pt", *given]
    small = changes(teacher_stage__batch=2, teacher_stage__micro_batch=1)
    train(*common, *small, "--steps", "2")
    told = train(*common, *small, "--steps", "4")
    assert "goes on after 2 rounds" in told
    assert record_of(out)["rounds"] == 4
    assert record_of(out)["curves"]["step"][-1] == 4
    with pytest.raises(TrainingError, match=r"teacher_stage\.batch=2, now 1; give the same settings"):
        train(*common, *changes(teacher_stage__batch=1), "--steps", "5")
    with pytest.raises(TrainingError, match="micro_batch=3 must divide the 4 samples"):
        train(
            *common[:1],
            "--out",
            tmp_path / "odd",
            *common[3:],
            *changes(teacher_stage__batch=4, teacher_stage__micro_batch=3),
            "--steps",
            "1",
        )
    other = changes(student__change__num_layers=3)
    with pytest.raises(TrainingError, match=r"weights lack 'blocks\.2"):
        train(*common[:1], "--out", tmp_path / "other", *common[3:], *other, "--steps", "1")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"model\.folder is missing: .*--model"):
        train("teacher", "--preset", "published", "--csv", "x.csv", "--out", tmp_path)
    with pytest.raises(TrainingError, match=r"model\.vae: .* holds no finished stage and no model"):
        train("teacher", "--vae", tmp_path, "--out", tmp_path / "t", "--set", "data.stories=1")
    with pytest.raises(TrainingError, match="either --steps or --minutes"):
        train("teacher", "--vae", tmp_path, "--out", tmp_path / "t", "--steps", "1", "--minutes", "1")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_mini_from_nothing_to_an_evaluated_model(tmp_path: Path) -> None:
    small = changes(
        student__base="tiny",
        data__stories=2,
        data__first_stories=2,
        data__shot_counts="[2]",
        vae__base_dim=8,
        vae__batch_scale=0.05,
        teacher_stage__batch=2,
        teacher_stage__sample_steps=2,
        causal_init__batch=2,
        forcing__batch=2,
        forcing__shots=2,
    )
    command = ["all", "--out", tmp_path, "--minutes", "1.2", "--stories", "1", *small]
    told = train(*command)
    assert "| present |" in told
    for stage in ("vae", "teacher", "causal-init", "intra", "inter"):
        assert (tmp_path / stage / "curves.png").stat().st_size > 1000, stage
    for stage in ("teacher", "causal-init", "intra", "inter"):
        groups, record = load_stage(tmp_path / stage)
        assert record["stage"] == stage
        assert {"student", "text"} <= set(groups)
        assert (tmp_path / stage / "sheet.png").stat().st_size > 10_000
    # The text side learns with the teacher and stays as it is from there on.
    texts = [load_stage(tmp_path / stage)[0]["text"] for stage in ("teacher", "inter")]
    assert all(texts[0][name].equal(texts[1][name]) for name in texts[0])
    assert load_model(tmp_path / "model").student.config.dim == 64
    assert (tmp_path / "evaluation" / "evaluation.json").is_file()
    # Finished stages are not run again.
    assert train(*command, "--stories", "0").count("is finished") == 5


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_shipped_mini_is_trained_on_by_three_commands(tmp_path: Path) -> None:
    few = changes(
        data__stories=3,
        data__first_stories=1,
        data__new_story_every=4,
        data__openings="{stories: 3, first_stories: 2, new_story_every: 2}",
    )
    parts = "[{share: 0.4, chunks: 1, openings: true}, {share: 0.3, chunks: 2}, {share: 0.3, batch: 1}]"
    init, matching = (
        changes(**{f"{section}__parts": parts, f"{section}__batch": 2})
        for section in ("causal_init", "forcing")
    )
    refined, matched, model = (tmp_path / name for name in ("refined", "matched", "model"))
    start = ["causal-init", "--preset", "refine", "--start", "mini", "--vae", "mini", *init, *few]
    train(*start, "--out", refined, "--steps", "4")
    # Stopped in between, it ends where it would have ended.
    constant = ["--set", "loop.rate_schedule={kind: constant}"]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(*start, *constant, "--out", whole, "--steps", "3")
    train(*start, *constant, "--out", stopped, "--steps", "2")
    assert "goes on after 2 rounds" in train(*start, *constant, "--out", stopped, "--steps", "3")
    (one, record), (other, _) = load_stage(whole), load_stage(stopped)
    for group in ("student", "text"):
        for name, value in one[group].items():
            assert value.equal(other[group][name]), (group, name)
    assert {key for key in record["curves"] if key.startswith("loss_")} <= {"loss_3", "loss_6"}

    again = ["--start", refined, "--teacher", refined, "--vae", "mini", "--steps", "2"]
    train("intra", "--preset", "refine", *again, *matching, *few, "--out", matched)
    shipped = load_model("mini")
    before, between, after = shipped.text.inner.state_dict(), load_stage(refined)[0], load_stage(matched)[0]
    assert any(not before[name].equal(value) for name, value in between["text"].items())
    # Matching leaves the text side as it found it.
    assert all(value.equal(after["text"][name]) for name, value in between["text"].items())
    assert any(not value.equal(after["student"][name]) for name, value in between["student"].items())
    done = CliRunner().invoke(
        app,
        ["export", "--student", str(matched), "--vae", "mini", "--out", str(model)],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    found, kept = load_model(model).video.vae.state_dict(), shipped.video.vae.state_dict()
    assert all(value.equal(found[name]) for name, value in kept.items())
