# SPDX-License-Identifier: Apache-2.0
"""shotstream-core-cli against a real server with mini."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from core_programs import MiniServer, Player, Programs
from story_pictures import pictures, seen_by_python

pytestmark = pytest.mark.unreal

CAPTION = "A fox in a red coat in the forest."
STAGES = ["accepted", "scheduled", "first_frame", "done"]


def indices(player: Player) -> list[int]:
    """The numbers of the frames that were printed."""
    return [line["index"] for line in player.of("frame")]


@pytest.mark.parametrize("pixel_format", ["rgb8", "bgra8"])
def test_a_story_arrives_whole_and_as_it_was_made(
    server: MiniServer, programs: Programs, tmp_path: Path, pixel_format: str
) -> None:
    story = f"whole-{pixel_format}"
    player = programs.start(
        server.address,
        *("--story", story, "--caption", CAPTION, "--seed", 7, "--format", pixel_format, "--patience", 60),
        *("--chunks", 2, "--cut", "walks=the fox walks", "--policy", "queue"),
        *("--continue", "jumps=the fox jumps", "--cut", "close=close-up of the fox"),
        *("--frames", tmp_path, "--print-frames"),
    )
    lines = player.end()
    assert [player.stages(beat) for beat in ("walks", "jumps", "close")] == [STAGES] * 3
    total = 9 + 12 + 24 + 9 + 12
    assert indices(player) == list(range(total))
    closed = player.of("story_closed")[0]
    assert (closed["end"], closed["shots"], closed["frames"]) == ("drained", 2, total)
    assert lines[-1]["gaps"] == 0
    np.testing.assert_array_equal(pictures(tmp_path), seen_by_python(server.address, story))


def test_jpeg_files_pass_through(server: MiniServer, programs: Programs, tmp_path: Path) -> None:
    player = programs.start(
        server.address,
        *("--story", "jpeg", "--caption", CAPTION, "--format", "jpeg", "--quality", 95, "--patience", 60),
        *("--chunks", 1, "--cut", "walks=the fox walks", "--frames", tmp_path),
    )
    player.end()
    as_made = seen_by_python(server.address, "jpeg").astype(int)
    assert abs(pictures(tmp_path, "jpeg").astype(int) - as_made).mean() < 4


def test_an_interrupting_beat_takes_over_at_the_next_chunk(server: MiniServer, programs: Programs) -> None:
    player = programs.start(
        server.address,
        *("--story", "interrupted", "--caption", CAPTION, "--print-frames", "--patience", 60),
        *("--chunks", 40, "--cut", "long=the fox walks"),
        *(
            "--after",
            "long:first_frame",
            "--policy",
            "interrupt",
            "--chunks",
            1,
            "--cut",
            "jumps=the fox jumps",
        ),
    )
    player.end()
    done = {line["beat"]: line for line in player.of("beat") if line["stage"] == "done"}
    assert done["long"]["outcome"] == "interrupted"
    assert done["jumps"]["outcome"] == "completed"
    frames = done["long"]["frames"]
    assert 9 <= frames < 9 + 39 * 12
    assert (frames - 9) % 12 == 0
    assert done["jumps"]["first_frame"] == frames
    assert indices(player) == list(range(frames + 9))


def test_refusals_name_code_field_and_reason(server: MiniServer, programs: Programs) -> None:
    player = programs.start(
        server.address,
        *("--story", "refused", "--caption", CAPTION, "--patience", 60),
        *("--continue", "nothing=the fox goes on"),
    )
    player.end(1)
    rejected = player.of("beat")[0]
    assert (rejected["stage"], rejected["code"]) == ("rejected", "no_shot_to_continue")
    assert rejected["reason"]

    player = programs.start(server.address, "--story", "nowhere", "--watch")
    player.end(1)
    assert player.of("error")[0]["code"] == "unknown_story"
    assert player.of("error")[0]["field"] == "story_id"


def test_the_status_of_a_server(server: MiniServer, programs: Programs) -> None:
    player = programs.start(server.address, "--status", "--patience", 60)
    player.end()
    assert player.of("status")[0]["state"] in ("loading", "ready")


@pytest.mark.parametrize(
    "orderly", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["killed", "stopped"]
)
def test_a_server_that_ends_in_a_shot_and_is_started_again_goes_on(
    programs: Programs, tmp_path: Path, orderly: bool
) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    with MiniServer(tmp_path, "--journal", tmp_path / "journal") as server:
        player = programs.start(
            server.address,
            *("--story", "killed", "--caption", CAPTION, "--seed", 3, "--print-frames", "--patience", 60),
            *(
                "--chunks",
                3,
                "--policy",
                "queue",
                "--cut",
                "walks=the fox walks",
                "--cut",
                "jumps=the fox jumps",
            ),
            *("--frames", frames),
        )
        player.wait_for(lambda line: line["event"] == "frame" and line["index"] == 12)
        (server.stop if orderly else server.kill)()
        player.wait_for(lambda line: line["event"] == "interrupted")
        server.start()
        player.wait_for(lambda line: line["event"] == "resumed")
        player.end()
        total = 2 * (9 + 24)
        assert indices(player) == list(range(total))
        assert not player.of("frames_missed")
        # Sent again, the beats had no second effect, and each stage was told once.
        assert [player.stages(beat) for beat in ("walks", "jumps")] == [STAGES] * 2
        assert player.of("story_closed")[0]["frames"] == total
        np.testing.assert_array_equal(pictures(frames), seen_by_python(server.address, "killed"))
