# SPDX-License-Identifier: Apache-2.0
"""Recording what a command generates or plays, so that what there is survives whatever ends the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.markup import escape
from shotstream_bridge.story import StoryScript
from shotstream_bridge.version import __version__

from shotstream_runtime.host.errors import TakeError
from shotstream_runtime.host.manifest import TakeManifest, TakeModel
from shotstream_runtime.host.observers import Observers, StoryObserver
from shotstream_runtime.host.take import TakeRecorder
from shotstream_runtime.host.take_target import TakeTarget

from .failure import CommandFailed
from .interruption import CtrlC
from .playback import Playback
from .progress_board import ProgressBoard
from .terminal import console

if TYPE_CHECKING:
    from shotstream_bridge.client import Client


@dataclass
class Recording:
    """A take in the making.

    Attributes:
        recorder: What is kept.
        observer: To be told of the story as it runs.
        complete: To be set False if the story did not run to its end.
    """

    recorder: TakeRecorder
    observer: StoryObserver
    complete: bool = True

    def kept(self) -> str:
        """What a story that breaks off now leaves, in words."""
        if not self.recorder.frames:
            return "no frame had come, so nothing is kept"
        return f"the {self.recorder.frames} frames so far are kept in {self.recorder.target.pictures_path}"


@contextmanager
def record(
    target: TakeTarget, story: StoryScript, *, name: str, seed: int, model: TakeModel, fps: float
) -> Iterator[Recording]:
    """Records what is told to the observer, shows its progress, and writes the take at the end.

    An error or Ctrl-C inside still leaves a take of the frames so far, marked as not complete.

    Args:
        target: Names of the files.
        story: The story.
        name: What to call it if it has no title.
        seed: Seed in use.
        model: The model.
        fps: Frames per second.

    Raises:
        TakeError: The take cannot be written.
        CommandFailed: There was no frame at all.
    """
    recorder = TakeRecorder(
        target,
        title=story.title,
        name=name,
        global_caption=story.global_caption,
        seed=seed,
        model=model,
        fps=fps,
        product_version=__version__,
    )
    board = ProgressBoard(console, f"{story.title or name} on {model.name}", fps=fps)
    with CtrlC() as ctrl_c:
        recording = Recording(recorder, Observers([recorder, board], ctrl_c.whole))
        try:
            with board:
                yield recording
        except TakeError:
            recorder.discard()
            raise
        except BaseException:
            if recorder.frames:
                with ctrl_c.whole():
                    _finish(recorder, complete=False)
            else:
                recorder.discard()
            raise
        if not recorder.frames:
            recorder.discard()
            raise CommandFailed("no frame was generated, so there is no take")
        with ctrl_c.whole():
            _finish(recorder, complete=recording.complete)


def _finish(recorder: TakeRecorder, *, complete: bool) -> None:
    """Writes the take and names its files; where that fails, nothing half-made is left."""
    try:
        manifest = recorder.finish(complete=complete)
    except BaseException:
        recorder.discard()
        raise
    _print_take(manifest, recorder.target)


def play_and_record(
    client: Client,
    story: StoryScript,
    target: TakeTarget,
    *,
    name: str,
    seed: int,
    live: bool,
) -> None:
    """Plays a story on a server and records it.

    Args:
        client: A connected client.
        story: The story.
        target: Names of the take's files.
        name: What to call the story if it has no title.
        seed: Seed to use.
        live: Whether only the newest frames are watched.

    Raises:
        CommandFailed: The story did not run to its end; what came before is kept.
        TakeError: The take cannot be written.
    """
    server = client.server
    model = TakeModel(
        name=server.model, weights_hash=server.weights_hash, width=server.width, height=server.height
    )
    with record(target, story, name=name, seed=seed, model=model, fps=server.fps) as recording:
        playback = Playback(client, story, seed=seed, live=live, observer=recording.observer)
        try:
            result = playback.run()
        except BaseException:
            playback.abandon()
            raise
        recording.complete = result.complete
        if result.problem is not None:
            beats = f"{result.beats_over} of {result.beats} beats were over"
            raise CommandFailed(f"{result.problem}; {beats}, and {recording.kept()}")


def _print_take(manifest: TakeManifest, target: TakeTarget) -> None:
    seconds = manifest.frames / manifest.fps
    skipped = f", {manifest.skipped_frames} skipped" if manifest.skipped_frames else ""
    shots = f"{len(manifest.shots)} shot{'s' if len(manifest.shots) != 1 else ''}"
    state = "" if manifest.complete else " [yellow](not complete)[/]"
    console.print(
        f"[green]{shots}, {manifest.frames} frames{skipped}[/]{state}, "
        f"{seconds:.1f} s at {manifest.fps:g} fps, made in {manifest.wall_s:.1f} s with seed {manifest.seed}",
        soft_wrap=True,
    )
    for path in (target.pictures_path, target.contact_sheet, target.manifest):
        console.print(f"  {escape(str(path))}", soft_wrap=True)
