# SPDX-License-Identifier: Apache-2.0
"""Engines on disk: one folder each, written whole or not at all, checked when they are read."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import EngineFolderUnusable, EngineUnusable
from .recipe import EngineRecipe

RECORD = "engine.json"
STUDENT_PLAN = "student.plan"
FIRST_LATENT_PLAN = "decoder_first.plan"
NEXT_LATENT_PLAN = "decoder_next.plan"
RUNTIME_CACHE = "runtime_cache.bin"
"""Kernels that the GPU's driver has compiled at the first run; not part of what is checked."""

FOLDER_VARIABLE = "SHOTSTREAM_ENGINES"
_PARTIAL = ".partial-"
_READ_BYTES = 1 << 24


class PlanFile(BaseModel):
    """A file of an engine: how long it is, and what is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int = Field(ge=1)
    sha256: str


class EngineRecord(BaseModel):
    """What stands beside an engine.

    Attributes:
        recipe: What it was made from and for.
        files: Its plans.
        built_s: Seconds that the build took.
        scratch_bytes: Device memory that a pass needs beside buffers and weights.
        decoder_scratch_bytes: The same for decoding a latent.
        made: When, as UTC.
        model: What it was made of, as ``--model`` takes it; empty if that was not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: EngineRecipe
    files: dict[str, PlanFile]
    built_s: float = Field(ge=0)
    scratch_bytes: int = Field(ge=0)
    decoder_scratch_bytes: int = Field(default=0, ge=0)
    made: str
    model: str = ""

    @property
    def bytes(self) -> int:
        """Size of its plans."""
        return sum(file.bytes for file in self.files.values())


@dataclass(frozen=True, slots=True)
class StoredEngine:
    """An engine on disk.

    Attributes:
        folder: Where it is.
        record: What it is; none where that cannot be read.
        problem: Why it cannot be used, as far as that shows without reading it all; empty if it can.
    """

    folder: Path
    record: EngineRecord | None
    problem: str = ""

    @property
    def key(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def disk_bytes(self) -> int:
        """Room that it takes, all files together."""
        return sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())


def default_folder() -> Path:
    """Where engines are kept: ``SHOTSTREAM_ENGINES``, or the user's folder for caches."""
    if given := os.environ.get(FOLDER_VARIABLE):
        return Path(given)
    if os.name == "nt":
        caches = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "shotstream" / "engines"


