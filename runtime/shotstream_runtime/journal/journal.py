# SPDX-License-Identifier: Apache-2.0
"""A server's hold on a folder of stories."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from .catalogue import STORIES, StoryListing, opening_of, story_folders
from .durable_files import make_folder_durably
from .entries import Opening, StoryState
from .errors import JournalError, cannot_write
from .journal_lock import JournalLock
from .records import FILE_NAME, StoryRecords
from .retention import Retention, enforce_retention
from .story_journal import StoryJournal
from .story_reader import StoredFrame, StoryReader

_log = logging.getLogger(__name__)

_DEFAULT_HISTORY_SHOTS: Final = 6

_T = TypeVar("_T")


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
            opening.story_id: path for _, path in story_folders(folder) if (opening := opening_of(path))
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
        opening = None if path is None else opening_of(path)
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
        return [StoryListing(n, path, StoryReader(path).read()) for n, path in story_folders(self.folder)]

    def _open(self, path: Path) -> StoryJournal:
        records = StoryRecords(path, writable=True)
        return StoryJournal(path, records, self._deciding, self._filing, self.history_shots)

    def _new_folder(self) -> Path:
        stories = self.folder / STORIES
        # The number of a deleted story is not given to another one: its name may still lead there.
        number = max((self._last_number, *(number for number, _ in story_folders(self.folder)))) + 1
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
