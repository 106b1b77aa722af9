# SPDX-License-Identifier: Apache-2.0
"""A stage that is stopped and goes on ends where one that was never stopped ends, bit for bit."""

import json
from pathlib import Path

import pytest
from latent_source import CPU
from shotstream_training.stages.loop import rate_factor
from shotstream_training.stages.resume import Progress, load_progress, save_progress
from shotstream_training.stages.settings import RateSchedule
from small_stages import BUILDERS, Built, loop
from torch import Tensor

ROUNDS = 4


def everything(built: Built) -> dict[str, Tensor]:
    _, kept = built
    return {f"{group}/{name}": t for group, tensors in kept.tensors().items() for name, t in tensors.items()}


@pytest.mark.parametrize("name", BUILDERS)
def test_resume_equals_uninterrupted(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = BUILDERS[name]
    whole = build(tmp_path, CPU, 0)
    uninterrupted = loop(whole, tmp_path / "whole", ROUNDS)
    uninterrupted.run()

    first = loop(build(tmp_path, CPU, 0), tmp_path / "parts", ROUNDS)
    first.run(stop=lambda: first.rounds == 3)
    assert first.rounds == 3
    again = build(tmp_path, CPU, 0)
    second = loop(again, tmp_path / "parts", ROUNDS)
    assert second.resume()
    assert second.rounds == 3
    assert second.fraction == 0.75
    second.run()

    expected, found = everything(whole), everything(again)
    assert any(key.startswith("optimizer") for key in expected)
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        assert value.equal(found[key]), key
    assert whole[0].source.position == again[0].source.position
    # Curves go on where they were.
    steps = [row["step"] for row in second.curves.rows]
    assert steps == [3.0, 4.0]
    # Told to a hundredth of a second, which may be a round of such small networks.
    assert second.curves.rows[1]["seconds"] >= second.curves.rows[0]["seconds"]
    assert "100.0 %" in capsys.readouterr().out


def test_the_state_moved_at_all(tmp_path: Path) -> None:
    """Else equality above would mean nothing."""
    for name, build in BUILDERS.items():
        built = build(tmp_path / name, CPU, 0)
        before = everything(built)
        loop(built, tmp_path / name, 2).run()
        after = everything(built)
        assert any(not before[key].equal(after[key]) for key in before), name


def test_other_settings_do_not_go_on(tmp_path: Path) -> None:
    progress = Progress(1, 4, 2.0, {"optimizer": {"rate": 0.1}, "batch": 4})
    save_progress(tmp_path, progress, {})
    with pytest.raises(ValueError, match=r"optimizer\.rate=0\.1, now 0\.2"):
        load_progress(tmp_path, {"optimizer": {"rate": 0.2}, "batch": 4})


def test_a_torn_save_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    save_progress(tmp_path, Progress(1, 4, 2.0, {}), {})
    # Stopped while writing the next one, and between the two renames.
    (tmp_path / "resume.part").mkdir()
    (tmp_path / "resume").rename(tmp_path / "resume.old")
    found = load_progress(tmp_path, {})
    assert found is not None
    assert found[0].rounds == 1
    save_progress(tmp_path, Progress(2, 8, 3.0, {}), {})
    assert json.loads((tmp_path / "resume" / "state.json").read_text())["rounds"] == 2
    assert not (tmp_path / "resume.old").exists()


def test_nothing_to_resume(tmp_path: Path) -> None:
    assert load_progress(tmp_path, {}) is None


def test_learning_rate_follows_the_budget() -> None:
    constant = RateSchedule(warmup=0.1)
    assert [rate_factor(constant, part) for part in (0.0, 0.05, 0.1, 1.0)] == [0.001, 0.5, 1.0, 1.0]
    assert rate_factor(RateSchedule(), 0.0) == 1.0
    linear = RateSchedule(kind="linear", warmup=0.1, hold=0.5, floor=0.2)
    assert [round(rate_factor(linear, part), 6) for part in (0.05, 0.3, 0.75, 1.0)] == [0.5, 1.0, 0.6, 0.2]
