# SPDX-License-Identifier: Apache-2.0
"""A journal on a disk that is full: a small file system of its own, really full."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shotstream_bridge.client import Client
from shotstream_bridge.errors import RequestFailedError
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.messages import StoryClosed, StoryEnd
from shotstream_bridge.story import BeatScript
from shotstream_runtime.host.manifest import read_manifest
from shotstream_runtime.journal.catalogue import list_stories
from shotstream_runtime.journal.entries import StoryState
from tiny_model_folder import FIRST_CHUNK

PATIENCE_S = 60.0
SIZE = "2m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)],
            capture_output=True,
            check=False,
        )
        if hasattr(os, "geteuid") and os.geteuid() == 0
        else None
    )
    if mounted is None or mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_folder_that_cannot_be_written_is_told_at_once(
    shotstream: Callable[..., Any], tiny_folder: Path, small_disk: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    journal = small_disk / "journal"
    ended = shotstream("serve", "--model", tiny_folder, "--bind", "tcp://127.0.0.1:0", "--journal", journal)
    assert ended.code == 1
    line = ended.err.splitlines()[-1]
    assert str(journal) in line
    assert "Read-only file system" in line
    assert "name another folder with --journal" in line


def fill(disk: Path) -> Path:
    """Fills a disk; returns what to remove to have room again."""
    path = disk / "filler"
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return path


def pump_until(client: Client, reached: Callable[[list[Any]], object]) -> list[Any]:
    events: list[Any] = []
    deadline = time.monotonic() + PATIENCE_S
    while not reached(events):
        assert time.monotonic() < deadline, events[-5:]
        events += client.pump(0.05)
    return events


def pictures(events: list[Any]) -> dict[int, np.ndarray]:
    return {event.header.index: event.rgb() for event in events if isinstance(event, ReceivedFrame)}


def refusal_of(ask: Callable[[], object]) -> RequestFailedError | None:
    try:
        ask()
    except RequestFailedError as refusal:
        return refusal
    return None


def serve(start: Callable[..., Any], model: Path, journal: Path) -> tuple[Any, str]:
    server = start("serve", "--model", model, "--bind", "tcp://127.0.0.1:0", "--journal", journal)
    return server, server.line_with("Serving tiny").rsplit(" ", 1)[1].strip()


@pytest.mark.slow
def test_a_full_disk_loses_nothing_that_was_told(
    start: Callable[..., Any],
    shotstream: Callable[..., Any],
    tiny_folder: Path,
    small_disk: Path,
    tmp_path: Path,
) -> None:
    journal = small_disk / "journal"
    server, address = serve(start, tiny_folder, journal)
    with Client.connect(address, client_id="director") as client:
        story = client.open_story(global_caption="A fox.", seed=7, story_id="s")
        story.subscribe(credits=64)
        story.submit_beat(BeatScript(id="long", text="the fox walks", chunks=200))
        frames = pump_until(client, lambda events: sum(isinstance(e, ReceivedFrame) for e in events) > 20)
        filler = fill(small_disk)
        events = pump_until(client, lambda events: any(isinstance(e, StoryClosed) for e in events))
        (closed,) = [event for event in events if isinstance(event, StoryClosed)]
        assert closed.end is StoryEnd.FAILED
        # Of the file of frames or of the database, whichever is written first.
        assert re.search(r"No space left|is full", closed.reason)
        assert "make room on this disk" in closed.reason
        assert str(journal) in closed.reason
        # Others are refused clearly; the server itself goes on.
        with pytest.raises(RequestFailedError) as caught:
            client.open_story(global_caption="A fox.", story_id="next")
        assert (caught.value.code, caught.value.retryable) == ("busy", True)
        assert "make room on this disk" in caught.value.reason
        filler.unlink()
        client.open_story(global_caption="A fox.", story_id="next").close(drain=False, wait=PATIENCE_S)
    stored = next(x for x in list_stories(journal) if x.story.opening.story_id == "s").story
    assert stored.frames >= FIRST_CHUNK
    assert stored.damage == []
    # What was kept can be saved beside the server, and the story goes on with the next one.
    saved = shotstream("stories", "export", "s", "--journal", journal, "-o", tmp_path / "take")
    assert saved.code == 0, saved
    assert read_manifest(tmp_path / "take" / "manifest.json") is not None
    server.process.kill()
    server.process.wait()
    _, address = serve(start, tiny_folder, journal)
    with Client.connect(address, client_id="director") as client:
        story = client.story("s")
        story.subscribe(credits=64, from_frame=0, wait=PATIENCE_S)
        seen = pictures(frames + events)
        again = pump_until(client, lambda events: len(pictures(events)) > len(seen))
        assert all(np.array_equal(pictures(again)[index], pixels) for index, pixels in seen.items())
        story.close(drain=False, wait=PATIENCE_S)


def test_a_beat_for_which_there_is_no_room_is_refused_and_those_before_it_stay(
    start: Callable[..., Any], tiny_folder: Path, small_disk: Path
) -> None:
    journal = small_disk / "journal"
    _, address = serve(start, tiny_folder, journal)
    with Client.connect(address, client_id="director") as client:
        story = client.open_story(global_caption="A fox.", seed=7, story_id="s")
        story.submit_beat(BeatScript(id="first", text="the fox walks", chunks=1))
        pump_until(client, lambda events: any(getattr(e, "outcome", None) for e in events))
        filler = fill(small_disk)
        # The log has pages of its own, so that some may still be taken.
        accepted, refusal = ["first"], None
        while refusal is None:
            assert len(accepted) < 100, "the disk is not full, and this test shows nothing"
            script = BeatScript(id=f"b{len(accepted)}", text="the fox walks " * 140, chunks=1)
            refusal = refusal_of(lambda script=script: story.submit_beat(script, wait=PATIENCE_S))
            if refusal is None:
                accepted.append(script.id)
        assert refusal.code in ("busy", "unknown_story", "story_closed")
        filler.unlink()
        kept = [entry.beat.id for entry in list_stories(journal)[0].story.beats]
        assert kept[: len(accepted)] == accepted
        assert list_stories(journal)[0].story.state is StoryState.OPEN
