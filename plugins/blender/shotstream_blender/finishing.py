# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes PNG files and a movie of a shot's raw frames, in a child process, one shot at a time."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import take_files
from .children import Children, Order, start, write
from .recorder import ShotSpool


@dataclass
class Job:
    """A shot to be finished.

    Attributes:
        spool: Its raw frames; the file goes once all of them are pictures.
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
    """Shots on their way to files. :meth:`poll` is called by the timer."""

    def __init__(self) -> None:
        self._children = Children("the files of the shot", keep_failed=True)

    @property
    def left(self) -> int:
        """How many shots are on their way."""
        return self._children.left

    @property
    def busy(self) -> bool:
        """Whether a shot is being finished, or waits for that."""
        return self._children.busy

    def ask(self, job: Job) -> None:
        """Asks for a shot to be finished; replaces what waits for the same shot."""
        movie, spool = _movie_of(job), job.spool

        def done(trouble: str) -> None:
            if not trouble and job.frames == len(spool.indices):
                spool.drop()
            # The take may have been moved since.
            job.done(Path(order["movie"]) if order["movie"] and not trouble else None, trouble)

        order = {
            "spool": str(spool.path),
            "width": spool.width,
            "height": spool.height,
            "indices": spool.indices[: job.frames],
            "dropped": spool.dropped,
            "pictures": str(job.folder / take_files.FRAMES),
            "movie": str(movie) if movie else None,
            "fps": job.fps,
        }
        self._children.ask(Order(str(spool.path), order, done, order_path(spool.path, job.frames)))

    def again(self, order: dict, path: Path, done: Callable[[str], None]) -> None:
        """Has an order carried out that another Blender left behind.

        Args:
            order: What the file says.
            path: The file.
            done: Called with what went wrong, or an empty text.
        """

        def finished(trouble: str) -> None:
            if not trouble:
                with contextlib.suppress(OSError):
                    Path(order["spool"]).unlink(missing_ok=True)
            done(trouble)

        self._children.ask(Order(order["spool"], order, finished, path))

    def poll(self) -> bool:
        """Looks after the child that runs, or starts the next one; returns whether there was anything to do.
        Never waits.
        """
        return self._children.poll()

    def let_go(self) -> None:
        """Holds no file until :meth:`poll`; see :meth:`.children.Children.let_go`."""
        self._children.let_go()

    def moved(self, new_place: Callable[[str], str]) -> None:
        """Takes lie elsewhere now; see :meth:`.children.Children.moved`."""
        self._children.moved(new_place)

    def close(self) -> None:
        """Blender ends: the child that runs does not, and one more makes the pictures of the shots that
        wait.
        """
        waiting = self._children.take_waiting()
        with contextlib.suppress(OSError):
            for order in waiting:
                write(order.path, {**order.order, "movie": None})
            if waiting:
                start([order.path for order in waiting], waiting[0].path.with_suffix(".log"))


def order_path(spool: Path, frames: int) -> Path:
    """The file with what is to be made of a shot's first so many frames."""
    return spool.with_name(f"{spool.stem}_{frames}.json")


def _movie_of(job: Job) -> Path | None:
    """The file for a shot's movie. One of a shot that goes on later has another name: strips may show the
    first one, and Windows replaces no file that is open.
    """
    if not job.movie:
        return None
    path = job.folder / take_files.SHOTS / f"{job.spool.shot:03d}.mp4"
    return path.with_stem(f"{path.stem}_{job.frames}") if path.exists() else path
