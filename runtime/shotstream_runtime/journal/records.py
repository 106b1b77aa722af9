# SPDX-License-Identifier: Apache-2.0
"""The records of one story, in an SQLite database in WAL mode; every addition is on disk when it returns."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

from shotstream_runtime.streaming.beats import Beat

from .entries import (
    AcceptedBeat,
    ChunkEntry,
    Decided,
    Decision,
    Opening,
    ShotEntry,
    StoryState,
    Wish,
    WishEntry,
)
from .errors import JournalError, cannot_write

FILE_NAME: Final = "records.sqlite"
_VERSION: Final = 1
_BUSY_S: Final = 5.0  # a reader that checkpoints holds writers up for milliseconds
_SCHEMA: Final = """
CREATE TABLE story (one INTEGER PRIMARY KEY CHECK (one = 1), opening TEXT NOT NULL, state TEXT NOT NULL,
    reason TEXT, ended REAL);
CREATE TABLE beats (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, text TEXT NOT NULL,
    mode TEXT NOT NULL, policy TEXT, chunks INTEGER, client TEXT NOT NULL, accepted REAL NOT NULL);
CREATE TABLE wishes (place INTEGER PRIMARY KEY, wish TEXT NOT NULL, beat_id TEXT);
CREATE TABLE decisions (place INTEGER PRIMARY KEY, kind TEXT NOT NULL, beat_id TEXT NOT NULL,
    chunk INTEGER NOT NULL, shot INTEGER, first_frame INTEGER, outcome TEXT, frames INTEGER);
CREATE TABLE chunks (number INTEGER PRIMARY KEY, shot INTEGER NOT NULL, chunk INTEGER NOT NULL,
    beat_id TEXT NOT NULL, first_frame INTEGER NOT NULL, first_in_shot INTEGER NOT NULL,
    checksums TEXT NOT NULL);
