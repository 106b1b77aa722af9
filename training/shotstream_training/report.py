# SPDX-License-Identifier: Apache-2.0
"""The pages of measures: their tables and pictures are written by one command, between marks in the text.

    shotstream train report --evaluation runs/evaluation --study runs/study

takes new figures over into the folder of results, and rewrites what stands between
``<!-- name -->`` and ``<!-- end name -->`` in a page of docs. Without new figures, pages are made from those
that are there.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shotstream_training.curves import Curves
from shotstream_training.errors import TrainingError
from shotstream_training.measures import RESAMPLES, Interval, Measures, difference, interval, summarise, table
from shotstream_training.sheets import CURVES_WIDTH, curve_picture
from shotstream_training.study.record import collect, difference_table, picture, trial_table
from shotstream_training.targets import target_table

QUALITY, ABLATIONS, TRAINING = "mini_quality.json", "mini_ablations.json", "mini_training.json"
FOURTH = "mini_fourth_round.json"
SHOWN_TRIALS = ("init", "intra-only", "inter-only", "full", "no-cache", "one-caption", "regression-intra")
TOLD_ONCE = ("present", "coat_error", "accessory_error", "later_coat", "later_accessory", "setting")
"""Measures of stories in which only the first shot says who it is."""

DRIFT_SHOTS = (1, 2, 4, 6, 8, 10)
SHEETS = {"sheet_stories.png": "mini_evaluation.png", "sheet_redirected.png": "mini_redirected.png"}
"""Pictures of an evaluation and their names beside the page."""


def take_over(results: Path, images: Path, evaluation: Path | None, study: Path | None) -> None:
    """Copies new figures and pictures to where the page is made from.

    Args:
        results: Folder of the figures.
        images: Folder of the page's pictures.
        evaluation: Folder of a finished evaluation.
        study: Folder of a study, which may still be running.

    Raises:
        TrainingError: If a folder holds no figures.
    """
    if evaluation is not None:
        record = evaluation / "evaluation.json"
        if not record.is_file():
            raise TrainingError(f"--evaluation: {record} is missing; run shotstream train evaluate first")
        shutil.copyfile(record, results / QUALITY)
        for sheet, name in SHEETS.items():
            if (evaluation / sheet).is_file():
                shutil.copyfile(evaluation / sheet, images / name)
    if study is not None:
        found = collect(study)
        if not found["rows"]:
            raise TrainingError(f"--study: {study} holds no results yet; run shotstream train study first")
        (results / ABLATIONS).write_text(json.dumps(found) + "\n", encoding="utf-8")
        picture(study, min(found["rows"][0]["seeds"]), SHOWN_TRIALS).save(images / "mini_ablations.png")
    if (results / TRAINING).is_file():
        _draw(_read(results / TRAINING)["curves"], images / "mini_curves.png")
    if (results / FOURTH).is_file():
        _draw(_read(results / FOURTH)["runs"]["teacher2"]["curves"], images / "mini_fourth_curves.png")


def _draw(columns: Mapping[str, Sequence[float | None]], out: Path) -> None:
    curves, names = Curves(), list(columns)
    curves.rows.extend(
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in zip(*columns.values(), strict=True)
    )
    Image.fromarray(curve_picture(curves, CURVES_WIDTH)).save(out)


def regions(results: Path) -> dict[str, str]:
    """What stands between the marks, by name, from the figures that are there."""
    found: dict[str, str] = {}
    if (results / QUALITY).is_file():
        record = _read(results / QUALITY)
        sets = {name: part["measures"] for name, part in record["sets"].items()}
        found["made"] = _made(record["made_on"])
        found["quality"] = _quality(sets["stories"])
        if "redirected" in sets:
            found["redirected"] = _redirected(sets["redirected"])
        if "told_once" in sets:
            found["told once"] = _quality(sets["told_once"], TOLD_ONCE)
        reached = summarise(_last(sets["stories"]))
        if "long" in sets:
            found["drift"] = _drift(sets["long"])
            reached["drift"] = _ratio(*_tenth_and_second(_last(sets["long"])))
        found["targets"] = target_table(reached)
    if (results / ABLATIONS).is_file():
        record = _read(results / ABLATIONS)
        found["ablations"] = f"{trial_table(record)}\n{_made(record['made_on'])}"
        found["differences"] = difference_table(record)
    return found


def write_pages(docs: Path, found: dict[str, str]) -> list[Path]:
    """Rewrites what stands between marks.

    Args:
        docs: Folder of the pages.
        found: New content by the name of its marks.

    Returns:
        The pages that have such marks.

    Raises:
        TrainingError: If no page has the marks of some content.
    """
    texts = {page: page.read_text(encoding="utf-8") for page in sorted(docs.glob("*.md"))}
    written = set()
    for name, content in found.items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        page = next((page for page, text in texts.items() if mark.search(text)), None)
        if page is None:
            raise TrainingError(f"{docs}: put '<!-- {name} -->' and '<!-- end {name} -->' where it belongs")
        texts[page] = mark.sub(partial(_between, content), texts[page])
        written.add(page)
    for page in written:
        page.write_text(texts[page], encoding="utf-8")
    return sorted(written)


def _between(content: str, marks: re.Match[str]) -> str:
    return f"{marks[1]}{content}{marks[2]}"


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _made(on: dict[str, Any]) -> str:
    cores = "1 core" if on["cores"] == 1 else f"{on['cores']} cores"
    return (
        f"Made on {on['date']}: {on['processor']}, {cores} usable, {on['system']}, "
        f"Python {on['python']}, torch {on['torch']}.\n"
    )


def _quality(columns: dict[str, Measures], wanted: Sequence[str] | None = None) -> str:
    """A table of some measures; by default all but those of redirections."""
    return table(
        {
            name: {
                m: found
                for m, found in summarise(stories).items()
                if (m in wanted if wanted is not None else not m.startswith("redirected"))
            }
            for name, stories in columns.items()
        }
    )


def _redirected(columns: dict[str, Measures]) -> str:
    summaries = {name: summarise(stories) for name, stories in columns.items()}
    wanted = sorted(m for m in next(iter(summaries.values())) if m.startswith("redirected"))
    shots = {m: sum(len(story.get(m, [])) for story in next(iter(columns.values()))) for m in wanted}
    return table({name: {f"{m} ({shots[m]})": found[m] for m in wanted} for name, found in summaries.items()})


def _drift(columns: dict[str, Measures]) -> str:
    name, stories = list(columns)[-1], _last(columns)
    lines = ["| shot | worst hue error | hue kept | present | setting |", "|---|---|---|---|---|"]
    for shot in DRIFT_SHOTS:
        cells = [
            interval(m, [[_at(story[m], shot) for story in stories]]).text(1 if m == "shot_error" else 2)
            for m in ("shot_error", "hue_kept", "present", "setting")
        ]
        lines.append(f"| {shot} | {' | '.join(cells)} |")
    tenth, second = _tenth_and_second(stories)
    ratio = _ratio(tenth, second)
    change = difference("shot_error", tenth, second)
    return (
        "\n".join(lines) + f"\n\nThe tenth shot's error of {name} is {ratio.text(2)} times the second's, "
        f"{change.text(1)} degrees more ({len(stories)} stories).\n"
    )


def _last(columns: dict[str, Measures]) -> Measures:
    """The model's own stories: references come before it."""
    return columns[list(columns)[-1]]


def _tenth_and_second(stories: Measures) -> tuple[list[list[list[float]]], list[list[list[float]]]]:
    """The worst hue error of those shots, in every story."""
    tenth, second = ([[_at(s["shot_error"], shot) for s in stories]] for shot in (DRIFT_SHOTS[-1], 2))
    return tenth, second


def _at(values: list[float], shot: int) -> list[float]:
    return values[shot - 1 : shot]


def _ratio(over: list[list[list[float]]], under: list[list[list[float]]]) -> Interval:
    """Quotient of medians, stories resampled as pairs."""
    pairs = np.array([[story[0] for story in over[0]], [story[0] for story in under[0]]])
    drawn = pairs[:, np.random.default_rng(0).integers(pairs.shape[1], size=(RESAMPLES, pairs.shape[1]))]

    def quotient(values: NDArray[np.float64]) -> NDArray[np.float64]:
        above, below = np.median(values, axis=-1)
        return np.asarray(above / np.maximum(below, 1e-9))

    low, high = np.quantile(quotient(drawn), (0.025, 0.975))
    return Interval(float(quotient(pairs)), float(low), float(high))
