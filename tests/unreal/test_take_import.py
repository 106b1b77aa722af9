# SPDX-License-Identifier: Apache-2.0
"""Takes recorded as the Unreal plugin does, from a real server, and what the readers make of them."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from core_programs import MiniServer, Programs
from narrative_players import ENDED, STATE_READY, Games, example, reached, step
from PIL import Image
from shotstream_runtime.host.manifest import TakeManifest, read_manifest
from story_pictures import pictures, seen_by_python

pytestmark = pytest.mark.unreal

PLUGINS = Path(__file__).parents[2] / "plugins"
SCRIPT = PLUGINS / "unreal" / "ShotStream" / "Content" / "Python" / "shotstream_takes.py"


def load(path: Path, name: str) -> ModuleType:
    """A module from its file, with its own name for imports of its neighbours."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


shotstream_takes = load(SCRIPT, "shotstream_takes")


def test_a_take_is_whole_lossless_and_read_by_everybody(games: Games, tmp_path: Path) -> None:
    player = games.play(
        step("connect"),
        step("narrative"),
        # In the middle of the story, and yet from its first frame on.
        step("take", reached("rest-2", "first_frame"), folder=str(tmp_path / "takes"), from_start=True),
        step("advance", choice="careful"),
        step("end"),
        step("exit", ENDED),
        narrative=example(),
        identity="take-whole",
    )
    player.end()
    saved = player.of("take_saved")[0]
    path = Path(saved["manifest"])
    assert path == tmp_path / "takes" / "The_fox_and_the_thunder" / "take_001" / "manifest.json"
    take = read_manifest(path)
    total = 33 + 33 + 21
    assert (take.frames, take.skipped_frames, take.complete) == (total, 0, True)
    assert [(shot.first_frame, shot.frames, shot.beats) for shot in take.shots] == [
        (0, 33, ["arrival-1"]),
        (33, 33, ["rest-2"]),
        (66, 21, ["departure-3"]),
    ]
    assert [beat.outcome for beat in take.beats] == ["completed"] * 3
    assert (take.model.name, take.model.width, take.model.height) == ("mini", 128, 80)
    assert take.fps == 16.0
    for beat in take.beats:
        assert beat.scheduled_s is not None
        assert beat.done_s is not None
    np.testing.assert_array_equal(
        pictures(path.parent / "frames", "png"), seen_by_python(games.address, "take-whole-s1")
    )
    plan = shotstream_takes.plan_import(shotstream_takes.read_take(path.parent))
    assert plan.name == "LS_The_fox_and_the_thunder_take_001"
    assert plan.length == total
    assert [frame for frame, _ in plan.marks] == [0, 33, 66]
    assert plan.marks[2][1] == "3: wide shot, the fox walks by day"
    assert not plan.warnings
    blender = load_blender_reader()
    assert [shot.first_frame for shot in blender.read(path).shots] == [0, 33, 66]


def load_blender_reader() -> Any:
    """The part of Blender's extension that reads takes; it needs no Blender."""
    folder = PLUGINS / "blender" / "shotstream_blender"
    package = ModuleType("shotstream_blender_reader")
    package.__path__ = [str(folder)]
    sys.modules["shotstream_blender_reader"] = package
    return load(folder / "take_reading.py", "shotstream_blender_reader.take_reading")


def test_a_take_from_the_middle_and_stopped_by_hand(games: Games, tmp_path: Path) -> None:
    player = games.play(
        step("connect"),
        step("begin", STATE_READY, caption="A fox in a red coat in the forest.", title="Middle"),
        step("beat", text="the fox walks", chunks=12),
        step("take", reached("beat.1", "first_frame"), folder=str(tmp_path / "takes")),
        step("stop_take", {"event": "frame", "index": 60}),
        step("take", {"event": "take_saved"}, folder=str(tmp_path / "takes")),
        step("end", drain=True),
        step("exit", ENDED),
    )
    player.end()
    first, second = (Path(line["manifest"]) for line in player.of("take_saved"))
    assert (first.parent.name, second.parent.name) == ("take_001", "take_002")
    take = read_manifest(first)
    assert not take.complete
    assert take.skipped_frames == 0
    assert take.beats[0].submitted_s == 0.0
    assert take.shots[0].first_frame == 0
    numbers = shotstream_takes.numbers_of(first.parent / "frames")
    assert numbers == list(range(numbers[0], numbers[0] + take.frames))
    assert numbers[0] > 0
    plan = shotstream_takes.plan_import(shotstream_takes.read_take(first))
    assert plan.length == take.frames
    # The shot began before the take.
    assert plan.marks[0][0] == 0