CREATE TABLE shots (shot INTEGER PRIMARY KEY, frames INTEGER NOT NULL);
"""

_CHUNK: Final = "SELECT number, shot, chunk, beat_id, first_frame, first_in_shot, checksums FROM chunks"
# Not part of the version: readers do without it.
_INDEX: Final = "CREATE INDEX IF NOT EXISTS chunks_by_frame ON chunks (first_frame)"

_Row = TypeVar("_Row")


class StoryRecords:
    """The database. Safe to use from several threads.

    Args:
        folder: The story's folder.
        writable: False for those who only look: they may do so while a server writes.

    Raises:
        JournalError: It cannot be opened, or is of another version.
    """

    def __init__(self, folder: Path, *, writable: bool) -> None:
        self.path = folder / FILE_NAME
        self._lock = threading.Lock()
        try:
            mode = "rwc" if writable else "ro"
            self._database = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise JournalError(self.path, f"the story's records cannot be opened: {error}") from error
        try:
            self._prepare(writable)
        except sqlite3.Error as error:
            self._database.close()
            if writable:
                raise cannot_write(self.path, "the story's records", error) from error
            raise JournalError(self.path, f"the story's records are damaged: {error}") from error
        except JournalError:
            self._database.close()
            raise

    def _prepare(self, writable: bool) -> None:
        database = self._database
        if writable:
            database.execute("PRAGMA journal_mode=WAL")
            # In WAL mode only FULL brings every commit to the disk before it returns.
            database.execute("PRAGMA synchronous=FULL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0 and writable:
            database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
        elif version != _VERSION:
            raise JournalError(
                self.path,
                f"the records have version {version}, this program writes version {_VERSION}; "
                "use the version of ShotStream that wrote them",
            )
        if writable:
            database.execute(_INDEX)

    def close(self) -> None:
        """Closes the database; nothing is lost by not doing so."""
        with self._lock:
            self._database.close()

    # -- writing ---------------------------------------------------------------------------------------

    def open_story(self, opening: Opening) -> None:
        """Writes how the story was opened, once."""
        values = (json.dumps(asdict(opening)), StoryState.OPEN)
        self._write("the story", "INSERT INTO story VALUES (1, ?, ?, NULL, NULL)", values)

    def end_story(self, state: StoryState, reason: str | None, when: float) -> None:
        """Writes that the story is over; `StoryState.OPEN` opens it again."""
        values = (state, reason, None if state is StoryState.OPEN else when)
        self._write("the story's end", "UPDATE story SET state=?, reason=?, ended=?", values)

    def reopen_story(self) -> None:
        """Writes that the story goes on: wishes to end it are void."""
        self._write("the wishes", "DELETE FROM wishes WHERE wish IN (?, ?)", (Wish.DRAIN, Wish.STOP))
        self.end_story(StoryState.OPEN, None, 0.0)

    def add_beat(self, accepted: AcceptedBeat) -> None:
        """Writes a beat that may be called accepted once this returns."""
        beat = accepted.beat
        values = (beat.id, beat.text, beat.mode, beat.policy, beat.chunks, accepted.client, accepted.accepted)
        self._write(f"beat {beat.id!r}", "INSERT INTO beats VALUES (NULL,?,?,?,?,?,?,?)", values)

    def add_wish(self, wish: WishEntry) -> None:
        """Writes a client's wish."""
        sql = "INSERT INTO wishes (wish, beat_id) VALUES (?,?)"
        self._write(f"the wish to {wish.wish}", sql, (wish.wish, wish.beat_id))

    def add_decision(self, decision: Decision) -> None:
        """Writes what became of a beat."""
        values = (
            decision.kind,
            decision.beat_id,
            decision.chunk,
            decision.shot,
            decision.first_frame,
            decision.outcome,
            decision.frames,
        )
        what = f"what became of beat {decision.beat_id!r}"
        self._write(what, "INSERT INTO decisions VALUES (NULL,?,?,?,?,?,?,?)", values)

    def add_chunk(self, entry: ChunkEntry) -> None:
        """Writes that a chunk's frames are on disk; written again, it replaces what was there."""
        values = (
            entry.number,
            entry.shot,
            entry.chunk,
            entry.beat_id,
            entry.first_frame,
            entry.first_in_shot,
            json.dumps(entry.checksums),
        )
        self._write(f"chunk {entry.number}", "INSERT OR REPLACE INTO chunks VALUES (?,?,?,?,?,?,?)", values)

    def add_shot(self, entry: ShotEntry) -> None:
        """Writes that a shot is history."""
        values = (entry.shot, entry.frames)
        self._write(f"shot {entry.shot}", "INSERT OR REPLACE INTO shots VALUES (?,?)", values)

    def _write(self, what: str, sql: str, values: tuple[object, ...]) -> None:
        with self._lock:
            try:
                self._database.execute(sql, values)
            except sqlite3.Error as error:
                # An error such as a full disk may leave the statement's own transaction open.
                with contextlib.suppress(sqlite3.Error):
                    if self._database.in_transaction:
                        self._database.rollback()
                raise cannot_write(self.path, what, error) from error

    # -- reading ---------------------------------------------------------------------------------------

    def story(self) -> tuple[Opening, StoryState, str | None, float | None] | None:
        """How the story was opened, how it stands, why, and when it ended; None if it is not there."""
        rows = self._read("SELECT opening, state, reason, ended FROM story", _story_row, [])
        return rows[0] if rows else None

    def beats(self, damage: list[str]) -> list[AcceptedBeat]:
        """The beats in the order of acceptance; what cannot be read is told in `damage`."""
        return self._read(
            "SELECT id, text, mode, policy, chunks, client, accepted FROM beats ORDER BY place",
            lambda r: AcceptedBeat(Beat(id=r[0], text=r[1], mode=r[2], policy=r[3], chunks=r[4]), *r[5:]),
            damage,
        )

    def wishes(self, damage: list[str]) -> list[WishEntry]:
        """The wishes in order."""
        sql = "SELECT wish, beat_id FROM wishes ORDER BY place"
        return self._read(sql, lambda r: WishEntry(Wish(r[0]), r[1]), damage)

    def decisions(self, damage: list[str]) -> list[Decision]:
        """What became of beats, in order."""
        return self._read(
            "SELECT kind, beat_id, chunk, shot, first_frame, outcome, frames FROM decisions ORDER BY place",
            lambda r: Decision(Decided(r[0]), *r[1:]),
            damage,
        )

    def chunks(self, damage: list[str]) -> list[ChunkEntry]:
        """The chunks on disk, in order."""
        return self._read(
            f"{_CHUNK} ORDER BY number",
            _chunk_row,
            damage,
        )

    def chunk_with(self, frame: int) -> ChunkEntry | None:
        """The chunk on disk that has a frame, or else the first one after it."""
        before = self._read(
            f"{_CHUNK} WHERE first_frame <= ? ORDER BY first_frame DESC LIMIT 1", _chunk_row, [], frame
        )
        if before and frame < before[0].first_frame + before[0].frames:
            return before[0]
        after = self._read(
            f"{_CHUNK} WHERE first_frame > ? ORDER BY first_frame LIMIT 1", _chunk_row, [], frame
        )
        return after[0] if after else None

    def shots(self, damage: list[str]) -> list[ShotEntry]:
        """The shots that are history, in order."""
        sql = "SELECT shot, frames FROM shots ORDER BY shot"
        return self._read(sql, lambda r: ShotEntry(*r), damage)

    def check(self) -> list[str]:
        """What SQLite finds damaged in its file."""
        with self._lock:
            try:
                found = [row[0] for row in self._database.execute("PRAGMA quick_check(5)")]
            except sqlite3.Error as error:
                return [f"{self.path}: {error}"]
        return [f"{self.path}: {problem}" for problem in found if problem != "ok"]

    def _read(self, sql: str, make: Callable[[Any], _Row], damage: list[str], *values: int) -> list[_Row]:
        rows: list[_Row] = []
        with self._lock:
            try:
                rows.extend(make(row) for row in self._rows(sql, values))
            except (sqlite3.Error, ValueError, TypeError) as error:
                table = sql.partition(" FROM ")[2].partition(" ")[0]
                damage.append(f"{self.path}: {table}: only the first {len(rows)} can be read: {error}")
        return rows

    def _rows(self, sql: str, values: tuple[int, ...]) -> Iterator[Any]:
        yield from self._database.execute(sql, values)


def _chunk_row(row: Any) -> ChunkEntry:
    return ChunkEntry(row[0], row[1], row[2], row[3], row[4], row[5], tuple(json.loads(row[6])))


def _story_row(row: Any) -> tuple[Opening, StoryState, str | None, float | None]:
    return Opening(**json.loads(row[0])), StoryState(row[1]), row[2], row[3]
