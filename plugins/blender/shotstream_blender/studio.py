# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is under way, in one place: connection, story, recording, files, local server.

Nothing here refers to Blender's data: a story and its beats are named by their IDs and looked up when needed,
so that undo and the loading of a file leave nothing stale.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shotstream_bridge import BeatStage, BeatStatus, ClientEvent, ConnectionLost, ReceivedFrame, __version__

from . import preferences, story, take_files
from .attempts import Attempt
from .connection import Connection
from .finishing import Finisher, Job
from .local_server import LocalServer
from .recorder import Recorder, ShotSpool
from .run import StoryRun, Terms


@dataclass
class ShotFiles:
    """Where a shot's files are."""

    pictures: str
    movie: str = ""
    trouble: str = ""


class Studio:
    """What is under way.

    Attributes:
        connection: To the server.
        server: The one on this machine.
        finisher: Makes files of shots.
        run: The story on the server, while there is one.
        newest: The newest frame that is not shown yet.
        message: What the user should know, beside the connection's message.
        shot_ready: Called with the story's and the cut beat's ID once a shot's files are there.
    """

    def __init__(self) -> None:
        self.connection = Connection()
        self.server = LocalServer()
        self.finisher = Finisher()
        self.run: StoryRun | None = None
        self.newest: ReceivedFrame | None = None
        self.message = ""
        self.shot_ready: list[Callable[[str, str], None]] = []
        self.frames_received = 0
        self._recorder: Recorder | None = None
        self._files: dict[int, ShotFiles] = {}
        self._asked: dict[int, int] = {}
        self._events: deque[ClientEvent] = deque()

    # --- what operators ask for ---------------------------------------------------------------------------

    def begin(self, terms: Terms, title: str) -> StoryRun:
        """Begins another story on the server; the one before ends, and what was received of it is kept."""
        self.end()
        self.message = ""
        self.run = StoryRun(terms, title, _look_up(terms.story_uid), self._record)
        self.connection.want()
        return self.run

    def end(self) -> None:
        """Ends the story on the server; what was received is kept and its files are made."""
        if self.run is not None:
            self.run.close()
            self._finish_shots()
            self._write_manifest()
        if self._recorder is not None:
            self._recorder.close()
            self._finish_shots()
        self.run = None
        self._recorder = None
        self._files, self._asked = {}, {}

    def close(self) -> None:
        """Ends everything: the extension is disabled, or Blender ends."""
        self.end()
        self.connection.drop()
        self.server.stop(wait=True)

    # --- pumping ------------------------------------------------------------------------------------------

    def pump(self, until: float) -> None:
        """Does what there is to do.

        Args:
            until: ``time.perf_counter()`` at which to leave the rest for the next call.
        """
        self.server.poll(connected=self.connection.online)
        if not self._events:
            self._events.extend(self.connection.pump())
        while self._events:
            self._handle(self._events.popleft())
            if time.perf_counter() >= until:
                return
        if self.run is not None and self.connection.ready:
            self.run.feed(self.connection.client)
        self._finish_shots()
        self.finisher.poll()

    @property
    def busy(self) -> bool:
        """Whether frames are expected, or files are being made."""
        return (self.run is not None and self.run.running) or self.finisher.busy or bool(self._events)

    def files_of(self, shot: int | None) -> ShotFiles | None:
        """Where the files of a shot of the current take are."""
        return None if shot is None else self._files.get(shot)

    @property
    def take(self) -> take_files.Take | None:
        """The take that is being recorded."""
        return None if self._recorder is None else self._recorder.take

    # --- inside -------------------------------------------------------------------------------------------

    def _handle(self, event: ClientEvent) -> None:
        run = self.run
        if run is None:
            return
        run.handle(event)
        if isinstance(event, BeatStatus):
            self._note_stage(event)
        elif isinstance(event, ConnectionLost):
            run.over(f"the connection was lost: {event.reason}")
        if run.end and not self.message:
            self.message = f"The story ended: {run.end}"
            self._finish_shots()
            self._write_manifest()

    def _record(self, frame: ReceivedFrame, attempt: Attempt) -> None:
        self.newest = frame
        self.frames_received += 1
        try:
            if self._recorder is None:
                self._recorder = Recorder(self._new_take())
                for known in self.run.attempts.values():
                    if known.sent:
                        self._note_sent(known)
            take = self._recorder.take
            if attempt.id not in take.beats:
                self._note_sent(attempt)
            take.wall_s = time.monotonic() - self.run.began_at
            record = take.beats[attempt.id]
            record.shot, record.first_frame = attempt.shot, attempt.first_frame
            record.first_frame_s = record.first_frame_s or take.wall_s
            self._recorder.add(frame.header, frame.payload)
        except OSError as error:
            self.message = f"The take cannot be written: {error}; generation was stopped"
            self.run.stop()
            attempt.reason = str(error)

    def _new_take(self) -> take_files.Take:
        server, run = self.connection.client.server, self.run
        folder = take_files.new_folder(preferences.takes_folder(), run.title)
        return take_files.Take(
            folder,
            product_version=__version__,
            title=run.title or None,
            global_caption=run.terms.global_caption,
            seed=run.terms.seed,
            model={
                "name": server.model,
                "weights_hash": server.weights_hash,
                "width": server.width,
                "height": server.height,
            },
            fps=server.fps,
        )

    def _note_sent(self, attempt: Attempt) -> None:
        policy = attempt.policy or "interrupt"
        self._recorder.take.beats[attempt.id] = take_files.BeatRecord(
            attempt.id, attempt.text, attempt.mode, policy, time.monotonic() - self.run.began_at
        )

    def _note_stage(self, status: BeatStatus) -> None:
        take, attempt = self.take, self.run.attempts.get(status.beat_id)
        if take is None or attempt is None:
            return
        now = time.monotonic() - self.run.began_at
        if attempt.id not in take.beats:
            self._note_sent(attempt)
        record = take.beats[attempt.id]
        if status.stage is BeatStage.SCHEDULED:
            record.shot, record.first_frame, record.scheduled_s = status.shot, status.first_frame, now
        elif status.stage is BeatStage.DONE:
            record.outcome = status.outcome.value if status.outcome else None
            record.frames, record.reason, record.done_s = status.frames or 0, status.reason, now
        elif status.stage is BeatStage.REJECTED:
            record.outcome, record.reason = "rejected", status.reason

    def _finish_shots(self) -> None:
        """Has files made of the shots that are complete and have frames that are in no file yet."""
        if self._recorder is None or self.run is None:
            return
        for shot, spool in self._recorder.spools.items():
            if self._asked.get(shot, 0) == len(spool.indices) and (not spool.closed or shot in self._files):
                continue
            attempts = [a for a in self.run.attempts.values() if a.shot == shot and a.recorded]
            if (
                attempts
                and all(a.complete for a in attempts)
                and self._asked.get(shot, 0) != len(spool.indices)
            ):
                self._asked[shot] = len(spool.indices)
                self._ask(spool)

    def _ask(self, spool: ShotSpool) -> None:
        take, run, files = self._recorder.take, self.run, self._files
        cut = next((a.uid for a in run.attempts.values() if a.shot == spool.shot), "")
        self._write_manifest()

        def done(movie: Path | None, trouble: str) -> None:
            pictures = str(take.folder / take_files.FRAMES)
            files[spool.shot] = ShotFiles(pictures, str(movie) if movie else "", trouble)
            if trouble:
                self.message = trouble
            for told in self.shot_ready:
                told(run.terms.story_uid, cut)

        movie = preferences.get().shot_files == "movie"
        self.finisher.ask(Job(spool, take.folder, take.fps, movie, len(spool.indices), done))

    def _write_manifest(self) -> None:
        if self._recorder is None or self.run is None or not self._recorder.take.frames:
            return
        attempts = [a for a in self.run.attempts.values() if a.sent]
        complete = all(a.complete and a.state != "failed" for a in attempts)
        take = self._recorder.take
        take.missed = sum(a.lost for a in attempts)
        take.notices = [{"code": n.code, "text": n.text, "beat": n.beat_id} for n in self.run.notices]
        try:
            take.write_manifest(complete=complete)
        except OSError as error:
            self.message = f"The take's manifest cannot be written: {error}"


def _look_up(story_uid: str) -> Callable[[str], tuple[str, str, int] | None]:
    """Gives beats of a story as they are in the scene at that time."""

    def look(uid: str) -> tuple[str, str, int] | None:
        found = story.find(story_uid)
        item = story.beat(found[1], uid) if found else None
        if item is None:
            return None
        first = item.uid == found[1].beats[0].uid
        return item.text, "cut" if first else item.mode, item.chunks

    return look
