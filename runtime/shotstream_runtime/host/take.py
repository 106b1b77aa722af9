# SPDX-License-Identifier: Apache-2.0
"""Recording a take: pictures, contact sheet and manifest, written while the story runs.

The manifest is written last, by rename: where there is a manifest, everything that it names is complete.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .contact_sheet import COLUMNS, SheetRow, ShotThumbnails, draw_contact_sheet
from .errors import TakeError
from .manifest import TakeBeat, TakeManifest, TakeModel, TakeNotice, TakeShot, read_manifest
from .movie import FrameSink, MovieSink, PictureFolderSink, PixelArray, remove_pictures
from .take_target import MOVIE_NAME, PICTURES_NAME, TakePictures, TakeTarget, missing_folders, remove_empty


@dataclass
class _Shot:
    record: TakeShot
    thumbnails: ShotThumbnails


class TakeRecorder:
    """Collects a story's frames and events into a take.

    Not thread-safe. Frames arrive in order; events of a beat may arrive before or after its frames.
    """

    def __init__(
        self,
        target: TakeTarget,
        *,
        title: str | None,
        name: str = "Untitled story",
        global_caption: str,
        seed: int,
        model: TakeModel,
        fps: float,
        product_version: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins a take; nothing is written before its first frame.

        Args:
            target: Names of the files.
            title: The story's title, if it has one.
            name: What the contact sheet calls a story without a title.
            global_caption: Who, where and in which style.
            seed: The story's seed.
            model: The model that generates.
            fps: Frames per second of the movie.
            product_version: Version of ShotStream, for the manifest.
            clock: Seconds, monotonic.

        Raises:
            TakeError: The take cannot be written.
        """
        target.check()
        self.target = target
        self._title = title
        self._name = name
        self._global_caption = global_caption
        self._seed = seed
        self._model = model
        self._fps = fps
        self._product_version = product_version
        self._clock = clock
        self._created = datetime.now(UTC)
        self._start = clock()
        self._last_frame_s = 0.0
        self._last_index = -1
        self._frames = 0
        self._skipped = 0
        self._made_folders: list[Path] = []
        self._beat_frames: Counter[str] = Counter()
        self._beats: dict[str, TakeBeat] = {}
        self._shots: dict[int, _Shot] = {}
        self._notices: list[TakeNotice] = []
        self._sink: FrameSink
        if target.pictures is TakePictures.MOVIE:
            self._sink = MovieSink(
                target.pictures_path,
                fps=fps,
                title=title or "",
                comment=f"ShotStream {product_version}, {model.name}, seed {seed}",
            )
        else:
            self._sink = PictureFolderSink(target.pictures_path)

    @property
    def frames(self) -> int:
        """Frames recorded so far."""
        return self._frames

    @property
    def beats(self) -> dict[str, TakeBeat]:
        """The beats by id, in the order they were submitted."""
        return self._beats

    def elapsed_s(self) -> float:
        """Seconds since the take began."""
        return self._clock() - self._start

    def beat_submitted(self, beat_id: str, text: str, mode: str, policy: str) -> None:
        """Notes that a beat went out."""
        self._beats[beat_id] = TakeBeat(
            id=beat_id, text=text, mode=mode, policy=policy, submitted_s=self.elapsed_s()
        )

    def beat_scheduled(self, beat_id: str, shot: int, first_frame: int) -> None:
        """Notes where a beat's frames will be: index of the shot (from 0) and of the frame in the story."""
        if beat := self._beats.get(beat_id):
            beat.shot, beat.first_frame, beat.scheduled_s = shot, first_frame, self.elapsed_s()

    def beat_done(self, beat_id: str, outcome: str, frames: int, reason: str | None = None) -> None:
        """Notes how a beat ended, and with how many frames."""
        if beat := self._beats.get(beat_id):
            beat.outcome, beat.frames, beat.reason = outcome, frames, reason
            beat.done_s = self.elapsed_s()

    def notice(self, code: str, text: str, beat_id: str | None = None) -> None:
        """Keeps a notice."""
        self._notices.append(TakeNotice(code=code, text=text, beat=beat_id))

    def add_frame(
        self, pixels: PixelArray, *, index: int, shot: int, index_in_shot: int, chunk: int, beat_id: str
    ) -> None:
        """Records a frame.

        Args:
            pixels: ``[H, W, 3]`` uint8 RGB.
            index: Index in the story; larger than the one before. What lies between counts as skipped.
            shot: Index of the shot, from 0.
            index_in_shot: Index inside the shot.
            chunk: Chunk of the shot; a take does not keep it.
            beat_id: The beat that the frame belongs to.

        Raises:
            TakeError: The frame cannot be written, or comes out of order.
        """
        if index <= self._last_index:
            raise TakeError(f"frame {index} came after frame {self._last_index}; frames must be in order")
        if not self._frames:
            self._make_folder()
        self._sink.write(pixels, index)
        self._beat_frames[beat_id] += 1
        self._skipped += index - self._last_index - 1
        self._last_index = index
        self._last_frame_s = self.elapsed_s()
        self._frames += 1
        entry = self._shots.get(shot)
        if entry is None:
            if self._shots:
                next(reversed(self._shots.values())).thumbnails.settle(COLUMNS)
            record = TakeShot(shot=shot, first_frame=index - index_in_shot, frames=0, beats=[])
            entry = self._shots[shot] = _Shot(record, ShotThumbnails())
        entry.record.frames += 1
        if beat_id not in entry.record.beats:
            entry.record.beats.append(beat_id)
        entry.thumbnails.add(pixels, index_in_shot)
        if (beat := self._beats.get(beat_id)) and beat.first_frame_s is None:
            beat.first_frame_s = self._last_frame_s

    def finish(self, *, complete: bool) -> TakeManifest:
        """Writes what is left, and gives every file its final name.

        Args:
            complete: Whether the story ran to its end. A beat that has frames and no end yet was interrupted.

        Returns:
            The manifest, as written.

        Raises:
            TakeError: There was no frame, or a file cannot be written.
        """
        if not self._frames:
            raise TakeError(f"{self.target.manifest.parent}: no frame was generated, so there is no take")
        for beat_id, beat in self._beats.items():
            if beat.outcome is None and self._beat_frames[beat_id]:
                beat.outcome, beat.frames = "interrupted", self._beat_frames[beat_id]
        self._remove_stale()
        pictures = self._sink.commit()
        self._write_contact_sheet()
        folder = self.target.manifest.parent
        name = pictures.relative_to(folder).as_posix()
        manifest = TakeManifest(
            product_version=self._product_version,
            created=self._created,
            title=self._title,
            global_caption=self._global_caption,
            seed=self._seed,
            model=self._model,
            fps=self._fps,
            frames=self._frames,
            skipped_frames=self._skipped,
            complete=complete,
            wall_s=round(self._last_frame_s, 3),
            movie=name if self.target.pictures is TakePictures.MOVIE else None,
            pictures=name if self.target.pictures is TakePictures.PNG else None,
            contact_sheet=self.target.contact_sheet.name,
            beats=[_rounded(beat) for beat in self._beats.values()],
            shots=[entry.record for _, entry in sorted(self._shots.items())],
            notices=self._notices,
        )
        text = manifest.model_dump_json(indent=2) + "\n"
        _write_atomically(self.target.manifest, lambda part: part.write_text(text, encoding="utf-8"))
        return manifest

    def discard(self) -> None:
        """Drops the take and the folders made for it; an older take under the same name stays."""
        self._sink.discard()
        remove_empty(self._made_folders)

    def _make_folder(self) -> None:
        folder = self.target.manifest.parent
        self._made_folders = missing_folders(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TakeError(f"{folder}: cannot be made: {error.strerror or error}") from error

    def _remove_stale(self) -> None:
        """Removes the old manifest first, so that it never describes a mixture of two takes.

        Pictures of the other kind go with it, but only what that manifest itself names.
        """
        target = self.target
        if not target.manifest.exists():
            return
        folder = target.manifest.parent
        other = None
        # Someone else's manifest.json is overwritten, and nothing beside it touched.
        with contextlib.suppress(TakeError):
            old = read_manifest(target.manifest)
            other = old.pictures if target.pictures is TakePictures.MOVIE else old.movie
        try:
            target.manifest.unlink()
            # Compared with the only names there are: a manifest must not choose what is deleted.
            if other == MOVIE_NAME:
                (folder / MOVIE_NAME).unlink(missing_ok=True)
            elif other == PICTURES_NAME:
                with contextlib.suppress(TakeError):
                    remove_pictures(folder / PICTURES_NAME)
        except OSError as error:
            raise TakeError(f"{target.manifest}: cannot be replaced: {error.strerror or error}") from error

    def _write_contact_sheet(self) -> None:
        rows = []
        for shot, entry in sorted(self._shots.items()):
            captions = [self._beats[beat].text for beat in entry.record.beats if beat in self._beats]
            seconds = entry.record.frames / self._fps
            rows.append(SheetRow(shot + 1, captions, seconds, entry.thumbnails.pick(COLUMNS)))
        sheet = draw_contact_sheet(self._title or self._name, self._global_caption, rows)
        _write_atomically(self.target.contact_sheet, lambda part: sheet.save(part, format="PNG"))


def _rounded(beat: TakeBeat) -> TakeBeat:
    times = ("submitted_s", "scheduled_s", "first_frame_s", "done_s")
    values = {name: getattr(beat, name) for name in times}
    return beat.model_copy(
        update={name: None if value is None else round(value, 3) for name, value in values.items()}
    )


def _write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TakeError(f"{path}: cannot be written: {error.strerror or error}") from error
