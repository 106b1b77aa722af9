# SPDX-License-Identifier: Apache-2.0
"""Reading a story back, and saying what of it is damaged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .chunk_movie import Pixels, checksums, decode_chunk
from .entries import AcceptedBeat, ChunkEntry, Decision, Opening, ShotEntry, StoryState, WishEntry
from .errors import JournalError
from .records import StoryRecords
from .story_folder import StoryFolder


@dataclass(frozen=True, slots=True)
class StoredStory:
    """Everything recorded of a story but its frames, as far as it can be read.

    Attributes:
        opening: How it was opened; None where that is lost, and with it the means to go on.
        state: How it stands.
        reason: Why it ended.
        ended: When it ended, seconds since 1970.
        beats: Accepted beats, in order.
        wishes: What else clients asked, in order.
        decisions: What became of beats, in order.
        chunks: Chunks whose frames are on disk, in order.
        shots: Shots that are history, in order.
        damage: What could not be read, one sentence each.
    """

    opening: Opening | None
    state: StoryState
    reason: str | None
    ended: float | None
    beats: list[AcceptedBeat] = field(default_factory=list)
    wishes: list[WishEntry] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    chunks: list[ChunkEntry] = field(default_factory=list)
    shots: list[ShotEntry] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """Frames that are on disk."""
        return sum(chunk.frames for chunk in self.chunks)

    @property
    def frames_in_a_row(self) -> int:
        """Frames that are on disk, from the first one to where there is a gap."""
        frames = 0
        for chunk in self.chunks:
            if chunk.first_frame != frames:
                break
            frames += chunk.frames
        return frames


@dataclass(frozen=True, slots=True, eq=False)
class StoredFrame:
    """A frame read back.

    Attributes:
        index: Number in the story.
        shot: Its shot.
        index_in_shot: Number in the shot.
        chunk: Number of its chunk in the shot.
        beat_id: The beat that governs it.
        pixels: ``uint8 [H, W, 3]``, RGB, as they were generated, bit for bit.
    """

    index: int
    shot: int
    index_in_shot: int
    chunk: int
    beat_id: str
    pixels: Pixels


class StoryReader:
    """Reads one story's folder; also while a server writes to it.

    Attributes:
        folder: Where its files lie.
        damage: What was found damaged while frames were read, one sentence each.
    """

    def __init__(self, path: Path) -> None:
        self.folder = StoryFolder(path)
        self.damage: list[str] = []

    def read(self, *, check: bool = False) -> StoredStory:
        """Reads the records.

        Args:
            check: Whether SQLite is to look through the whole file for damage as well.
        """
        damage: list[str] = []
        try:
            records = StoryRecords(self.folder.path, writable=False)
        except JournalError as error:
            return StoredStory(None, StoryState.FAILED, str(error), None, damage=[str(error)])
        with contextlib.closing(records):
            if check:
                damage += records.check()
            story = records.story()
            if story is None:
                damage.append(f"{records.path}: how the story was opened cannot be read")
            opening, state, reason, ended = story or (None, StoryState.FAILED, None, None)
            return StoredStory(
                opening,
                state,
                reason,
                ended,
                beats=records.beats(damage),
                wishes=records.wishes(damage),
                decisions=records.decisions(damage),
                chunks=records.chunks(damage),
                shots=records.shots(damage),
                damage=damage,
            )

    def frames(self, story: StoredStory, *, first: int = 0, shot: int | None = None) -> Iterator[StoredFrame]:
        """Reads frames in order; those that are damaged are left out and told in `damage`.

        Args:
            story: As read before.
            first: Index in the story of the first frame wanted.
            shot: Only the frames of this shot.
        """
        for entry in story.chunks:
            if entry.first_frame + entry.frames <= first or shot not in (None, entry.shot):
                continue
            yield from (frame for frame in self._stored(entry) if frame.index >= first)

    def chunk_from(self, first: int) -> tuple[list[StoredFrame], int]:
        """Reads the frames of one chunk; those that are damaged are left out and told in `damage`.

        Args:
            first: Index in the story of the first frame wanted.

        Returns:
            The frames of its chunk, or of the next one on disk, from there on; and the index of the frame
            after that chunk, or `first` if there is none.

        Raises:
            JournalError: The records cannot be read.
        """
        with contextlib.closing(StoryRecords(self.folder.path, writable=False)) as records:
            entry = records.chunk_with(first)
        if entry is None:
            return [], first
        frames = [frame for frame in self._stored(entry) if frame.index >= first]
        return frames, entry.first_frame + entry.frames

    def frames_without_records(self) -> Iterator[StoredFrame]:
        """Reads what frames there are by their files alone, for a story whose records are lost."""
        index, running, in_shot = 0, -1, 0
        for shot, chunk, path in self.folder.chunk_movies():
            if shot != running:
                running, in_shot = shot, 0
            for pixels in self._decode(path):
                yield StoredFrame(index, shot, in_shot, chunk, "", pixels)
                index, in_shot = index + 1, in_shot + 1

    def _stored(self, entry: ChunkEntry) -> Iterator[StoredFrame]:
        for number, pixels in enumerate(self._whole_frames(entry)):
            yield StoredFrame(
                index=entry.first_frame + number,
                shot=entry.shot,
                index_in_shot=entry.first_in_shot + number,
                chunk=entry.chunk,
                beat_id=entry.beat_id,
                pixels=pixels,
            )

    def _whole_frames(self, entry: ChunkEntry) -> list[Pixels]:
        path = self.folder.chunk_movie(entry.shot, entry.chunk)
        frames = self._decode(path)
        whole: list[Pixels] = []
        for pixels, wanted, actual in zip(frames, entry.checksums, checksums(frames), strict=False):
            if wanted != actual:
                break
            whole.append(pixels)
        if len(whole) < entry.frames:
            lost = entry.frames - len(whole)
            first = entry.first_frame + len(whole)
            last = entry.first_frame + entry.frames - 1
            self.damage.append(
                f"{path}: {lost} of {entry.frames} frames are damaged (frames {first} to {last} of the story)"
            )
        return whole

    def _decode(self, path: Path) -> list[Pixels]:
        try:
            return decode_chunk(path.read_bytes())
        except OSError as error:
            self.damage.append(f"{path}: cannot be read: {error.strerror or error}")
            return []
