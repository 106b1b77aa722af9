# SPDX-License-Identifier: Apache-2.0
"""What a stage leaves behind."""

from pathlib import Path

import pytest
import torch
from shotstream_training.checkpoint import load_stage, save_stage


def test_round_trip(tmp_path: Path) -> None:
    weights = {"a.weight": torch.randn(4, 3), "table": torch.arange(5, dtype=torch.int8)}
    save_stage(tmp_path / "stage", {"student": weights, "text": {"b": torch.ones(2)}}, {"steps": 7})
    groups, record = load_stage(tmp_path / "stage")
    made = record.pop("made_on")
    assert record == {"steps": 7}
    assert made["torch"] == torch.__version__
    assert made["date"] >= "2026"
    assert set(groups) == {"student", "text"}
    torch.testing.assert_close(groups["student"]["a.weight"], weights["a.weight"], atol=1e-3, rtol=1e-3)
    assert groups["student"]["a.weight"].dtype is torch.float32
    assert groups["student"]["table"].dtype is torch.int8


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_do_not_fit_are_refused_by_name(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="student/bad"):
        save_stage(tmp_path, {"student": {"bad": torch.tensor([value])}}, {})


def test_unfinished_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"stage\.json"):
        load_stage(tmp_path)
