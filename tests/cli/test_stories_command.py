# SPDX-License-Identifier: Apache-2.0
"""`shotstream stories` on a journal that was written by the real parts."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from shotstream_runtime.host.manifest import read_manifest
from shotstream_runtime.journal.catalogue import list_stories
from shotstream_runtime.journal.entries import Decided, Decision, Opening, StoryState, Wish
from shotstream_runtime.journal.journal import Journal
from shotstream_runtime.journal.resumption import plan_resumption
from shotstream_runtime.journal.story_folder import StoryFolder
from shotstream_runtime.streaming.beats import Beat

HEIGHT, WIDTH = 16, 32


def write_story(journal: Journal, story_id: str, state: StoryState, chunks: int = 2) -> np.ndarray:
    """Writes a story of one shot; returns its frames."""
    story = journal.create(
        Opening(
            story_id=story_id,
            owner="director",
            title=None,
            global_caption="A [fox].",
            seed=7,
            width=WIDTH,
            height=HEIGHT,
            fps=16.0,
            model="tiny",
            weights_hash="0123456789abcdef",
            engine="eager, cpu, float32",
            created=time.time(),
        )
    )
    story.accept(Beat(id="b", text="the fox walks", chunks=chunks), "director")
    story.accept(Beat(id="late", text="never"), "director")
    story.decide(Decision(Decided.BEGUN, "b", 0, 0, 0))
    rng = np.random.default_rng(len(story_id))
    pixels = rng.integers(0, 256, (4 * chunks, HEIGHT, WIDTH, 3), dtype=np.uint8)
    for chunk in range(chunks):
        story.decide(Decision(Decided.GOES_ON, "b", chunk, 0))
        story.add_chunk(
            number=chunk,
            shot=0,
            chunk=chunk,
            beat_id="b",
            first_frame=4 * chunk,
            first_in_shot=4 * chunk,
            pixels=[pixels[4 * chunk : 4 * chunk + 4]],
            latents=torch.zeros(1, 3, 4, 2, 2),
            fps=16.0,
        )
    story.decide(Decision(Decided.ENDED, "b", chunks, 0, outcome="completed", frames=4 * chunks))
    if state is not StoryState.OPEN:
        story.wish(Wish.STOP)
        story.end(state)
    story.release()
    return pixels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def written(folder: Path) -> dict[str, np.ndarray]:
    """Three stories: one open, one stopped, one that ran to its end."""
    with Journal(folder) as journal:
        return {
            "fox": write_story(journal, "fox", StoryState.OPEN),
            "wolf": write_story(journal, "wolf", StoryState.STOPPED),
            "badger": write_story(journal, "badger", StoryState.DRAINED),
        }


def test_list_and_show(in_process: Callable[..., Any], folder: Path, written: Any) -> None:
    listed = in_process("stories", "list", "--journal", folder)
    rows = [line.split() for line in listed.out.splitlines()[1:]]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("1", "fox", "open"),
        ("2", "wolf", "stopped"),
        ("3", "badger", "drained"),
    ]
    assert [row[5:8] for row in rows] == [["1", "8", "2"]] * 3
    shown = in_process("stories", "show", "fox", "--journal", folder)
    assert shown.code == 0
    assert "A [fox]." in shown.out
    assert "b cut: shot 0, from frame 0; completed, 8 frames" in shown.out
    assert "late cut: not begun; not done" in shown.out
    assert "8 of 8 frames are whole" in shown.out


def test_export_is_the_frames_and_the_beats(
    in_process: Callable[..., Any], folder: Path, written: dict[str, np.ndarray], tmp_path: Path
) -> None:
    done = in_process("stories", "export", "badger", "--journal", folder, "-o", tmp_path / "take", "--png")
    assert done.code == 0, done.err
    manifest = read_manifest(tmp_path / "take" / "manifest.json")
    assert (manifest.frames, manifest.seed, manifest.complete) == (8, 7, True)
    first = manifest.beats[0]
    assert (first.id, first.outcome, first.frames) == ("b", "completed", 8)
    files = sorted((tmp_path / "take" / "frames").iterdir())
    assert np.array_equal(np.stack([np.asarray(Image.open(file)) for file in files]), written["badger"])


def test_what_is_damaged_is_left_out_and_told(
    in_process: Callable[..., Any], folder: Path, written: Any, tmp_path: Path
) -> None:
    path = list_stories(folder)[0].path
    movie = StoryFolder(path).chunk_movie(0, 0)
    movie.write_bytes(movie.read_bytes()[: movie.stat().st_size // 2])
    shown = in_process("stories", "show", "1", "--journal", folder)
    assert "frames are damaged" in shown.out
    done = in_process("stories", "export", "fox", "--journal", folder, "-o", tmp_path / "fox.mp4")
    assert done.code == 0
    assert str(movie) in done.out.replace("\n", "")
    manifest = read_manifest(tmp_path / "fox.manifest.json")
    assert not manifest.complete
    assert 4 <= manifest.frames < 8
    # Of lost records the frames are left.
    for file in path.glob("records.sqlite*"):
        file.write_bytes(b"damaged" * 1000)
    done = in_process("stories", "export", "1", "--journal", folder, "-o", tmp_path / "rest.mp4")
    assert done.code == 0, done.err
    assert "damaged" in done.out
    with av.open(str(tmp_path / "rest.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == manifest.frames


def test_resume_opens_a_story_again(in_process: Callable[..., Any], folder: Path, written: Any) -> None:
    assert "open already" in in_process("stories", "resume", "fox", "--journal", folder).out
    done = in_process("stories", "resume", "wolf", "--journal", folder)
    assert done.code == 0
    listing = list_stories(folder)[1]
    assert (listing.story.state, listing.story.ended) == (StoryState.OPEN, None)
    plan = plan_resumption(StoryFolder(listing.path), listing.story, 6)
    assert plan.ending is None
    assert plan.past.chunks == len(plan.past.latents) == 2
    assert [entry.beat.id for entry in plan.waiting] == ["late"]
    with Journal(folder):
        used = in_process("stories", "resume", "badger", "--journal", folder)
    assert used.code == 1
    assert "another server writes to this journal" in used.error_line()


def test_delete_asks_and_leaves_the_others(
    in_process: Callable[..., Any], folder: Path, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    refused = in_process("stories", "delete", "wolf", "--journal", folder)
    assert refused.code == 2
    assert "nothing was deleted" in refused.err
    assert in_process("stories", "delete", "wolf", "--yes", "--journal", folder).code == 0
    assert [listing.number for listing in list_stories(folder)] == [1, 3]
    missing = in_process("stories", "delete", "wolf", "--yes", "--journal", folder)
    assert missing.code == 1
    assert "has no story 'wolf'; shotstream stories list shows those it has" in missing.error_line()


def test_what_is_no_journal_is_said_so(in_process: Callable[..., Any], tmp_path: Path) -> None:
    done = in_process("stories", "list", "--journal", tmp_path)
    assert done.code == 1
    assert f"{tmp_path}: is no journal" in done.error_line()
