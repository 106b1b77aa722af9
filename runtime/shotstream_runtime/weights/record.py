# SPDX-License-Identifier: Apache-2.0
"""What was fetched into a folder: `weights.json`, against which the files can be checked later."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import WeightsError

RECORD_FILE = "weights.json"


class RecordedFile(BaseModel):
    """One fetched file.

    Attributes:
        repository: The hub's repository it came from.
        revision: Commit of that repository.
        size: Bytes.
        sha256: Its checksum when it was fetched; the hub's own, where the hub states one.
        modified_ns: Time of its last change, by which an untouched file is recognised without reading it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: str
    revision: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    modified_ns: int

    def untouched(self, path: Path) -> bool:
        """Whether the file still has the size and the time of change it had when it was checked."""
        if not path.is_file():
            return False
        status = path.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size, self.modified_ns)


class FetchRecord(BaseModel):
    """The record of a folder.

    Attributes:
        files: Fetched files by their path in the folder, with forward slashes.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["shotstream-weights"] = "shotstream-weights"
    version: Literal[1] = 1
    files: dict[str, RecordedFile] = Field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The record of a folder, or None where nothing was fetched.

        Raises:
            WeightsError: There is a record that cannot be read.
        """
        path = folder / RECORD_FILE
        if not path.is_file():
            return None
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise WeightsError(
                f"{path} is damaged ({type(error).__name__}); delete it and fetch again: "
                "files that are whole stay"
            ) from error

    def write(self, folder: Path) -> None:
        """Writes the record; a reader never sees half of it."""
        partial = folder / (RECORD_FILE + ".part")
        partial.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        os.replace(partial, folder / RECORD_FILE)
