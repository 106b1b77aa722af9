# SPDX-License-Identifier: Apache-2.0
"""Narratives, handles and game events against a real server with mini, as the plugin runs them in a game."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
from core_programs import Line, MiniServer, Player, Programs
from narrative_players import ENDED, STATE_READY, Games, example, reached, step
from shotstream_runtime.host.manifest import read_manifest

pytestmark = pytest.mark.unreal

STAGES = ["accepted", "scheduled", "first_frame", "finished"]


def end_of(player: Player, beat: str) -> Line:
    """How a beat ended; exactly once."""
    ends = [
        line for line in player.of("beat") if line["beat"] == beat and line["stage"] in ("finished", "failed")
    ]
    assert len(ends) == 1, ends
    return ends[0]


def did(player: Player, what: str) -> list[int]:
    """The handles that the steps of a kind returned."""
    return [line["handle"] for line in player.of("did") if line["what"] == what]


def test_a_narrative_advances_branches_and_obeys_events(games: Games) -> None:
    narrative = example()
    # Longer than the server can be ahead of what is shown.
    narrative["beats"][1]["chunks"] = 20
    player = games.play(
        step("connect"),
        # Asked for before the connection is there: it waits.
        step("narrative"),
        step("event", name="thunder"),  # not during `rest`: nothing
        step("event", reached("rest-2", "first_frame"), name="THUNDER"),
        step("event", reached("startled-3", "accepted"), name="thunder"),  # once only: nothing
        step("event", name="nobody_listens"),
        step("end", reached("departure-4", "accepted")),
        step("exit", ENDED),
        narrative=narrative,
    )
    lines = player.end()
    assert not player.of("trouble")
    beats = ["arrival-1", "rest-2", "startled-3", "departure-4"]
    assert [player.stages(beat) for beat in beats] == [STAGES] * 4
    ends = [end_of(player, beat) for beat in beats]
    assert [line["outcome"] for line in ends] == ["completed", "interrupted", "completed", "completed"]
    # `rest` was queued before `arrival` ended: no gap between the two.
    assert ends[1]["first_frame"] == ends[0]["first_frame"] + ends[0]["frames"] == 9 + 24
    # The interruption took effect at a chunk's end.
    assert (ends[1]["frames"] - 9) % 12 == 0
    assert ends[1]["frames"] < 9 + 19 * 12
    started = did(player, "narrative")
    assert started[0] > 0
    assert [handle > 0 for handle in did(player, "event")] == [False, True, False, False]
    assert player.of("story_ended")[0]["reason"] == "drained"
    frames = player.of("frame")
    # Whole BGRA frames, each one once and in order; only what the interruption cut off is missing.
    assert all(line["bytes"] == line["width"] * line["height"] * 4 for line in frames)
    indices = [line["index"] for line in frames]
    cut_to = ends[2]["first_frame"]
    assert indices == [index for index in range(indices[-1] + 1) if index in set(indices)]
    missing = sorted(set(range(cut_to)) - set(indices))
    assert missing == list(range(cut_to - len(missing), cut_to))
    total = ends[3]["first_frame"] + ends[3]["frames"]
    assert indices[-1] == total - 1
    assert len(indices) + lines[-1]["dropped"] == total
    shown = [line["current"] for line in frames]
    assert sorted(set(shown), key=shown.index) == ["arrival", "rest", "startled", "departure"]
    # Stages are told when they are shown: the first frame not before it, the end not before the last one.
    order = [(line["event"], line.get("stage"), line.get("beat"), line.get("index")) for line in lines]
    for beat, end in zip(beats, ends, strict=True):
        first = order.index(("beat", "first_frame", beat, None))
        assert any(
            line["index"] == end["first_frame"] for line in lines[first : first + 3] if "index" in line
        )


def test_a_story_plays_at_its_own_speed(games: Games) -> None:
    """Mini generates several times as fast as the story is to be shown; live mode shows that instead."""
    steps = [
        step("connect"),
        step("begin", STATE_READY, caption="A fox in a red coat in the forest."),
        step("beat", text="the fox walks", chunks=4),
        step("end"),
        step("exit", ENDED),
    ]
    player = games.play(*steps)
    lines = player.end()
    frames = player.of("frame")
    assert [line["index"] for line in frames] == list(range(9 + 3 * 12))
    assert lines[-1]["dropped"] == 0
    lasted = frames[-1]["at"] - frames[0]["at"]
    # 44 frames at 16 a second; generated more slowly on a busy machine, never shown faster.
    assert lasted > 44 / 16 * 0.9
    live = games.play(*steps, live=True)
    live.end()
    indices = [line["index"] for line in live.of("frame")]
    assert indices == sorted(set(indices))
    assert indices[-1] == 44


def test_branches_payloads_and_variables(games: Games, tmp_path: Path) -> None:
    narrative = example()
    narrative["beats"][5]["text"] = "the fox waves to {player_name}"
    player = games.play(
        step("connect"),
        step("narrative", STATE_READY),
        step("take", folder=str(tmp_path / "takes"), from_start=True),
        step("event", name="player_seen"),  # without the player's name
        step("set", payload={"TIME": "at night"}),
        step("advance", reached("rest-2", "first_frame"), choice="nowhere"),
        step("advance", choice="brave"),
        step("advance"),
        step("advance"),  # `departure` is the last one
        step("event", name="player_seen", payload={"player_name": "Ada\n{x}"}),
        step("end", reached("greeting-5", "accepted")),
        step("exit", ENDED),
        narrative=narrative,
    )
    player.end()
    troubles = [line for line in player.of("trouble") if line["code"] == "invalid_value"]
    assert "player_name" in troubles[0]["message"]
    assert "nowhere" in troubles[1]["message"]
    assert len(troubles) == 2
    assert [handle > 0 for handle in did(player, "event")] == [False, True]
    assert [handle > 0 for handle in did(player, "advance")] == [False, True, True, False]
    outcomes = {beat: end_of(player, beat)["outcome"] for beat in ("leap-3", "departure-4", "greeting-5")}
    assert outcomes["greeting-5"] == "completed"
    # It replaced what waited when it came; `leap` may have begun by then.
    assert outcomes["departure-4"] == "superseded"
    take = read_manifest(Path(player.of("take_saved")[0]["manifest"]))
    texts = {beat.id: beat.text for beat in take.beats}
    assert take.global_caption == "A fox in a blue coat in the forest."
    assert texts["departure-4"] == "wide shot, the fox walks at night"
    assert texts["greeting-5"] == "the fox waves to Ada {x}"


def test_two_games_at_once_stay_apart(games: Games) -> None:
    steps = [
        step("connect"),
        step("narrative"),
        step("end", reached("rest-2", "first_frame"), drain=True),
        step("exit", ENDED),
    ]
    both = [games.play(*steps, narrative=example(), identity=f"game-{number}") for number in (1, 2)]
    for number, game in enumerate(both, 1):
        game.end()
        assert {line["story"] for line in game.of("frame")} == {f"game-{number}-s1"}
        assert {line["story"] for line in game.of("beat")} == {f"game-{number}-s1"}
        assert [game.stages(beat) for beat in ("arrival-1", "rest-2")] == [STAGES] * 2
        assert not game.of("trouble")


def test_another_story_replaces_the_one_that_runs(games: Games) -> None:
    player = games.play(
        step("connect"),
        step("begin", STATE_READY, caption="A fox in a red coat in the forest."),
        step("beat", text="the fox walks", chunks=40),
        step("beat", text="the fox jumps", chunks=1),
        step("cancel", reached("beat.2", "accepted"), handle=2),
        step(
            "begin",
            {"event": "beat", "handle": 2, "stage": "finished"},
            caption="A cat in a blue coat on the beach.",
        ),
        step("beat", text="the cat walks", chunks=1, mode="continue"),
        step("end"),
        step("exit", {"event": "story_ended", "reason": "drained"}),
    )
    player.end()
    assert [line["reason"] for line in player.of("story_ended")] == ["replaced", "drained"]
    by_handle = {
        line["handle"]: line for line in player.of("beat") if line["stage"] in ("finished", "failed")
    }
    assert by_handle[1]["code"] == "story_closed"
    assert by_handle[2]["outcome"] == "cancelled"
    # The first beat of a story begins a shot whatever it was asked to do.
    assert by_handle[3]["outcome"] == "completed"
    stories = [line["story"] for line in player.of("frame")]
    assert stories == sorted(stories)
    assert stories[-1].endswith("-s2")


def test_refusals_reach_the_handle_or_are_told(games: Games) -> None:
    player = games.play(
        step("beat", text="the fox walks"),
        step("connect"),
        step("begin", STATE_READY, caption="x" * 9000),
        step("beat", text="the fox walks"),
        step("begin", {"event": "story_ended"}, caption="A fox in a red coat in the forest."),
        step("beat", text="x" * 2001),
        step("exit", {"event": "beat", "handle": 2, "stage": "failed"}),
    )
    player.end()
    troubles = player.of("trouble")
    assert [line["code"] for line in troubles] == ["unknown_story", "invalid_value"]
    assert "global_caption" in troubles[1]["message"]
    assert player.of("story_ended")[0]["reason"] == "refused"
    failed = {line["handle"]: line for line in player.of("beat") if line["stage"] == "failed"}
    assert sorted(failed) == [1, 2]
    assert "2001" in failed[2]["reason"].replace(",", "")


def test_a_game_that_hangs_keeps_its_connection_and_gets_the_newest_frame(games: Games) -> None:
    player = games.play(
        step("connect"),
        step("narrative"),
        # A level loads: nothing is polled, no frame is taken.
        step("hold", reached("arrival-1", "first_frame"), ms=4000),
        step("end", {"event": "did", "what": "hold"}),
        step("exit", ENDED),
        narrative=example(),
    )
    lines = player.end()
    assert "interrupted" not in {line["state"] for line in player.of("state")}
    assert not player.of("trouble")
    # The story goes on from where it was.
    assert [line["index"] for line in player.of("frame")] == list(range(2 * (9 + 24)))
    assert lines[-1]["dropped"] == 0


def test_a_server_killed_and_started_again_goes_on_with_the_narrative(
    programs: Programs, tmp_path: Path
) -> None:
    with MiniServer(tmp_path, "--journal", tmp_path / "journal") as server:
        player = Games(programs, server.address, tmp_path).play(
            step("connect"),
            step("narrative"),
            step("advance", {"event": "state", "state": "interrupted"}, choice="careful"),
            step("end", reached("departure-3", "accepted")),
            step("exit", ENDED),
            narrative=example(),
        )
        player.wait_for(lambda line: line["event"] == "beat" and line["beat"] == "rest-2")
        server.kill()
        player.wait_for(lambda line: line.get("state") == "interrupted")
        server.start()
        player.end()
    assert [player.stages(beat) for beat in ("arrival-1", "rest-2", "departure-3")] == [STAGES] * 3
    assert [line["state"] for line in player.of("state")][-2:] == ["interrupted", "ready"]
    assert player.of("story_ended")[0]["reason"] == "drained"


def test_without_a_server_everything_fails_in_time_and_may_be_tried_again(games: Games) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
        player = games.play(
            step("connect", address=nobody, connect_s=1.0),
            step("narrative"),
            step("narrative", {"event": "state", "state": "lost"}),
            step("connect"),
            step("narrative", STATE_READY),
            step("disconnect", reached("arrival-1", "first_frame")),
            step("connect"),
            step("begin", STATE_READY, caption="A fox in a red coat in the forest."),
            step("beat", text="the fox walks", chunks=1),
            step("end"),
            step("exit", {"event": "story_ended", "reason": "drained"}),
            narrative={**example(), "beats": [{"name": "arrival", "text": "the fox walks", "chunks": 40}]}
            | {"events": []},
        )
        player.end()
    assert [line["reason"] for line in player.of("story_ended")] == [
        "connection_lost",
        "disconnected",
        "drained",
    ]
    states = [line["state"] for line in player.of("state")]
    assert states[:2] == ["connecting", "lost"]
    assert states[-1] == "ready"
    assert "disconnected" in states
    failed = [line for line in player.of("beat") if line["stage"] == "failed"]
    assert [line["code"] for line in failed] == ["not_connected", "not_connected"]


def test_a_step_that_never_comes_does_not_keep_the_program(programs: Programs, tmp_path: Path) -> None:
    steps = [step("connect", connect_s=0.2), step("narrative", STATE_READY), step("exit", ENDED)]
    player = Games(programs, "tcp://127.0.0.1:1", tmp_path).play(*steps, limit_s=1.0)
    lines = player.end(3)
    assert [line["state"] for line in player.of("state")] == ["connecting", "lost"]
    assert lines[-1]["event"] == "summary"


def test_the_end_of_play_is_bounded(games: Games, tmp_path: Path) -> None:
    """While frames stream."""
    player = games.play(
        step("connect"),
        step("narrative"),
        step("take", {"event": "frame"}, folder=str(tmp_path / "takes"), from_start=True),
        step("exit", reached("rest-2", "first_frame")),
        narrative=example(),
    )
    lines = player.end()
    saved = player.of("take_saved")[0]
    assert not saved["complete"]
    assert Path(saved["manifest"]).is_file()
    assert lines[-1]["stop_ms"] < 2000


def test_the_end_of_play_is_bounded_when_the_server_hangs(programs: Programs, tmp_path: Path) -> None:
    """It does not even read."""
    with MiniServer(tmp_path) as hung:
        player = Games(programs, hung.address, tmp_path).play(
            step("connect"),
            step("narrative"),
            step("hold", {"event": "frame", "index": 0}, ms=500),
            *[step("event", name="thunder") for _ in range(3)],
            step("exit"),
            narrative=example(),
        )
        player.wait_for(lambda line: line.get("what") == "hold")
        os.kill(hung.pid, signal.SIGSTOP)
        try:
            lines = player.end()
        finally:
            os.kill(hung.pid, signal.SIGCONT)
    assert lines[-1]["stop_ms"] < 2000
