# SPDX-License-Identifier: Apache-2.0
"""Writing one story: what must be on disk at once is, and frames follow on a thread of their own."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from torch import Tensor

from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.shot_frames import HistoryFrame

from .chunk_movie import Pixels, checksums, encode_chunk
from .durable_files import make_folder_durably, write_durably
from .entries import AcceptedBeat, ChunkEntry, Decision, Opening, ShotEntry, StoryState, Wish, WishEntry
from .errors import JournalError, cannot_write
from .records import StoryRecords
from .state_files import write_history, write_latents
from .story_folder import StoryFolder

_MOST_BEHIND = 6
"""Chunks that may wait to be written, of one story; more of them would only fill the memory."""


class StoryJournal:
    """The journal of one story, for the server that generates it.

    `accept` and `wish` return when what they write is on disk. `decide`, `add_chunk`, `add_shot` and `end`
    return at once; `decided` waits for the decisions, which frames must not overtake on their way out.

    Args:
        path: The story's folder.
        records: Its records, open for writing.
        deciding: One thread that writes decisions.
        filing: One thread that encodes and writes frames.
        history_shots: As many finished shots can be asked for condition frames.

    Attributes:
        failure: Why it can no longer be written, once that is so.
        filed: Called, on the thread that writes, with the number of frames that are on disk.
    """

    def __init__(
        self,
        path: Path,
        records: StoryRecords,
        deciding: ThreadPoolExecutor,
        filing: ThreadPoolExecutor,
        history_shots: int,
    ) -> None:
        self.folder = StoryFolder(path)
        self.records = records
        self.failure: JournalError | None = None
        self.filed: Callable[[int], None] = lambda _: None
        self._deciding, self._filing = deciding, filing
        self._history_shots = history_shots
        self._last_decision: Future[None] | None = None
        self._last_filing: Future[None] | None = None
        self._behind = 0
        self._counting = threading.Lock()

    # -- on disk when it returns -----------------------------------------------------------------------

    def open(self, opening: Opening) -> None:
        """Writes how the story was opened.

        Raises:
            JournalError: It cannot be written.
        """
        try:
            make_folder_durably(self.folder.state)
        except OSError as error:
            raise cannot_write(self.folder.path, "the story's folder", error) from error
        self.records.open_story(opening)

    def accept(self, beat: Beat, client: str) -> None:
        """Writes a beat; only after that may its client be told that it is accepted.

        Raises:
            JournalError: It cannot be written.
        """
        self.records.add_beat(AcceptedBeat(beat, client, time.time()))

    def wish(self, wish: Wish, beat_id: str | None = None) -> None:
        """Writes what a client asked beyond beats, before it is told that this is granted.

        Raises:
            JournalError: It cannot be written.
        """
        self.records.add_wish(WishEntry(wish, beat_id))

    def settle(self, timeout: float | None = None) -> None:
        """Waits until everything handed over is on disk, or has failed.

        Raises:
            TimeoutError: It takes longer than `timeout` seconds.
        """
        for last in (self._last_filing, self._last_decision):
            if last is not None:
                last.result(timeout)

    def close(self) -> None:
        """Writes what waits and closes the records; the story stays as it is, to be gone on with."""
        self.settle()
        self.records.close()

    # -- from the generating thread --------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """False while so many chunks wait to be written that generation should wait."""
        return self.failure is not None or self._behind < _MOST_BEHIND

    @property
    def behind(self) -> int:
        """Chunks that wait to be on disk."""
        return self._behind

    def decide(self, decision: Decision) -> None:
        """Hands over what became of a beat."""
        self._last_decision = self._deciding.submit(self._guard, lambda: self.records.add_decision(decision))

    def decided(self) -> None:
        """Waits until all decisions are on disk.

        Raises:
            JournalError: They cannot be written, or something before them could not.
        """
        if self._last_decision is not None:
            self._last_decision.result()
            self._last_decision = None
        if self.failure is not None:
            raise self.failure

    def add_chunk(
        self,
        *,
        number: int,
        shot: int,
        chunk: int,
        beat_id: str,
        first_frame: int,
        first_in_shot: int,
        pixels: list[Pixels],
        latents: Tensor,
        fps: float,
    ) -> None:
        """Hands over a finished chunk; its frames count as durable once its entry is in the records.

        Args:
            number: The chunk's number in the story.
            shot: Its shot.
            chunk: Its number in the shot.
            beat_id: The beat that governs it.
            first_frame: Index in the story of its first frame.
            first_in_shot: The same in the shot.
            pixels: ``uint8 [n, H, W, 3]`` each, in order.
            latents: Clean latents ``[1, frames, channels, h, w]``.
            fps: Frames per second.
        """

        def write() -> None:
            try:
                pictures = np.concatenate(pixels)
                tags = {"title": f"shot {shot}, chunk {chunk}", "comment": f"beat {beat_id}"}
                path = self.folder.chunk_movie(shot, chunk)
                self._file(path, lambda: write_durably(path, encode_chunk(pictures, fps, tags)))
                kept = self.folder.latents(shot, chunk)
                self._file(kept, lambda: write_latents(kept, latents))
                sums = tuple(checksums(pictures))
                self.records.add_chunk(
                    ChunkEntry(number, shot, chunk, beat_id, first_frame, first_in_shot, sums)
                )
                self.filed(first_frame + len(sums))
            finally:
                with self._counting:
                    self._behind -= 1

        with self._counting:
            self._behind += 1
        self._last_filing = self._filing.submit(self._guard, write)

    def add_shot(self, shot: int, frames: int, history: Mapping[int, HistoryFrame]) -> None:
        """Hands over a shot that has become history.

        Args:
            shot: Its number.
            frames: Its length.
            history: Its condition frames, by index in the shot.
        """

        def write() -> None:
            path = self.folder.history(shot)
            self._file(path, lambda: write_history(path, history))
            self.records.add_shot(ShotEntry(shot, frames))
            # One more than can be asked: after a crash this very shot may have to be begun again.
            oldest = shot - self._history_shots
            for old in (*self.folder.latents_before(shot), *self.folder.histories_before(oldest)):
                _remove(old)

        self._last_filing = self._filing.submit(self._guard, write)

    def end(self, state: StoryState, reason: str | None = None) -> None:
        """Hands over that the story is over; it is written after everything that waits.

        What only going on needs is removed of a story that ran to its end. One that was stopped or failed
        can be gone on with later.
        """

        def write() -> None:
            self.records.end_story(state, reason, time.time())
            if state is StoryState.DRAINED:
                for path in (*self.folder.latents_before(_EVERY), *self.folder.histories_before(_EVERY)):
                    _remove(path)

        self._last_filing = self._filing.submit(self._guard, write)

    def release(self) -> None:
        """Hands over that nothing more comes: the records are closed after everything that waits."""
        self._last_filing = self._filing.submit(self.close_records)

    def close_records(self) -> None:
        """Closes the records once the decisions are written."""
        if self._last_decision is not None:
            self._last_decision.result()
        self.records.close()

    def _file(self, path: Path, write: Callable[[], None]) -> None:
        try:
            make_folder_durably(path.parent)
            write()
        except OSError as error:
            raise cannot_write(path, "the file", error) from error

    def _guard(self, write: Callable[[], None]) -> None:
        """Nothing is written after something could not be: what is on disk has no gap."""
        if self.failure is not None:
            return
        try:
            write()
        except JournalError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 - of the encoder, or for want of memory: no gap either
            why = f"cannot be written: {type(error).__name__}: {error}; what was written before is kept"
            self.failure = JournalError(self.folder.path, why)


_EVERY = 2**62


def _remove(path: Path) -> None:
    # What is left behind is removed with the next shot, or with the story.
    with contextlib.suppress(OSError):
        path.unlink()
