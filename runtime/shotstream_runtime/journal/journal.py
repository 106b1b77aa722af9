# SPDX-License-Identifier: Apache-2.0
"""A folder of stories: who may write to it, which stories it holds, and which of them have to go."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from .durable_files import make_folder_durably
from .entries import Opening, StoryState
from .errors import JournalError, cannot_write
from .records import FILE_NAME, StoryRecords
from .story_folder import StoryFolder
from .story_journal import StoryJournal
from .story_reader import StoredFrame, StoredStory, StoryReader

_log = logging.getLogger(__name__)

_LOCK_NAME: Final = "journal.lock"
_STORIES: Final = "stories"
_DEFAULT_HISTORY_SHOTS: Final = 6

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Retention:
    """How long stories are kept that have ended or were suspended; open ones always are.

    Attributes:
        max_age_s: Seconds since a story ended or was suspended; None for ever.
        max_bytes: Of all stories together, open ones included; None for any.
    """

    max_age_s: float | None = None
    max_bytes: int | None = None


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


class JournalLock:
    """The right to write to a journal; ends with the process, however that ends.

    It is a transaction on a small SQLite file: every system lets go of it when a process is killed.

    Raises:
        JournalError: Another process has it, or the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / _LOCK_NAME
        try:
            make_folder_durably(folder)
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise cannot_write(folder, "the journal", error) from error
        try:
            self._database.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._database.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise JournalError(
                    folder, "another server writes to this journal; stop it, or name another --journal"
                ) from error
            raise cannot_write(path, "the journal's lock", error) from error

    def release(self) -> None:
        """Gives the right back."""
        self._database.close()


class Journal:
    """A journal for a server: entered as a context, it is nobody else's to write.

    Args:
        folder: Where the stories lie; made if it is missing.
        retention: Which ended stories have to go.

    Attributes:
        history_shots: Of so many finished shots the condition frames are kept; as many as the model has.

    Raises:
        JournalError: Another server writes to it, or it cannot be written.
    """

    def __init__(self, folder: Path, *, retention: Retention | None = None) -> None:
        self.folder = folder
        self.history_shots = _DEFAULT_HISTORY_SHOTS
        self._retention = retention or Retention()
        self._lock = JournalLock(folder)
        self._granting = ThreadPoolExecutor(1, "shotstream-requests")
        self._finding = ThreadPoolExecutor(1, "shotstream-revival")
        self._deciding = ThreadPoolExecutor(1, "shotstream-decisions")
        self._filing = ThreadPoolExecutor(1, "shotstream-journal")
        self._last_number = 0
        # Held while stories are deleted for their age, and while one is opened again.
        self._reopening = threading.Lock()
        # The newest story of each name. Read once: a client may ask for any name, as often as it likes.
        self._by_name = {
            opening.story_id: path for _, path in _story_folders(folder) if (opening := _opening_of(path))
        }

    def create(self, opening: Opening) -> StoryJournal:
        """Begins a story's journal; it is on disk when this returns.

        Raises:
            JournalError: It cannot be written.
        """
        path = self._new_folder()
        story: StoryJournal | None = None
        try:
            story = self._open(path)
            story.open(opening)
        except JournalError:
            if story is not None:
                story.records.close()
            shutil.rmtree(path, ignore_errors=True)
            raise
        self._by_name[opening.story_id] = path
        return story

    def has(self, story_id: str) -> bool:
        """Whether there is a story of this name. Looks at no file."""
        return story_id in self._by_name

    def find(self, story_id: str) -> StoryListing | None:
        """The newest story of a name, once what was handed over of it is on disk; None for none."""
        path = self._by_name.get(story_id)
        if path is None:
            return None
        self._deciding.submit(_nothing).result()
        self._filing.submit(_nothing).result()
        if not (path / FILE_NAME).exists():
            self._by_name.pop(story_id, None)  # deleted by hand, or by age
            return None
        return StoryListing(int(path.name), path, StoryReader(path).read())

    def read_chunk(self, story_id: str, first: int) -> tuple[list[StoredFrame], int, list[str]]:
        """Reads frames of the newest story of a name; see `StoryReader.chunk_from`.

        Returns:
            The frames, the index to go on with, and what of them is damaged.

        Raises:
            JournalError: There is no such story, or its records cannot be read.
        """
        path = self._by_name.get(story_id)
        if path is None:
            raise JournalError(self.folder, f"has no story {story_id!r}")
        reader = StoryReader(path)
        frames, following = reader.chunk_from(first)
        return frames, following, reader.damage

    def opening(self, story_id: str) -> Opening:
        """How the newest story of a name was opened.

        Raises:
            JournalError: There is no such story, or its records cannot be read.
        """
        path = self._by_name.get(story_id)
        opening = None if path is None else _opening_of(path)
        if opening is None:
            raise JournalError(self.folder, f"has no story {story_id!r}")
        return opening

    def grant_later(self, write: Callable[[], _T]) -> Future[_T]:
        """Has something written that a request waits for, after what waits already.

        Raises:
            JournalError: The journal is closed.
        """
        return self._later(self._granting, write)

    def find_later(self, find: Callable[[], _T]) -> Future[_T]:
        """Has a story looked for, which may take its time, after others that are.

        Raises:
            JournalError: The journal is closed.
        """
        return self._later(self._finding, find)

    def _later(self, thread: ThreadPoolExecutor, do: Callable[[], _T]) -> Future[_T]:
        try:
            return thread.submit(do)
        except RuntimeError as error:
            raise JournalError(self.folder, "is closed: the server is stopping") from error

    def reopen(self, listing: StoryListing) -> StoryJournal:
        """Goes on with a story's journal; a story that has ended counts as open again.

        Raises:
            JournalError: It cannot be written, or was deleted meanwhile.
        """
        with self._reopening:
            if not (listing.path / FILE_NAME).exists():
                raise JournalError(listing.path, "the story was deleted meanwhile; open a new one")
            story = self._open(listing.path)
            if listing.story.state is not StoryState.OPEN:
                story.records.end_story(StoryState.OPEN, None, time.time())
            return story

    def open_stories(self) -> list[StoryListing]:
        """The stories that had not ended when the journal was written to last, the oldest first."""
        return [listing for listing in self._listings() if listing.story.state is StoryState.OPEN]

    def enforce_retention(self) -> list[int]:
        """Deletes the ended stories that have to go, the oldest first; returns their numbers."""
        with self._reopening:
            return enforce_retention(self.folder, self._retention)

    def enforce_retention_later(self) -> None:
        """Does `enforce_retention` once everything that waits is written."""
        if self._retention != Retention():
            self._filing.submit(self._enforce)

    def _enforce(self) -> None:
        try:
            self.enforce_retention()
        except JournalError as error:
            _log.warning("%s", error)

    def close(self) -> None:
        """Writes what waits and lets others write."""
        self._finding.shutdown(cancel_futures=True)
        self._granting.shutdown()
        self._filing.shutdown()
        self._deciding.shutdown()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _listings(self) -> list[StoryListing]:
        return [StoryListing(n, path, StoryReader(path).read()) for n, path in _story_folders(self.folder)]

    def _open(self, path: Path) -> StoryJournal:
        records = StoryRecords(path, writable=True)
        return StoryJournal(path, records, self._deciding, self._filing, self.history_shots)

    def _new_folder(self) -> Path:
        stories = self.folder / _STORIES
        # The number of a deleted story is not given to another one: its name may still lead there.
        number = max((self._last_number, *(number for number, _ in _story_folders(self.folder)))) + 1
        self._last_number = number
        path = stories / f"{number:06d}"
        try:
            make_folder_durably(stories)
            make_folder_durably(path)
        except OSError as error:
            raise cannot_write(path, "the story's folder", error) from error
        return path


