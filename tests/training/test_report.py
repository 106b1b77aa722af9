# SPDX-License-Identifier: Apache-2.0
"""The pages of measures: they tell what the committed figures say, and bad folders are named."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from shotstream_training.command import app
from shotstream_training.errors import TrainingError
from shotstream_training.report import QUALITY, TRAINING, regions, take_over, write_pages
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"


def test_the_pages_tell_the_committed_figures(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for page in (ROOT / "docs").glob("*.md"):
        shutil.copyfile(page, docs / page.name)
    written = write_pages(docs, regions(RESULTS))
    assert {page.name for page in written} == {"mini.md", "ablations.md"}
    for page in written:
        assert page.read_text(encoding="utf-8") == (ROOT / "docs" / page.name).read_text(encoding="utf-8"), (
            "run: shotstream train report"
        )


def story(error: float, **more: list[float]) -> dict[str, Any]:
    shares = ("present", "hue_kept", "setting")
    return {name: [1.0] * 10 for name in shares} | {"shot_error": [error] * 9 + [2 * error]} | more


def evaluation(folder: Path) -> Path:
    """What an evaluation leaves, small enough to be told by hand."""
    folder.mkdir()
    on = {"date": "2026-01-02", "processor": "P", "cores": 2, "system": "S", "python": "3", "torch": "2"}
    followed = {"redirected": [1.0, 0.0], "redirected to jump": [1.0, 0.0]}
    sets = {
        "stories": {"mini": [{"present": [1.0, 0.0]}, {"present": [1.0, 1.0]}]},
        "redirected": {"mini": [followed, followed]},
        "long": {"rendered": [story(0.0)] * 3, "mini": [story(2.0), story(4.0), story(6.0)]},
    }
    record = {"made_on": on, "sets": {name: {"measures": columns} for name, columns in sets.items()}}
    (folder / "evaluation.json").write_text(json.dumps(record), encoding="utf-8")
    for name in ("stories", "redirected"):
        Image.new("RGB", (4, 4)).save(folder / f"sheet_{name}.png")
    return folder


def test_new_figures_reach_the_page_by_one_command(tmp_path: Path) -> None:
    docs, results = tmp_path / "docs", tmp_path / "results"
    docs.mkdir()
    results.mkdir()
    shutil.copyfile(RESULTS / TRAINING, results / TRAINING)
    names = ("made", "quality", "targets", "redirected", "drift")
    marks = "".join(f"<!-- {name} -->\nold\n<!-- end {name} -->\nstays\n" for name in names)
    (docs / "mini.md").write_text(marks, encoding="utf-8")
    command = ["report", "--evaluation", evaluation(tmp_path / "e"), "--docs", docs, "--results", results]
    result = CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    text = (docs / "mini.md").read_text(encoding="utf-8")
    assert "old" not in text
    assert text.count("stays") == 5
    assert "in which the character is present | at least 0.97 | 0.750 [0.500, 1.000] | 0.220 |" in text
    assert "over the second's | at most 1.5 | 2.00 [2.00, 2.00] | 0.50 |" in text
    assert "Made on 2026-01-02: P, 2 cores usable" in text
    assert "| present | 0.750 [" in text
    assert "| redirected to jump (4) | 0.500 [" in text
    # Every story's tenth shot is twice as far off as its second.
    assert "is 2.00 [2.00, 2.00] times the second's, 4.0 [" in text
    for name in ("mini_evaluation.png", "mini_redirected.png", "mini_curves.png"):
        assert (docs / "images" / name).is_file()


def test_folders_without_figures_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"--evaluation: .*evaluation\.json is missing"):
        take_over(tmp_path, tmp_path, tmp_path, None)
    with pytest.raises(TrainingError, match=r"--study: .* holds no results yet"):
        take_over(tmp_path, tmp_path, None, tmp_path)
    shutil.copyfile(evaluation(tmp_path / "e") / "evaluation.json", tmp_path / QUALITY)
    with pytest.raises(TrainingError, match="put '<!-- made -->' and '<!-- end made -->'"):
        write_pages(tmp_path, regions(tmp_path))
