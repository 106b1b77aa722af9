# SPDX-License-Identifier: Apache-2.0
"""What a study has found so far: one record of figures, its tables, one picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shotstream_training.measures import Interval, Measures, Story, difference, digits, interval, rounded
from shotstream_training.sheets import GAP
from shotstream_training.study.branches import Trial, trials
from shotstream_training.world.spec import HEIGHT

RESULTS = "results"
LABEL_WIDTH = 190

MEASURES = {
    "present": "present",
    "coat_error": "coat",
    "accessory_error": "accessory",
    "later_coat": "coat later",
    "later_accessory": "accessory later",
    "setting": "setting",
    "framing": "framing",
    "action": "action",
    "cuts": "SCA",
    "dynamic": "dynamic",
}
"""Measures of the tables and their headings."""

Record = dict[str, Any]


def result_file(out: Path, seed: int, trial: str) -> Path:
    """Where a trial's measures are."""
    return out / RESULTS / f"seed{seed}" / f"{trial}.json"


def collect(out: Path) -> Record:
    """Gathers a study's results in one record.

    Args:
        out: The study's folder.

    Returns:
        JSON values: where its latest trial was made; per trial its title, what it is compared with, the seeds
        that are there, rounds and minutes of its training, and ``measures``, lists of stories per seed.
    """
    rows: list[Record] = []
    made: list[Record] = []
    for trial in trials():
        found: dict[str, Any] = {}
        for path in sorted(out.glob(f"{RESULTS}/seed*/{trial.name}.json")):
            found[path.parent.name.removeprefix("seed")] = json.loads(path.read_text(encoding="utf-8"))
        made.extend(result["made_on"] for result in found.values())
        if found:
            rows.append(
                {
                    "trial": trial.name,
                    "title": trial.title,
                    "compare": trial.compare,
                    "seeds": [int(seed) for seed in found],
                    "rounds": [result["rounds"] for result in found.values()],
                    "minutes": [result["minutes"] for result in found.values()],
                    "measures": [[_kept(story) for story in result["stories"]] for result in found.values()],
                }
            )
    return {"made_on": max(made, key=lambda on: str(on["date"]), default=None), "rows": rows}


def _kept(story: Story) -> Story:
    """A story's measures that the tables are made of, rounded."""
    return rounded({name: story[name] for name in MEASURES})


def trial_table(record: Record) -> str:
    """One line per trial, each figure with its 95 % interval over seeds and stories."""
    lines = _head("seeds")
    for row in record["rows"]:
        cells = [interval(name, _values(row["measures"], name)).text(_decimals(name)) for name in MEASURES]
        lines.append(f"| {row['title']} | {len(row['seeds'])} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def difference_table(record: Record) -> str:
    """One line per trial that has a reference: its figures less the reference's, over the seeds of both."""
    rows = {row["trial"]: row for row in record["rows"]}
    lines = _head("less")
    for row in record["rows"]:
        other = rows.get(row["compare"])
        if other is None:
            continue
        mine, theirs = _shared(row, other)
        cells = [
            told(difference(name, _values(mine, name), _values(theirs, name)), _decimals(name))
            for name in MEASURES
        ]
        lines.append(f"| {row['title']} | {other['title']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def told(found: Interval, decimals: int) -> str:
    """A difference; in bold where its interval leaves out zero."""
    text = f"{found.value:+.{decimals}f} [{found.low:+.{decimals}f}, {found.high:+.{decimals}f}]"
    return f"**{text}**" if found.low > 0 or found.high < 0 else text


def _decimals(name: str) -> int:
    """Of a cell; of shares one less than elsewhere, since rows have many cells."""
    return 2 if digits(name) == 3 else 1


def _head(second: str) -> list[str]:
    names = " | ".join(MEASURES.values())
    return [f"| student | {second} | {names} |", "|" + "---|" * (2 + len(MEASURES))]


def _values(seeds: Sequence[Measures], name: str) -> list[list[list[float]]]:
    return [[story[name] for story in stories] for stories in seeds]


def _shared(row: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[list[Measures], list[Measures]]:
    seeds = [seed for seed in row["seeds"] if seed in other["seeds"]]
    both = [[r["measures"][r["seeds"].index(seed)] for seed in seeds] for r in (row, other)]
    return both[0], both[1]


def picture(out: Path, seed: int, names: Sequence[str], story: int = 1) -> Image.Image:
    """One held-out story as several students play it: truth on top, one labelled row for each.

    Args:
        out: The study's folder.
        seed: Whose students.
        names: Trials, all over the same stories; those that are missing are left out.
        story: Which of the stories on the trials' sheets.

    Raises:
        FileNotFoundError: If none of the trials is there.
    """
    by_name: dict[str, Trial] = {trial.name: trial for trial in trials()}
    there = [name for name in names if result_file(out, seed, name).is_file()]
    if not there:
        raise FileNotFoundError(f"{out}: seed {seed} has none of {', '.join(names)}")
    rows: list[tuple[str, NDArray[np.uint8]]] = []
    for name in there:
        sheet = np.asarray(Image.open(result_file(out, seed, name).with_suffix(".png")).convert("RGB"))
        strips = [sheet[row * (HEIGHT + GAP) :][: HEIGHT + GAP] for row in (2 * story, 2 * story + 1)]
        if not rows:
            rows.append(("rendered truth", strips[0]))
        rows.append((by_name[name].title, strips[1]))
    height, width = rows[0][1].shape[:2]
    canvas = Image.new("RGB", (LABEL_WIDTH + width, len(rows) * height), (24, 24, 24))
    draw = ImageDraw.Draw(canvas)
    for number, (title, strip) in enumerate(rows):
        canvas.paste(Image.fromarray(strip), (LABEL_WIDTH, number * height))
        draw.multiline_text(
            (6, number * height + 26), title.replace(", ", ",\n").replace(" (", "\n("), (235, 235, 235)
        )
    return canvas