class EngineStore:
    """The engines of a folder.

    Args:
        folder: Where they are; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def engines(self) -> list[StoredEngine]:
        """All there are, usable or not, in the order of their names.

        Raises:
            EngineFolderUnusable: The folder cannot be read.
        """
        try:
            folders = [path for path in sorted(self.folder.iterdir()) if path.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unusable(error) from error
        return [_look_at(path) for path in folders if _PARTIAL not in path.name]

    def require_writable(self) -> None:
        """Makes the folder, and sees whether it takes files: before minutes of work rather than after them.

        Raises:
            EngineFolderUnusable: It cannot be made, or takes none.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> EngineFolderUnusable:
        return EngineFolderUnusable(
            f"engines cannot be kept in {self.folder} ({error.strerror or error}); choose another folder "
            f"with {FOLDER_VARIABLE} or --engines"
        )

    def find(self, recipe: EngineRecipe, target: int | None = None) -> StoredEngine:
        """The engine of a recipe.

        Args:
            recipe: What it was made from and for.
            target: Compute capability that it has to serve, whatever others it was built for; none: those of
                the recipe, exactly.

        Raises:
            EngineUnusable: There is none, or it is damaged; tells in what the nearest one differs.
        """
        problem = ""
        for engine in self.engines():
            if engine.record is None:
                if engine.key == recipe.key:
                    problem = f"the engine {engine.folder} {engine.problem}"
                continue
            own = engine.record.recipe
            if own.model_copy(update={"targets": recipe.targets}) != recipe:
                continue
            serves = own.targets == recipe.targets if target is None else target in own.targets
            if not serves:
                continue
            if not engine.problem:
                return engine
            problem = f"the engine {engine.folder} {engine.problem}"
        raise EngineUnusable(problem or f"there is no engine for this model yet{self._nearest(recipe)}")

    def read(self, engine: StoredEngine, name: str) -> bytes:
        """A plan of an engine, checked.

        Raises:
            EngineUnusable: It is damaged.
        """
        if engine.record is None or name not in engine.record.files:
            raise EngineUnusable(f"the engine {engine.folder} has no {name}")
        expected = engine.record.files[name]
        try:
            content = (engine.folder / name).read_bytes()
        except OSError as error:
            raise EngineUnusable(f"the engine {engine.folder} cannot be read: {error}") from error
        if len(content) != expected.bytes or hashlib.sha256(content).hexdigest() != expected.sha256:
            raise EngineUnusable(f"the engine {engine.folder} is damaged: {name} is not what was written")
        return content

    @contextmanager
    def writing(self, recipe: EngineRecipe) -> Iterator[EngineWriter]:
        """Writes an engine; it is there when this ends without an error, and replaces an older one.

        Raises:
            OSError: The disk is full or cannot be written to. Nothing is left behind then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.remove_leftovers()
        with self._partial(recipe.key) as partial:
            writer = EngineWriter(partial)
            yield writer
            writer.finish(recipe)
            self._publish(partial, self.folder / recipe.key)

    def remove(self, engine: StoredEngine) -> int:
        """Deletes an engine; the bytes that were freed.

        Raises:
            OSError: It cannot be deleted.
        """
        freed = engine.disk_bytes
        # Out of sight at once: half of an engine is not to be found.
        with self._partial(engine.key) as hidden:
            engine.folder.rename(hidden / engine.key)
            shutil.rmtree(hidden)
        return freed

    def remove_leftovers(self) -> int:
        """Removes what killed builds have left; builds that run are not touched.

        Returns:
            The bytes that were freed.

        Raises:
            OSError: The folder cannot be read or written to.
        """
        freed = 0
        for path in self.folder.glob(f"*{_PARTIAL}*/"):
            lock = _lock_of(path)
            try:
                with lock.acquire(blocking=False):
                    freed += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
                    shutil.rmtree(path, ignore_errors=True)
            except Timeout:
                continue
            Path(lock.lock_file).unlink(missing_ok=True)
        return freed

    @contextmanager
    def _partial(self, key: str) -> Iterator[Path]:
        """A folder out of sight, gone at the end; its lock goes with this process, however that ends."""
        path = self.folder / f"{key}{_PARTIAL}{secrets.token_hex(4)}"
        lock = _lock_of(path)
        try:
            with lock:
                path.mkdir()
                try:
                    yield path
                finally:
                    shutil.rmtree(path, ignore_errors=True)
        finally:
            Path(lock.lock_file).unlink(missing_ok=True)

    def _publish(self, partial: Path, folder: Path) -> None:
        if folder.exists():
            self.remove(StoredEngine(folder, None))
        partial.rename(folder)

    def _nearest(self, recipe: EngineRecipe) -> str:
        recipes = [found.record.recipe for found in self.engines() if found.record is not None]
        if not recipes:
            return ""
        differences = min((recipe.differences(other) for other in recipes), key=len)
        told = (_difference(name, *values) for name, values in differences.items())
        return f" (the nearest in {self.folder} differs: {'; '.join(told)})"


class EngineWriter:
    """Takes the parts of an engine that is being written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, PlanFile] = {}
        self.model = ""
        self.built_s = 0.0
        self.scratch_bytes = 0
        self.decoder_scratch_bytes = 0

    def write(self, name: str, content: bytes | memoryview, told: Callable[[float], None]) -> None:
        """Writes a plan through to the disk.

        Args:
            name: Of the file.
            content: The plan.
            told: Hears which fraction is written.
        """
        digest = hashlib.sha256()
        view = memoryview(content).cast("B")
        with (self._folder / name).open("wb") as file:
            for start in range(0, len(view), _READ_BYTES):
                part = view[start : start + _READ_BYTES]
                file.write(part)
                digest.update(part)
                told((start + len(part)) / len(view))
            file.flush()
            os.fsync(file.fileno())
        self._files[name] = PlanFile(bytes=len(view), sha256=digest.hexdigest())

    def finish(self, recipe: EngineRecipe) -> None:
        """Writes the record."""
        record = EngineRecord(
            recipe=recipe,
            files=self._files,
            built_s=round(self.built_s, 2),
            scratch_bytes=self.scratch_bytes,
            decoder_scratch_bytes=self.decoder_scratch_bytes,
            made=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            model=self.model,
        )
        (self._folder / RECORD).write_text(record.model_dump_json(indent=1), encoding="utf-8")


def _lock_of(partial: Path) -> FileLock:
    return FileLock(partial.with_name(f"{partial.name}.lock"))


def _look_at(folder: Path) -> StoredEngine:
    try:
        record = EngineRecord.model_validate_json((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return StoredEngine(folder, None, f"has no {RECORD}")
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        return StoredEngine(folder, None, f"has a {RECORD} that cannot be read ({type(error).__name__})")
    for name, file in record.files.items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size != file.bytes:
            what = "is missing" if size is None else f"has {size} bytes instead of {file.bytes}"
            return StoredEngine(folder, record, f"is damaged: {name} {what}")
    if record.recipe.key != folder.name:
        return StoredEngine(folder, record, "was made from something else than its name says")
    return StoredEngine(folder, record)


def _difference(name: str, there: object, wanted: object) -> str:
    said = {
        "weights_hash": "other weights",
        "student": "other dimensions",
        "ranges_hash": "another calibration",
    }
    if name in said:
        return said[name]
    return f"{name.replace('_', ' ')} {there}, not {wanted}"
