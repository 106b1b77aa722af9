# SPDX-License-Identifier: GPL-3.0-or-later
"""One story on the server with what is recorded of it: the take's frames, files and manifest."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shotstream_bridge import (
    BeatStage,
    BeatStatus,
    ClientEvent,
    ConnectionLost,
    ReceivedFrame,
    ServerInfo,
    __version__,
)

from . import preferences, take_files
from .attempts import Attempt
from .finishing import Finisher, Job
from .recorder import Recorder, ShotSpool
from .run import StoryRun
from .written import Terms, Written


@dataclass
class ShotFiles:
    """Where a shot's files are.

    Attributes:
        pictures: Folder of the take's PNG files.
        movie: The shot's movie, if one was made.
        trouble: What went wrong.
    """

    pictures: str
    movie: str = ""
    trouble: str = ""


class Session:
    """A story and its take.

    Args:
        terms: What holds for the whole story.
        title: For people, and for the folder.
        written: The story as it is in the scene.
        finisher: Makes the files.
        server: Gives what the server told of itself.
        shown: Called with every recorded frame.
        shot_ready: Called with the ID of a shot's cut beat once its files are there.

    Attributes:
        run: The story on the server.
        message: What the user should know.
    """

    def __init__(
        self,
        terms: Terms,
        title: str,
        written: Written,
        finisher: Finisher,
        *,
        server: Callable[[], ServerInfo],
        shown: Callable[[ReceivedFrame], None],
        shot_ready: Callable[[str], None],
    ) -> None:
        self.run = StoryRun(terms, title, written, self._record)
        self.message = ""
        self._finisher = finisher
        self._server = server
        self._shown = shown
        self._shot_ready = shot_ready
        self._end_told = False
        self._recorder: Recorder | None = None
        self._files: dict[int, ShotFiles] = {}
        # Frames of each shot that files were asked for.
        self._asked: dict[int, int] = {}

    @property
    def take(self) -> take_files.Take | None:
        """The take, once a frame has come."""
        return None if self._recorder is None else self._recorder.take

    @property
    def settled(self) -> bool:
        """Whether it is over and every file was made."""
        return self.run.end is not None and all(shot in self._files for shot in self._asked)

    @property
    def unsaved(self) -> bool:
        """Whether a shot is complete that no files were asked for yet."""
        return self._unfinished() is not None

    def files_of(self, shot: int | None) -> ShotFiles | None:
        """Where the files of a shot are; None while they are being made."""
        return None if shot is None else self._files.get(shot)

    def handle(self, event: ClientEvent) -> None:
        """Takes in what has happened."""
        self.run.handle(event)
        if isinstance(event, BeatStatus) and event.story_id == self.run.story_id:
            self._note_stage(event)
        elif isinstance(event, ConnectionLost):
            self.run.over(f"the connection was lost: {event.reason}")
        self.note_end()

    def end(self) -> None:
        """Ends the story on the server; files are made of what was received."""
        self.run.close()
        self.let_go()
        self.note_end()
        while self.finish_shot():
            pass
        self._write_manifest()

    def let_go(self) -> None:
        """Holds no file of the take until the next frame."""
        if self._recorder is not None:
            self._recorder.close()

    def moved(self, old: Path, new: Path) -> None:
        """The take lies in another folder now; see :meth:`let_go`."""
        if self._recorder is None or self._recorder.take.folder != old:
            return
        self._recorder.moved(new)
        for files in self._files.values():
            files.pictures = str(new / take_files.FRAMES)
            if files.movie:
                files.movie = str(new / Path(files.movie).relative_to(old))

    def finish_shot(self) -> bool:
        """Has files made of a shot that is complete and has frames that are in no file yet; returns whether
        there was one.
        """
        found = self._unfinished()
        if found is None:
            return False
        spool, attempts = found
        self._asked[spool.shot] = len(spool.indices)
        self._files.pop(spool.shot, None)
        self._ask(spool, next((a.uid for a in attempts if a.mode == "cut"), attempts[0].uid))
        return True

    def note_end(self) -> None:
        """Says once why the story went no further, if nobody wanted that."""
        if self.run.end and not self._end_told:
            self._end_told = True
            self.message = f"The story went no further. {self.run.end[:1].upper()}{self.run.end[1:]}"
            self._write_manifest()

    # --- inside -------------------------------------------------------------------------------------------

    def _unfinished(self) -> tuple[ShotSpool, list[Attempt]] | None:
        """A shot that is complete and has frames that are in no file yet, and its beats."""
        spools = {} if self._recorder is None else self._recorder.spools
        for shot, spool in spools.items():
            if self._asked.get(shot) == len(spool.indices):
                continue
            attempts = [a for a in self.run.attempts.values() if a.shot == shot and a.recorded]
            if attempts and all(a.complete for a in attempts):
                return spool, attempts
        return None

    def _ask(self, spool: ShotSpool, cut_uid: str) -> None:
        take, frames = self._recorder.take, len(spool.indices)
        self._write_manifest()

        def done(movie: Path | None, trouble: str) -> None:
            if self._asked[spool.shot] != frames:
                return  # the shot was continued meanwhile, and is to be finished again
            pictures = str(take.folder / take_files.FRAMES)
            self._files[spool.shot] = ShotFiles(pictures, str(movie) if movie else "", trouble)
            self.message = trouble or self.message
            if not trouble:
                self._shot_ready(cut_uid)

        movie = preferences.get().shot_files == "movie"
        self._finisher.ask(Job(spool, take.folder, take.fps, movie, frames, done))

    def _record(self, frame: ReceivedFrame, attempt: Attempt) -> None:
        self._shown(frame)
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
            where = f"{error.filename}: " if error.filename else ""
            why = f"{where}{error.strerror or error}"
            self.message = f"The take cannot be written ({why}), and generation was stopped"
            self.run.stop()
            attempt.reason = why

    def _new_take(self) -> take_files.Take:
        server, run = self._server(), self.run
        return take_files.Take(
            take_files.new_folder(preferences.takes_folder(), run.title),
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

    def _write_manifest(self) -> None:
        take = self.take
        if take is None or not take.frames:
            return
        attempts = [a for a in self.run.attempts.values() if a.sent]
        take.missed = sum(a.lost for a in attempts)
        take.notices = [{"code": n.code, "text": n.text, "beat": n.beat_id} for n in self.run.notices]
        try:
            take.write_manifest(complete=all(a.complete and a.went_well for a in attempts))
        except OSError as error:
            self.message = f"The take's manifest cannot be written: {error.strerror or error}"
