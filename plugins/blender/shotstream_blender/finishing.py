# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes PNG files and a movie of a shot's raw frames, in a child process, one shot at a time."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy

from . import compat, take_files
from .recorder import ShotSpool

SCRIPT = Path(__file__).parent / "child" / "finish_shot.py"


@dataclass
class Job:
    """A shot to be finished.

    Attributes:
        spool: Its raw frames; the file goes once it is closed and finished.
        frames: How many frames it had when it was asked for.
        done: Called with the movie's path, or None without one, and what went wrong, if anything.
    """

    spool: ShotSpool
    folder: Path
    fps: float
    movie: bool
    frames: int
    done: Callable[[Path | None, str], None]


class Finisher:
    """The child processes. :meth:`poll` is called by the timer."""

    def __init__(self) -> None:
        self._waiting: list[Job] = []
        self._job: Job | None = None
        self._process: subprocess.Popen | None = None
        self._log: Path | None = None
        self._movie: Path | None = None

    @property
    def busy(self) -> bool:
        """Whether a shot is being finished, or waits for that."""
        return self._process is not None or bool(self._waiting)

    def ask(self, job: Job) -> None:
        """Asks for a shot to be finished; replaces what waits for the same shot."""
        same = [waiting for waiting in self._waiting if waiting.spool is job.spool]
        for waiting in same:
            self._waiting.remove(waiting)
        self._waiting.append(job)

    def poll(self) -> None:
        """Looks after the child that runs, and starts the next one. Never waits."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._ended(code)
        if self._waiting:
            self._start(self._waiting.pop(0))

    def close(self) -> None:
        """Blender ends: the children do not, and those that wait are started, for the pictures alone."""
        waiting, self._waiting = self._waiting, []
        for job in waiting:
            job.movie = False
            self._start(job)

    def _start(self, job: Job) -> None:
        spool = job.spool
        movie = self._movie = _movie_of(job)
        order = {
            "spool": str(spool.path),
            "width": spool.width,
            "height": spool.height,
            "indices": spool.indices[: job.frames],
            "pictures": str(job.folder / take_files.FRAMES),
            "movie": str(movie) if movie else None,
            "fps": job.fps,
        }
        order_path = spool.path.with_suffix(".json")
        self._log = spool.path.with_suffix(".log")
        try:
            order_path.write_text(json.dumps(order), encoding="utf-8")
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - Blender itself and a script of this extension
                    [*blender_program(), str(SCRIPT), "--", str(order_path)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    creationflags=compat.CREATION_FLAGS,
                )
            self._job = job
        except OSError as error:
            job.done(None, f"the files of the shot could not be made: {error}")

    def _ended(self, code: int) -> None:
        job, self._job, self._process = self._job, None, None
        movie = self._movie
        trouble = ""
        if code != 0 or (movie is not None and not movie.exists()):
            trouble = (
                f"the files of the shot could not be made ({last_error(self._log) or f'exit code {code}'})"
            )
            movie = None
        elif job.spool.closed and job.frames == len(job.spool.indices):
            with contextlib.suppress(OSError):
                for suffix in (".rgb", ".json", ".log"):
                    job.spool.path.with_suffix(suffix).unlink(missing_ok=True)
        job.done(movie, trouble)


def _movie_of(job: Job) -> Path | None:
    """The file for a shot's movie. One of a shot that goes on later has another name: strips may show the
    first one, and Windows replaces no file that is open.
    """
    if not job.movie:
        return None
    path = job.folder / take_files.SHOTS / f"{job.spool.shot:03d}.mp4"
    return path.with_stem(f"{path.stem}_{job.frames}") if path.exists() else path


def blender_program() -> list[str]:
    """The start of a command that runs a script in Blender without a window; as a Python module it is run by
    Python.
    """
    if bpy.app.binary_path:
        return [
            bpy.app.binary_path,
            "--background",
            "--factory-startup",
            "--python-exit-code",
            "1",
            "--python",
        ]
    return [sys.executable]


def last_error(log: Path | None) -> str:
    """What a child that failed says of it, on one line; empty if it says nothing."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except (OSError, AttributeError):
        return ""
    return next(
        (line.strip() for line in reversed(lines) if "Error" in line), lines[-1].strip() if lines else ""
    )
