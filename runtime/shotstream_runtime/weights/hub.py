# SPDX-License-Identifier: Apache-2.0
"""What the Hugging Face hub states about the published files, and their transfer.

The hub's own downloader starts anew after its process has ended (recent versions delete the partial file).
A text encoder of 11 GB deserves better: files arrive in a partial file of ours, named by their checksum,
and go on from its end whenever they are asked for again.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import (
    are_progress_bars_disabled,
    build_hf_headers,
    disable_progress_bars,
    enable_progress_bars,
    logging,
)

from .checksum import OnBytes
from .errors import FetchError

_ATTEMPTS_WITHOUT_PROGRESS = 3
_BAR_GROUP = "huggingface_hub.http_get"


@dataclass(frozen=True)
class Source:
    """Files wanted of one repository.

    Attributes:
        repository: `owner/name` on the hub.
        files: Paths in the repository, which are also those in the destination.
        revision: Branch, tag or commit.
    """

    repository: str
    files: tuple[str, ...]
    revision: str = "main"


@dataclass(frozen=True)
class RemoteFile:
    """One file as the hub states it.

    Attributes:
        repository: `owner/name` on the hub.
        commit: Commit of the repository.
        remote_path: Path in the repository.
        path: Path in the destination.
        size: Bytes.
        sha256: Checksum; the hub states it for large files only.
        blob_id: Git's id of the content, for the others.
    """

    repository: str
    commit: str
    remote_path: str
    path: str
    size: int
    sha256: str | None
    blob_id: str


class Hub:
    """A connection to the hub.

    Args:
        endpoint: Address of the hub; that of huggingface_hub's settings by default.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        self._api = HfApi(endpoint=self.endpoint)

    def describe(self, source: Source) -> list[RemoteFile]:
        """Sizes and checksums of a source's files at its revision's newest commit.

        Raises:
            FetchError: The hub cannot be reached, or has no such repository, revision or file.
        """
        with self._explained(source.repository, source.revision):
            commit = self._api.model_info(source.repository, revision=source.revision).sha
            found = self._paths(source.repository, commit, list(source.files))
            lacking = [path for path in source.files if path not in found]
            if lacking:
                found |= self._moved(source.repository, commit, lacking)
        return [
            RemoteFile(
                repository=source.repository,
                commit=commit,
                remote_path=found[path].path,
                path=path,
                size=found[path].size,
                sha256=found[path].lfs.sha256 if found[path].lfs else None,
                blob_id=found[path].blob_id,
            )
            for path in source.files
        ]

    def download(self, file: RemoteFile, partial: Path, on_bytes: OnBytes) -> None:
        """Fetches a file into `partial`, going on from what is there.

        Raises:
            FetchError: The connection failed for good, or the disk is full. `partial` keeps what has arrived.
        """
        if partial.exists() and partial.stat().st_size > file.size:
            partial.unlink()
        url = hf_hub_url(file.repository, file.remote_path, revision=file.commit, endpoint=self.endpoint)
        failures = 0
        with self._explained(file.repository, file.commit), partial.open("ab") as target, _quiet():
            while (present := target.tell()) < file.size:
                try:
                    http_get(
                        url,
                        cast(BinaryIO, _Counted(target, on_bytes)),
                        resume_size=present,
                        headers=build_hf_headers(),
                        expected_size=file.size,
                        displayed_filename=file.path,
                    )
                except (HfHubHTTPError, OfflineModeIsEnabled):
                    raise
                except (HTTPError, OSError) as error:
                    # A cut connection, or a body that ended early. Not worth giving up while bytes arrive.
                    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                        raise
                    failures = 0 if target.tell() > present else failures + 1
                    if failures >= _ATTEMPTS_WITHOUT_PROGRESS:
                        raise

    def _paths(self, repository: str, commit: str, paths: Sequence[str]) -> dict[str, Any]:
        entries = self._api.get_paths_info(repository, list(paths), revision=commit)
        return {entry.path: entry for entry in entries if hasattr(entry, "blob_id")}

    def _moved(self, repository: str, commit: str, lacking: Sequence[str]) -> dict[str, Any]:
        """Files that lie elsewhere in the repository than expected, under their own name."""
        listing = self._api.list_repo_files(repository, revision=commit)
        moved: dict[str, str] = {}
        for path in lacking:
            name = PurePosixPath(path).name
            hits = [entry for entry in listing if PurePosixPath(entry).name == name]
            if len(hits) != 1:
                raise FetchError(
                    f"{self.endpoint}/{repository} has {len(hits) or 'no'} files '{name}' at commit "
                    f"{commit[:12]}; the publisher may have changed it: look for a newer ShotStream"
                )
            moved[path] = hits[0]
        found = self._paths(repository, commit, list(moved.values()))
        return {path: found[place] for path, place in moved.items()}

    @contextmanager
    def _explained(self, repository: str, revision: str) -> Iterator[None]:
        page = f"{self.endpoint}/{repository}"
        again = "what has arrived is kept, so run the same command again to go on"
        try:
            yield
        except GatedRepoError as error:
            raise FetchError(
                f"{page} asks for its terms to be accepted: open it in a browser, then run: hf auth login"
            ) from error
        except RepositoryNotFoundError as error:
            raise FetchError(f"{page}: no such repository, or it is not public") from error
        except RevisionNotFoundError as error:
            raise FetchError(f"{page}: no such revision: {revision}") from error
        except OfflineModeIsEnabled as error:
            raise FetchError("huggingface_hub is in offline mode; unset HF_HUB_OFFLINE") from error
        except HfHubHTTPError as error:
            status = getattr(error.response, "status_code", "?")
            raise FetchError(f"{page}: the hub answered {status}; {again}") from error
        except HTTPError as error:
            reason = str(error) or type(error).__name__
            raise FetchError(
                f"{self.endpoint} cannot be reached or the connection was cut ({reason}); {again}"
            ) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise FetchError(f"the disk is full; make room: {again}") from error
            raise FetchError(f"{page}: {error.strerror or error}; {again}") from error


class _Counted:
    """A file that tells how much was written into it; with the few methods that a download uses."""

    def __init__(self, file: BinaryIO, on_bytes: OnBytes) -> None:
        self._file = file
        self._on_bytes = on_bytes

    def write(self, data: bytes) -> int:
        written = self._file.write(data)
        self._on_bytes(written)
        return written

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def truncate(self, size: int | None = None) -> int:
        place = self._file.tell() if size is None else size
        before = self._file.seek(0, os.SEEK_END)
        self._file.truncate(place)
        self._on_bytes(place - before)
        return self._file.seek(place)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the hub's own bars, since ours are shown, and without its warnings at every cut connection."""
    verbosity = logging.get_verbosity()
    shown = not are_progress_bars_disabled(_BAR_GROUP)
    logging.set_verbosity_error()
    if shown:
        disable_progress_bars(_BAR_GROUP)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            enable_progress_bars(_BAR_GROUP)