def _nothing() -> None:
    """What a queue has come to when everything before it is done."""


def list_stories(folder: Path) -> list[StoryListing]:
    """The stories of a journal, the oldest first; also while a server writes to it.

    Raises:
        JournalError: There is no such folder, or it is no journal.
    """
    if not (folder / _STORIES).is_dir():
        if (folder / _LOCK_NAME).exists():
            return []
        raise JournalError(folder, "is no journal; name the folder that shotstream serve --journal was given")
    return [StoryListing(number, path, StoryReader(path).read()) for number, path in _story_folders(folder)]


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
            _remove(listing.path)
        finally:
            lock.release()
    else:
        _remove(listing.path)


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


def enforce_retention(folder: Path, retention: Retention) -> list[int]:
    """Deletes the ended stories of a journal that have to go, the oldest first; returns their numbers.

    Raises:
        JournalError: A file cannot be removed.
    """
    if retention.max_age_s is None and retention.max_bytes is None:
        return []
    stories = list(_story_folders(folder))
    sizes = {}
    if retention.max_bytes is not None:
        sizes = {number: StoryFolder(path).size() for number, path in stories}
    total = sum(sizes.values())
    now = time.time()
    ended = [(when, number, path) for number, path in stories if (when := _end_of(path)) is not None]
    gone = []
    for when, number, path in sorted(ended):
        old = retention.max_age_s is not None and now - when > retention.max_age_s
        if not old and (retention.max_bytes is None or total <= retention.max_bytes):
            continue
        _remove(path)
        total -= sizes.get(number, 0)
        gone.append(number)
    return gone


def _story_folders(folder: Path) -> Iterator[tuple[int, Path]]:
    stories = folder / _STORIES
    if not stories.is_dir():
        return
    for path in sorted(stories.iterdir()):
        if path.name.isdecimal() and path.is_dir():
            yield int(path.name), path


def _opening_of(path: Path) -> Opening | None:
    story = _entry_of(path)
    return None if story is None else story[0]


def _end_of(path: Path) -> float | None:
    story = _entry_of(path)
    return None if story is None else story[3]


def _entry_of(path: Path) -> tuple[Opening, StoryState, str | None, float | None] | None:
    """How a story was opened and how it stands, without the rest of its records; None if that is lost."""
    try:
        with contextlib.closing(StoryRecords(path, writable=False)) as records:
            return records.story()
    except JournalError:
        return None


def _remove(path: Path) -> None:
    try:
        # The records first: what is interrupted in the middle is no story any more, but a rest without one.
        for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
            (path / name).unlink(missing_ok=True)
        shutil.rmtree(path)
    except OSError as error:
        raise JournalError(path, f"cannot be deleted: {error.strerror or error}") from error