def test_a_take_goes_on_over_a_killed_server(programs: Programs, tmp_path: Path) -> None:
    with MiniServer(tmp_path, "--journal", tmp_path / "journal") as server:
        player = Games(programs, server.address, tmp_path).play(
            step("connect"),
            step("narrative"),
            step("take", folder=str(tmp_path / "takes"), from_start=True),
            step("end", reached("rest-2", "accepted")),
            step("exit", ENDED),
            narrative=example(),
            identity="take-killed",
        )
        player.wait_for(lambda line: line["event"] == "frame" and line["index"] >= 12)
        server.kill()
        player.wait_for(lambda line: line.get("state") == "interrupted")
        server.start()
        player.end()
        path = Path(player.of("take_saved")[0]["manifest"])
        take = read_manifest(path)
        assert (take.frames, take.skipped_frames, take.complete) == (66, 0, True)
        np.testing.assert_array_equal(
            pictures(path.parent / "frames", "png"), seen_by_python(server.address, "take-killed-s1")
        )


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is write-protected for root")
def test_a_folder_that_cannot_be_written_is_told(games: Games, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir(mode=0o500)
    check_no_take(games, blocked)


def test_a_file_in_the_folders_place_is_told(games: Games, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("not a folder")
    check_no_take(games, blocked)


def check_no_take(games: Games, blocked: Path) -> None:
    """Nothing is recorded, it is told why, and the story goes on."""
    player = games.play(
        step("connect"),
        step("begin", STATE_READY, caption="A fox in a red coat in the forest."),
        step("take", folder=str(blocked)),
        step("beat", text="the fox walks", chunks=1),
        step("end"),
        step("exit", ENDED),
    )
    player.end()
    trouble = player.of("trouble")[0]
    assert trouble["code"] == "take_failed"
    assert "blocked" in trouble["message"]
    assert player.of("story_ended")[0]["reason"] == "drained"
    assert len(player.of("frame")) == 9


# --- the editor's script, without an engine --------------------------------------------------------------


def manifest_of(folder: Path, **changes: Any) -> Path:
    """A small take on disk, as the runtime's own model of a manifest writes it."""
    frames = folder / "frames"
    frames.mkdir(parents=True)
    for index in (10, 11, 13, 14):
        Image.new("RGB", (8, 4)).save(frames / f"{index:06d}.png")
    fields: dict[str, Any] = {
        "product_version": "0.1.0",
        "created": "2026-11-25T12:00:00+00:00",
        "title": "Tale: of / a fox",
        "global_caption": "A fox.",
        "seed": 1,
        "model": {"name": "mini", "width": 8, "height": 4},
        # As the plugin writes 24000/1001.
        "fps": 23.976024,
        "frames": 4,
        "skipped_frames": 1,
        "complete": True,
        "wall_s": 1.0,
        "pictures": "frames",
        "beats": [
            {"id": "a", "text": "walks", "mode": "cut", "policy": "queue", "submitted_s": 0.0},
            {"id": "b", "text": "runs", "mode": "continue", "policy": "queue", "submitted_s": 0.0},
        ],
        "shots": [
            {"shot": 0, "first_frame": 10, "frames": 2, "beats": ["a"]},
            {"shot": 1, "first_frame": 12, "frames": 2, "beats": ["a", "b", "unknown"]},
        ],
    }
    text = TakeManifest.model_validate(fields | changes).model_dump_json()
    path = folder / "manifest.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_gaps_keep_their_time_and_rates_are_exact(tmp_path: Path) -> None:
    take = shotstream_takes.read_take(manifest_of(tmp_path / "take_007"))
    assert take.fps == Fraction(24000, 1001)
    plan = shotstream_takes.plan_import(take)
    assert plan.name == "LS_Tale_of_a_fox_take_007"
    assert plan.media == take.folder / "frames" / "000010.png"
    assert plan.media.is_file()
    assert plan.length == 5
    assert plan.marks == ((0, "1: walks"), (2, "2: walks / runs"))
    assert plan.warnings == ("1 of 5 frames are missing, and blank in the sequence",)


def test_a_movie_is_taken_where_there_are_no_pictures(tmp_path: Path) -> None:
    path = manifest_of(tmp_path / "take", pictures=None, movie="movie.mp4", fps=16)
    with pytest.raises(shotstream_takes.CannotImport, match="neither"):
        shotstream_takes.read_take(path)
    (path.parent / "movie.mp4").write_bytes(b"x")
    take = shotstream_takes.read_take(path)
    assert take.movie == path.parent / "movie.mp4"
    plan = shotstream_takes.plan_import(take)
    assert plan.media == take.movie
    assert plan.length == 4
    assert plan.marks == ((0, "1: walks"), (2, "2: walks / runs"))
    assert "1 frames were skipped" in plan.warnings[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "no manifest of a take"),
        ({"version": 2}, "version 2 is not known"),
        ({"pictures": "../frames"}, "outside"),
        ({"pictures": "nowhere"}, "holds no pictures"),
        ({"shots": []}, "no shot"),
        ({"shots": [{"shot": 0}]}, "damaged"),
        ({"fps": "fast"}, "damaged"),
    ],
)
def test_what_cannot_be_imported_is_told(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = manifest_of(tmp_path / "take")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(shotstream_takes.CannotImport, match=message):
        shotstream_takes.read_take(path)


def test_what_is_no_take_is_told(tmp_path: Path) -> None:
    with pytest.raises(shotstream_takes.CannotImport, match="cannot be read"):
        shotstream_takes.read_take(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(shotstream_takes.CannotImport, match="no JSON"):
        shotstream_takes.read_take(tmp_path)
