# SPDX-License-Identifier: Apache-2.0
"""Writing stories, reading them back, and what is left of them when something breaks."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sample_story import add_chunk, opening
from shotstream_runtime.journal import durable_files, story_journal
from shotstream_runtime.journal.catalogue import delete_story, find_story, list_stories
from shotstream_runtime.journal.entries import Decided, Decision, StoryState, Wish, WishEntry
from shotstream_runtime.journal.errors import JournalError
from shotstream_runtime.journal.journal import Journal
from shotstream_runtime.journal.retention import Retention
from shotstream_runtime.journal.state_files import read_history, read_latents
from shotstream_runtime.journal.story_reader import StoryReader
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.shot_frames import HistoryFrame

OpenJournal = Callable[..., Journal]


def test_a_story_is_read_back_as_it_was_written(open_journal: OpenJournal) -> None:
    journal = open_journal()
    story = journal.create(opening(title="Été"))
    beats = [
        Beat(id="b", text="the fox “walks”\n", chunks=2),
        Beat(id="c", text="jumps", mode="continue", policy="interrupt"),
    ]
    for beat in beats:
        story.accept(beat, "client")
    story.wish(Wish.CANCEL, "c")
    decisions = [
        Decision(Decided.BEGUN, "b", 0, shot=0, first_frame=0),
        Decision(Decided.DROPPED, "c", 1, outcome="cancelled", frames=0),
    ]
    for decision in decisions:
        story.decide(decision)
    pixels = np.concatenate([add_chunk(story, 0), add_chunk(story, 1), add_chunk(story, 2, 1, 0)])
    story.settle()

    # Read while the writer has it open, as `shotstream stories show` does beside a server.
    (listing,) = list_stories(journal.folder)
    stored = listing.story
    assert stored.opening == opening(title="Été")
    assert (stored.state, stored.ended, stored.damage) == (StoryState.OPEN, None, [])
    assert [entry.beat for entry in stored.beats] == beats
    assert stored.wishes == [WishEntry(Wish.CANCEL, "c")]
    assert stored.decisions == decisions
    assert stored.frames == 12
    reader = StoryReader(listing.path)
    frames = list(reader.frames(stored))
    assert np.array_equal(np.stack([frame.pixels for frame in frames]), pixels)
    assert [frame.index for frame in frames] == list(range(12))
    assert [(frame.shot, frame.index_in_shot) for frame in frames] == [
        *((0, n) for n in range(8)),
        *((1, n) for n in range(4)),
    ]
    assert [frame.index for frame in reader.frames(stored, first=6)] == [6, 7, 8, 9, 10, 11]
    assert [frame.index for frame in reader.frames(stored, shot=1)] == [8, 9, 10, 11]
    assert reader.damage == []


def test_an_accepted_beat_is_in_the_database_when_accept_returns(open_journal: OpenJournal) -> None:
    story = open_journal().create(opening())
    story.accept(Beat(id="b", text="x"), "client")
    # Another connection sees committed rows only.
    other = sqlite3.connect(story.records.path)
    assert other.execute("SELECT id FROM beats").fetchall() == [("b",)]
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_frames_are_on_disk_before_their_chunk_is_recorded(
    open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = open_journal().create(opening())
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        assert story.records.chunks([]) == []
        synced.append("file")
        real(descriptor)

    monkeypatch.setattr(durable_files.os, "fsync", fsync)
    add_chunk(story, 0)
    story.settle()
    assert story.failure is None
    assert len(synced) >= 2  # the frames and the latents
    assert [entry.number for entry in story.records.chunks([])] == [0]


def test_state_is_kept_exactly_and_only_as_long_as_it_is_needed(open_journal: OpenJournal) -> None:
    journal = open_journal()
    journal.history_shots = 2
    story = journal.create(opening())
    generator = torch.Generator().manual_seed(1)
    history = {
        index: HistoryFrame(torch.randn(3, 4, 5, generator=generator), f"shot: ünï {index}")
        for index in (0, 2, 7)
    }
    for shot in range(5):
        add_chunk(story, shot, shot, 0)
        story.add_shot(shot, 4, history)
    story.settle()
    folder = story.folder
    kept = sorted(path.name for path in folder.state.iterdir())
    assert kept == ["00002.history", "00003.history", "00004-00000.latents", "00004.history"]
    read = read_history(folder.history(4))
    assert list(read) == [0, 2, 7]
    for index, frame in history.items():
        assert torch.equal(read[index].pixels, frame.pixels)
        assert read[index].prompt == frame.prompt
    assert torch.equal(read_latents(folder.latents(4, 0)), torch.full((1, 3, 4, 2, 2), 4.0))
    story.end(StoryState.DRAINED)
    story.settle()
    assert list(folder.state.iterdir()) == []
    assert len(list(StoryReader(folder.path).frames(StoryReader(folder.path).read()))) == 20


def test_a_second_server_is_refused_and_says_what_to_do(open_journal: OpenJournal, tmp_path: Path) -> None:
    journal = open_journal()
    with pytest.raises(JournalError, match="another server writes to this journal; stop it"):
        Journal(journal.folder)
    code = "import sys, pathlib; from shotstream_runtime.journal.journal import Journal; "
    code += "Journal(pathlib.Path(sys.argv[1]))"
    other = subprocess.run(
        [sys.executable, "-c", code, str(journal.folder)], capture_output=True, text=True, check=False
    )
    assert "another server writes to this journal" in other.stderr
    journal.close()
    open_journal()


def test_a_truncated_chunk_costs_its_own_frames_only(open_journal: OpenJournal) -> None:
    story = open_journal().create(opening())
    pixels = np.concatenate([add_chunk(story, number) for number in range(3)])
    story.close()
    path = story.folder.chunk_movie(0, 1)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 5])
    reader = StoryReader(story.folder.path)
    stored = reader.read(check=True)
    frames = list(reader.frames(stored))
    indices = [frame.index for frame in frames]
    whole = [index for index in indices if 4 <= index < 8]
    assert indices == [0, 1, 2, 3, *whole, 8, 9, 10, 11]
    assert whole in ([4], [4, 5])
    assert all(np.array_equal(frame.pixels, pixels[frame.index]) for frame in frames)
    (damage,) = reader.damage
    assert f"{path}: {4 - len(whole)} of 4 frames are damaged" in damage
    path.unlink()
    assert [frame.index for frame in reader.frames(stored)] == [0, 1, 2, 3, 8, 9, 10, 11]
    assert any("cannot be read" in problem for problem in reader.damage)


def test_a_damaged_last_record_costs_that_record_only(open_journal: OpenJournal, tmp_path: Path) -> None:
    story = open_journal().create(opening())
    for number in range(3):
        story.accept(Beat(id=f"b{number}", text="x"), "client")
    # As a crash in the middle of a write leaves it: the log is copied while the database is open, and cut.
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("records.sqlite", "records.sqlite-wal"):
        content = (story.folder.path / name).read_bytes()
        (copy / name).write_bytes(content[:-100] if name.endswith("wal") else content)
    stored = StoryReader(copy).read(check=True)
    assert stored.opening == opening()
    assert [entry.beat.id for entry in stored.beats] == ["b0", "b1"]
    assert stored.damage == []


def test_lost_records_are_told_and_the_frames_are_still_there(open_journal: OpenJournal) -> None:
    journal = open_journal()
    story = journal.create(opening())
    pixels = np.concatenate([add_chunk(story, 0), add_chunk(story, 1, 1, 0)])
    story.close()
    for name in ("records.sqlite-wal", "records.sqlite-shm"):
        (story.folder.path / name).unlink(missing_ok=True)
    story.records.path.write_bytes(b"damaged" * 1000)
    (listing,) = list_stories(journal.folder)
    assert listing.story.opening is None
    assert "damaged" in listing.story.damage[0]
    assert str(story.records.path) in listing.story.damage[0]
    frames = list(StoryReader(listing.path).frames_without_records())
    assert np.array_equal(np.stack([frame.pixels for frame in frames]), pixels)
    assert [(frame.shot, frame.index_in_shot) for frame in frames][3:5] == [(0, 3), (1, 0)]
    assert journal.open_stories() == []


def test_a_full_disk_is_told_and_what_was_written_stays(
    open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = open_journal().create(opening())
    add_chunk(story, 0)
    story.settle()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(durable_files.os, "fsync", full)
        add_chunk(story, 1)
        story.settle()
    with pytest.raises(JournalError, match=r"No space left.*make room on this disk.*is kept") as caught:
        story.decided()
    assert caught.value.path == story.folder.chunk_movie(0, 1)
    # Nothing follows what is missing, so that there is no gap; nobody waits for it either.
    add_chunk(story, 2)
    story.settle()
    assert story.has_room
    assert [entry.number for entry in story.records.chunks([])] == [0]
    assert [path.name for path in story.folder.path.glob("shots/*/*")] == ["00000.mkv"]


def test_a_database_that_is_full_refuses_a_beat_and_keeps_the_others(open_journal: OpenJournal) -> None:
    story = open_journal().create(opening())
    story.accept(Beat(id="b0", text="x"), "client")
    database = story.records._database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(JournalError, match=r"beat 'big' cannot be written: .*full; make room on this disk"):
        story.accept(Beat(id="big", text="x" * 100_000), "client")
    database.execute("PRAGMA max_page_count=100000")
    story.accept(Beat(id="b1", text="x"), "client")
    assert [entry.beat.id for entry in story.records.beats([])] == ["b0", "b1"]


def test_a_place_that_cannot_be_written_is_named_with_the_fix(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(JournalError, match=r"name another folder with --journal") as caught:
        Journal(file / "journal")
    assert str(file / "journal") in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or not hasattr(os, "geteuid"), reason="rights as POSIX has them")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o500)
    with pytest.raises(JournalError, match=r"give this user the right to write there"):
        Journal(folder)


def test_records_of_another_version_are_not_touched(open_journal: OpenJournal) -> None:
    journal = open_journal()
    story = journal.create(opening())
    story.close()
    database = sqlite3.connect(story.records.path)
    database.execute("PRAGMA user_version=9")
    database.close()
    (listing,) = list_stories(journal.folder)
    assert "version 9" in listing.story.damage[0]
    with pytest.raises(JournalError, match="version 9, this program writes version 1"):
        journal.reopen(listing)


def test_a_number_is_a_number_whatever_clients_call_their_stories(open_journal: OpenJournal) -> None:
    journal = open_journal()
    first, second = journal.create(opening("fox")), journal.create(opening("1"))
    assert find_story(journal.folder, "1").path == first.folder.path
    assert find_story(journal.folder, "2").path == second.folder.path


def test_a_deleted_storys_name_never_leads_to_another_story(open_journal: OpenJournal) -> None:
    journal = open_journal()
    gone = journal.create(opening("fox"))
    gone.end(StoryState.STOPPED)
    gone.settle()
    delete_story(find_story(journal.folder, "fox"), journal.folder)
    other = journal.create(opening("secret"))
    assert other.folder.path != gone.folder.path
    assert journal.find("fox") is None
    with pytest.raises(JournalError):
        journal.read_chunk("fox", 0)


def test_whatever_fails_in_a_chunk_nothing_follows_it(
    open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = open_journal().create(opening())
    add_chunk(story, 0)

    def no_memory(*_: object) -> None:
        raise MemoryError

    story.settle()
    with monkeypatch.context() as patch:
        patch.setattr(story_journal, "encode_chunk", no_memory)
        add_chunk(story, 1)
        story.settle()
    add_chunk(story, 2)
    story.settle()
    with pytest.raises(JournalError, match="MemoryError"):
        story.decided()
    assert [entry.number for entry in story.records.chunks([])] == [0]


def test_a_story_that_was_deleted_for_its_age_is_not_opened_again(open_journal: OpenJournal) -> None:
    journal = open_journal(retention=Retention(max_age_s=1.0))
    story = journal.create(opening("fox"))
    story.records.end_story(StoryState.SUSPENDED, None, time.time() - 10.0)
    story.close()
    found = journal.find("fox")
    assert found is not None
    assert journal.enforce_retention() == [1]
    with pytest.raises(JournalError, match="deleted meanwhile"):
        journal.reopen(found)
    assert list_stories(journal.folder) == []


def test_stories_are_found_by_name_and_number_and_deleted(open_journal: OpenJournal) -> None:
    journal = open_journal()
    first, second = journal.create(opening("fox")), journal.create(opening("fox"))
    third = journal.create(opening("7"))
    folder = journal.folder
    assert find_story(folder, "fox").path == second.folder.path
    assert find_story(folder, "1").path == first.folder.path
    assert find_story(folder, "7").path == third.folder.path
    with pytest.raises(JournalError, match="has no story 'cat'; shotstream stories list"):
        find_story(folder, "cat")
    first.end(StoryState.STOPPED)
    first.settle()
    delete_story(find_story(folder, "1"), folder)
    assert [listing.number for listing in list_stories(folder)] == [2, 3]
    # An open one may be in use: only without a server.
    with pytest.raises(JournalError, match="another server"):
        delete_story(find_story(folder, "2"), folder)
    journal.close()
    delete_story(find_story(folder, "2"), folder)
    assert [listing.number for listing in list_stories(folder)] == [3]
    with pytest.raises(JournalError, match="is no journal"):
        list_stories(folder / "elsewhere")


def test_retention_takes_the_oldest_ended_stories_and_no_open_one(
    open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(retention=Retention(max_age_s=100.0))
    now = time.time()
    for number, age in enumerate((500.0, 50.0, None)):
        story = journal.create(opening(f"s{number}"))
        add_chunk(story, 0)
        story.settle()
        if age is not None:
            story.records.end_story(StoryState.DRAINED, None, now - age)
        story.close()
    assert journal.enforce_retention() == [1]
    assert [listing.number for listing in list_stories(journal.folder)] == [2, 3]
    journal._retention = Retention(max_bytes=1)
    assert journal.enforce_retention() == [2]
    assert [listing.number for listing in list_stories(journal.folder)] == [3]
    assert [listing.number for listing in journal.open_stories()] == [3]
