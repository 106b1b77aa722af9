# SPDX-License-Identifier: Apache-2.0
"""The stories in a journal's folder: listed, found, opened again, deleted."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .entries import Opening, StoryState
from .errors import JournalError
from .journal_lock import LOCK_NAME, JournalLock
from .records import FILE_NAME, StoryRecords
from .story_folder import StoryFolder
from .story_reader import StoredStory, StoryReader

STORIES: Final = "stories"
"""Folder of the stories inside a journal's."""


@dataclass(frozen=True, slots=True)
class StoryListing:
    """One story of a journal.

    Attributes:
        number: Its number in the journal, which no other story there ever has at the same time.
        path: Its folder.
        story: What is recorded of it.
    """

    number: int
    path: Path
    story: StoredStory

    def size(self) -> int:
        """Bytes of all its files."""
        return StoryFolder(self.path).size()


def list_stories(folder: Path) -> list[StoryListing]:
    """The stories of a journal, the oldest first; also while a server writes to it.

    Raises:
        JournalError: There is no such folder, or it is no journal.
    """
    if not (folder / STORIES).is_dir():
        if (folder / LOCK_NAME).exists():
            return []
        raise JournalError(folder, "is no journal; name the folder that shotstream serve --journal was given")
    return [StoryListing(number, path, StoryReader(path).read()) for number, path in story_folders(folder)]


def find_story(folder: Path, name: str) -> StoryListing:
    """A story by its number in the journal, or else by its name: the newest of that name.

    The number comes first: clients choose names, and none is to be taken for another story's number.

    Raises:
        JournalError: There is none.
    """
    stories = list_stories(folder)
    for listing in stories:
        if name.isdecimal() and listing.number == int(name):
            return listing
    for listing in reversed(stories):
        opening = listing.story.opening
        if opening is not None and opening.story_id == name:
            return listing
    raise JournalError(folder, f"has no story {name!r}; shotstream stories list shows those it has")


def delete_story(listing: StoryListing, journal: Path) -> None:
    """Deletes a story with its frames.

    Raises:
        JournalError: It is open or suspended, so that a server may write to it, or a file cannot be removed.
    """
    if listing.story.state in (StoryState.OPEN, StoryState.SUSPENDED):
        lock = JournalLock(journal)
        try:
            remove(listing.path)
        finally:
            lock.release()
    else:
        remove(listing.path)


def reopen_story(listing: StoryListing, journal: Path) -> None:
    """Opens a story again that has ended: the next server goes on with it.

    What its client had asked of its end is void.

    Raises:
        JournalError: A server uses the journal, the story's records are damaged, or they cannot be written.
    """
    if listing.story.opening is None:
        raise JournalError(listing.path, f"the story cannot go on: {listing.story.damage[0]}")
    lock = JournalLock(journal)
    try:
        records = StoryRecords(listing.path, writable=True)
        try:
            records.reopen_story()
        finally:
            records.close()
    finally:
        lock.release()


def story_folders(folder: Path) -> Iterator[tuple[int, Path]]:
    """Number and folder of each story, the oldest first."""
    stories = folder / STORIES
    if not stories.is_dir():
        return
    for path in sorted(stories.iterdir()):
        if path.name.isdecimal() and path.is_dir():
            yield int(path.name), path


def opening_of(path: Path) -> Opening | None:
    """How a story was opened; None if that is lost."""
    story = _entry_of(path)
    return None if story is None else story[0]


def end_of(path: Path) -> float | None:
    """When a story ended or was suspended, Unix seconds; None if it is open, or that is lost."""
    story = _entry_of(path)
    return None if story is None else story[3]


def _entry_of(path: Path) -> tuple[Opening, StoryState, str | None, float | None] | None:
    """How a story was opened and how it stands, without the rest of its records; None if that is lost."""
    try:
        with contextlib.closing(StoryRecords(path, writable=False)) as records:
            return records.story()
    except JournalError:
        return None


def remove(path: Path) -> None:
    """Deletes a story's folder.

    Raises:
        JournalError: A file cannot be removed.
    """
    try:
        # The records first: what is interrupted in the middle is no story any more, but a rest without one.
        for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
            (path / name).unlink(missing_ok=True)
        shutil.rmtree(path)
    except OSError as error:
        raise JournalError(path, f"cannot be deleted: {error.strerror or error}") from error
