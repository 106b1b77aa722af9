# SPDX-License-Identifier: Apache-2.0
"""Fetching the published weights: only the files that are read, resumable, checked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from .checksum import OnBytes, git_blob_id_of, sha256_of
from .errors import FetchError
from .hub import Hub, RemoteFile, Source
from .record import FetchRecord, RecordedFile

PUBLISHED_SOURCES = (
    Source("KlingTeam/ShotStream", ("shotstream_merged.pt",)),
    Source(
        "Wan-AI/Wan2.1-T2V-1.3B",
        (
            "Wan2.1_VAE.pth",
            "models_t5_umt5-xxl-enc-bf16.pth",
            "google/umt5-xxl/tokenizer.json",
            "google/umt5-xxl/tokenizer_config.json",
            "google/umt5-xxl/special_tokens_map.json",
            "google/umt5-xxl/spiece.model",
        ),
    ),
)
"""Where the published student, its autoencoder and its text encoder come from."""

PARTIAL_FOLDER = ".partial"
"""Where files stay until they are whole and checked."""

_RESERVE_BYTES = 256 << 20
"""Left free on the disk: filling it to the last byte harms whatever else runs there."""


@dataclass(frozen=True)
class FetchSummary:
    """What a fetch did.

    Attributes:
        destination: The folder; `load_model` takes it.
        fetched: Files that were transferred, by path in the folder.
        kept: Files that were there already and are whole.
        transferred_bytes: Bytes that came over the network.
    """

    destination: Path
    fetched: tuple[str, ...]
    kept: tuple[str, ...]
    transferred_bytes: int


def fetch_weights(
    destination: Path,
    *,
    console: Console | None = None,
    endpoint: str | None = None,
    sources: Sequence[Source] = PUBLISHED_SOURCES,
) -> FetchSummary:
    """Fetches the published weights into a folder.

    May be interrupted at any time and asked for again: files that are whole stay, a file that was begun
    goes on where it stopped. Every file is compared with the checksum the hub states, and recorded in
    `weights.json`.

    Args:
        destination: The folder; it is created.
        console: Where progress is shown; standard error by default.
        endpoint: Address of the hub, if not that of huggingface_hub's settings.
        sources: What to fetch.

    Raises:
        FetchError: The hub cannot be reached or lacks a file, the disk has no room, a checksum differs, or
            another file is in the way. What has arrived is kept.
        WeightsError: The folder's record is damaged.
    """
    hub = Hub(endpoint)
    wanted = [file for source in sources for file in hub.describe(source)]
    with _writing(destination):
        (destination / PARTIAL_FOLDER).mkdir(parents=True, exist_ok=True)
        record = FetchRecord.read(destination) or FetchRecord()
        with _progress(console) as progress:
            fetch = _Fetch(hub, destination, record, progress)
            todo = [file for file in wanted if not fetch.is_whole(file)]
            _check_room(destination, todo)
            for file in todo:
                fetch.get(file)
        _remove_if_empty(destination / PARTIAL_FOLDER)
    fetched = tuple(file.path for file in todo)
    kept = tuple(file.path for file in wanted if file.path not in fetched)
    return FetchSummary(destination, fetched, kept, fetch.transferred)


class _Fetch:
    """One run: where files go, what is recorded, what is shown."""

    def __init__(self, hub: Hub, destination: Path, record: FetchRecord, progress: Progress) -> None:
        self._hub = hub
        self._destination = destination
        self._record = record
        self._progress = progress
        self.transferred = 0

    def is_whole(self, file: RemoteFile) -> bool:
        """Whether the file is there as published.

        Raises:
            FetchError: Another file is in its place, which no fetch has put there and none may replace.
        """
        path = self._destination / file.path
        recorded = self._record.files.get(file.path)
        if (
            recorded is not None
            and recorded.untouched(path)
            and recorded.sha256 == (file.sha256 or recorded.sha256)
        ):
            return True
        if not path.exists():
            return False
        if path.is_file() and path.stat().st_size == file.size:
            sha256 = self._checked(file, path)
            if sha256 is not None:
                self._note(file, path, sha256)
                return True
        if recorded is None:
            raise FetchError(
                f"{path} exists and is not the published file; move it away or fetch into another folder"
            )
        return False

    def get(self, file: RemoteFile) -> None:
        """Transfers, checks, puts into place and records one file."""
        partial = partial_path(self._destination, file)
        present = min(partial.stat().st_size, file.size) if partial.exists() else 0
        task = self._progress.add_task(file.path, total=file.size, completed=present)

        def on_bytes(count: int) -> None:
            self.transferred += max(count, 0)
            self._progress.advance(task, count)

        self._hub.download(file, partial, on_bytes)
        sha256 = self._checked(file, partial)
        if sha256 is None:
            found = sha256_of(partial) if file.sha256 else git_blob_id_of(partial)
            partial.unlink()
            raise FetchError(
                f"{file.path} arrived damaged: its checksum is {found}, the hub states "
                f"{file.sha256 or file.blob_id}; it was deleted, run the same command again"
            )
        path = self._destination / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(partial, path)
        self._note(file, path, sha256)

    def _checked(self, file: RemoteFile, path: Path) -> str | None:
        """The SHA-256 of a file whose content is the published one; None where it is not."""
        task = self._progress.add_task(f"checking {PurePosixPath(file.path).name}", total=path.stat().st_size)
        advance: OnBytes = lambda count: self._progress.advance(task, count)  # noqa: E731
        if file.sha256 is None and git_blob_id_of(path) != file.blob_id:
            return None
        sha256 = sha256_of(path, advance)
        return sha256 if sha256 == (file.sha256 or sha256) else None

    def _note(self, file: RemoteFile, path: Path, sha256: str) -> None:
        status = path.stat()
        self._record.files[file.path] = RecordedFile(
            repository=file.repository,
            revision=file.commit,
            size=status.st_size,
            sha256=sha256,
            modified_ns=status.st_mtime_ns,
        )
        self._record.write(self._destination)


def partial_path(destination: Path, file: RemoteFile) -> Path:
    """Where a file stays until it is whole; named by content, lest a new version goes on from an old one."""
    name = PurePosixPath(file.path).name
    return destination / PARTIAL_FOLDER / f"{name}.{(file.sha256 or file.blob_id)[:16]}"


def _check_room(destination: Path, todo: Sequence[RemoteFile]) -> None:
    """Refuses a fetch that cannot end well, before it begins.

    Raises:
        FetchError: The disk has not enough room; gives the numbers.
    """
    missing = 0
    for file in todo:
        partial = partial_path(destination, file)
        missing += file.size - (min(partial.stat().st_size, file.size) if partial.exists() else 0)
    free = shutil.disk_usage(destination).free
    if missing and missing + _RESERVE_BYTES > free:
        raise FetchError(
            f"{destination}: {_gb(missing)} are still to come and {_gb(_RESERVE_BYTES)} must stay free, "
            f"but the disk has {_gb(free)} left; free {_gb(missing + _RESERVE_BYTES - free)} "
            "or choose another folder"
        )


def _gb(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


@contextmanager
def _writing(destination: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FetchError(f"{destination}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _progress(console: Console | None) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console or Console(stderr=True)) as progress:
        yield progress


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
