# SPDX-License-Identifier: Apache-2.0
"""Takes: what is written, that it plays, and that a broken run leaves nothing half-made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from shotstream_runtime.host.contact_sheet import COLUMNS, ShotThumbnails
from shotstream_runtime.host.errors import TakeError
from shotstream_runtime.host.manifest import TakeModel, read_manifest
from shotstream_runtime.host.take import TakeRecorder
from shotstream_runtime.host.take_target import TakePictures, TakeTarget

FPS = 16
HEIGHT, WIDTH = 80, 128


def picture(level: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """A flat picture in one tone; a codec keeps its mean."""
    return np.full((height, width, 3), (level, 255 - level, 90), np.uint8)


class Clock:
    """Seconds under the test's control."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def recorder(target: TakeTarget, **changes: Any) -> TakeRecorder:
    values: dict[str, Any] = {
        "title": "Two shots",
        "global_caption": "A fox.",
        "seed": 7,
        "model": TakeModel(name="mini", weights_hash="abc", width=WIDTH, height=HEIGHT),
        "fps": FPS,
        "product_version": "0.1.0",
    }
    return TakeRecorder(target, **{**values, **changes})


def record_two_shots(take: TakeRecorder, first: int = 21, second: int = 9) -> None:
    take.beat_submitted("a", "The fox walks.", "cut", "queue")
    take.beat_submitted("b", "The fox sleeps.", "cut", "queue")
    take.beat_scheduled("a", 0, 0)
    take.beat_scheduled("b", 1, first)
    for index in range(first + second):
        shot, start = (0, 0) if index < first else (1, first)
        take.add_frame(
            picture(8 * index),
            index=index,
            shot=shot,
            index_in_shot=index - start,
            chunk=0,
            beat_id="ab"[shot],
        )
    take.beat_done("a", "completed", first)
    take.beat_done("b", "completed", second)


def test_a_take_folder_holds_movie_sheet_and_manifest(tmp_path: Path) -> None:
    target = TakeTarget.resolve(tmp_path / "new" / "take")
    clock = Clock()
    take = recorder(target, clock=clock)
    clock.now += 0.25
    record_two_shots(take)
    written = take.finish(complete=True)
    assert sorted(path.name for path in target.manifest.parent.iterdir()) == [
        "contact_sheet.png",
        "manifest.json",
        "movie.mp4",
    ]
    manifest = read_manifest(target.manifest)
    assert manifest == written
    assert (manifest.frames, manifest.fps, manifest.seed, manifest.complete) == (30, FPS, 7, True)
    assert [(shot.shot, shot.first_frame, shot.frames, shot.beats) for shot in manifest.shots] == [
        (0, 0, 21, ["a"]),
        (1, 21, 9, ["b"]),
    ]
    first, second = manifest.beats
    assert (first.outcome, first.frames, first.first_frame, first.first_frame_s) == ("completed", 21, 0, 0.25)
    assert (second.shot, second.first_frame) == (1, 21)
    assert (manifest.movie, manifest.pictures) == ("movie.mp4", None)


def test_the_movie_has_every_frame_at_its_time_and_in_its_colour(tmp_path: Path) -> None:
    target = TakeTarget.resolve(tmp_path / "story.mp4")
    take = recorder(target)
    record_two_shots(take)
    take.finish(complete=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "story.contact_sheet.png",
        "story.manifest.json",
        "story.mp4",
    ]
    with av.open(str(tmp_path / "story.mp4")) as movie:
        stream = movie.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (WIDTH, HEIGHT, FPS)
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert movie.metadata["title"] == "Two shots"
        frames = list(movie.decode(video=0))
    assert len(frames) == 30
    for index, frame in enumerate(frames):
        assert frame.pts is not None
        assert float(frame.pts * frame.time_base) == pytest.approx(index / FPS, abs=1e-6)
        mean = frame.to_ndarray(format="rgb24").reshape(-1, 3).mean(0)
        assert np.abs(mean - picture(8 * index)[0, 0]).max() < 4, index


def test_frames_that_a_live_watcher_skipped_stay_visible_in_time(tmp_path: Path) -> None:
    target = TakeTarget.resolve(tmp_path)
    take = recorder(target)
    take.beat_submitted("a", "The fox walks.", "cut", "queue")
    for index in (0, 1, 5, 8):
        take.add_frame(picture(index), index=index, shot=0, index_in_shot=index, chunk=0, beat_id="a")
    manifest = take.finish(complete=True)
    assert (manifest.frames, manifest.skipped_frames) == (4, 5)
    with av.open(str(target.pictures_path)) as movie:
        times = [float(frame.pts * frame.time_base) * FPS for frame in movie.decode(video=0)]
    assert times == pytest.approx([0, 1, 5, 8])


def test_odd_sizes_and_long_shots_do_not_break_the_movie(tmp_path: Path) -> None:
    target = TakeTarget.resolve(tmp_path)
    take = recorder(target)
    for index in range(200):
        take.add_frame(picture(index, 33, 51), index=index, shot=0, index_in_shot=index, chunk=0, beat_id="a")
    take.finish(complete=True)
    with av.open(str(target.pictures_path)) as movie:
        assert sum(1 for _ in movie.decode(video=0)) == 200
        assert (movie.streams.video[0].width, movie.streams.video[0].height) == (52, 34)


def test_png_pictures_are_exact(tmp_path: Path) -> None:
    target = TakeTarget.resolve(tmp_path / "take", TakePictures.PNG)
    take = recorder(target)
    record_two_shots(take, 3, 2)
    manifest = take.finish(complete=True)
    assert (manifest.movie, manifest.pictures) == (None, "frames")
    names = sorted(path.name for path in (tmp_path / "take" / "frames").iterdir())
    assert names == [f"{index:06d}.png" for index in range(5)]
    for index in range(5):
        read = np.asarray(Image.open(tmp_path / "take" / "frames" / names[index]))
        assert np.array_equal(read, picture(8 * index))


def test_a_new_take_replaces_the_old_one_wholly(tmp_path: Path) -> None:
    for pictures in (TakePictures.MOVIE, TakePictures.PNG, TakePictures.PNG, TakePictures.MOVIE):
        take = recorder(TakeTarget.resolve(tmp_path, pictures))
        record_two_shots(take, 3, 2)
        manifest = take.finish(complete=True)
        kept = {manifest.movie or manifest.pictures, "contact_sheet.png", "manifest.json", "mine.txt"}
        # What somebody adds to a take is in nobody's way.
        (tmp_path / "mine.txt").write_text("keep")
        assert {path.name for path in tmp_path.iterdir()} == kept


@pytest.mark.parametrize("pictures", list(TakePictures))
@pytest.mark.parametrize("name", ["movie.mp4", "notes.txt", "manifest.json", "contact_sheet.png", "frames"])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, pictures: TakePictures, name: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(TakeError) as refused:
        TakeTarget.resolve(tmp_path, pictures).check()
    assert str(refused.value) == (
        f"{tmp_path}: holds {name!r}, which is no part of an earlier take; "
        "choose a new or empty folder with -o, or use --force to write into this one"
    )
    assert (tmp_path / name).read_text() == "{}"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_force_writes_where_somebody_elses_files_are(tmp_path: Path) -> None:
    (tmp_path / "movie.mp4").write_text("a holiday")
    (tmp_path / "notes.txt").write_text("keep")
    take = recorder(TakeTarget.resolve(tmp_path, force=True))
    record_two_shots(take, 3, 2)
    take.finish(complete=True)
    assert (tmp_path / "movie.mp4").read_bytes()[4:8] == b"ftyp"
    assert (tmp_path / "notes.txt").read_text() == "keep"


def test_a_movie_that_came_to_a_picture_take_later_is_somebody_elses(tmp_path: Path) -> None:
    take = recorder(TakeTarget.resolve(tmp_path, TakePictures.PNG))
    record_two_shots(take, 3, 2)
    take.finish(complete=True)
    (tmp_path / "movie.mp4").write_text("cut by hand")
    TakeTarget.resolve(tmp_path, TakePictures.PNG).check()
    with pytest.raises(TakeError, match=r"holds 'movie\.mp4', which is no part of an earlier take"):
        TakeTarget.resolve(tmp_path).check()


@pytest.mark.parametrize("name", ["story.mp4", "story.contact_sheet.png", "story.manifest.json"])
def test_a_movie_of_somebody_else_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a holiday")
    target = TakeTarget.resolve(tmp_path / "story.mp4")
    with pytest.raises(TakeError) as refused:
        target.check()
    assert str(refused.value) == (
        f"{tmp_path / name}: is there already and is no part of an earlier take; "
        "choose another name with -o, or use --force to replace it"
    )
    TakeTarget.resolve(tmp_path / "story.mp4", force=True).check()
    # Beside other files a movie is welcome, and it may be made anew.
    (tmp_path / name).unlink()
    (tmp_path / "other.mp4").write_text("a holiday")
    for _ in range(2):
        take = recorder(target)
        record_two_shots(take, 3, 2)
        take.finish(complete=True)


def test_what_a_killed_run_or_a_file_manager_left_counts_as_empty(tmp_path: Path) -> None:
    for name in (".movie.mp4.part", ".DS_Store", "Thumbs.db"):
        (tmp_path / name).write_text("")
    TakeTarget.resolve(tmp_path).check()


def test_a_discarded_take_leaves_the_old_one_alone(tmp_path: Path) -> None:
    take = recorder(TakeTarget.resolve(tmp_path))
    record_two_shots(take, 3, 2)
    take.finish(complete=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for pictures in TakePictures:
        other = recorder(TakeTarget.resolve(tmp_path, pictures))
        record_two_shots(other, 5, 5)
        other.discard()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("pictures", list(TakePictures))
def test_nothing_is_left_of_a_take_that_came_to_nothing(tmp_path: Path, pictures: TakePictures) -> None:
    target = TakeTarget.resolve(tmp_path / "new" / "take", pictures)
    target.check()
    assert list(tmp_path.iterdir()) == []
    recorder(target).discard()
    assert list(tmp_path.iterdir()) == []
    begun = recorder(target)
    record_two_shots(begun, 3, 2)
    assert (tmp_path / "new" / "take").is_dir()
    begun.discard()
    assert list(tmp_path.iterdir()) == []
    # What was there before stays, also when it is empty.
    (tmp_path / "new").mkdir()
    begun = recorder(target)
    record_two_shots(begun, 3, 2)
    begun.discard()
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]


def test_a_take_that_breaks_off_says_which_beat_was_interrupted(tmp_path: Path) -> None:
    take = recorder(TakeTarget.resolve(tmp_path))
    for beat_id in ("a", "b", "c"):
        take.beat_submitted(beat_id, f"Beat {beat_id}.", "cut", "queue")
    for index in range(7):
        take.add_frame(
            picture(index),
            index=index,
            shot=0,
            index_in_shot=index,
            chunk=0,
            beat_id="a" if index < 3 else "b",
        )
    take.beat_done("a", "completed", 3)
    manifest = take.finish(complete=False)
    assert not manifest.complete
    assert [(beat.outcome, beat.frames) for beat in manifest.beats] == [
        ("completed", 3),
        ("interrupted", 4),
        (None, 0),
    ]


def test_a_take_without_frames_is_an_error(tmp_path: Path) -> None:
    take = recorder(TakeTarget.resolve(tmp_path / "take"))
    with pytest.raises(TakeError, match="no frame was generated, so there is no take"):
        take.finish(complete=True)


def test_a_folder_of_pictures_that_is_not_ours_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "000000.png").write_text("")
    (tmp_path / "frames" / "holiday.png").write_text("")
    with pytest.raises(TakeError, match="frames: holds other things than a take's pictures"):
        recorder(TakeTarget.resolve(tmp_path, TakePictures.PNG, force=True))
    assert len(list((tmp_path / "frames").iterdir())) == 2


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "take").write_text("")
    with pytest.raises(TakeError, match="the take cannot be written here"):
        recorder(TakeTarget.resolve(tmp_path / "take"))


@pytest.mark.parametrize(
    ("name", "pictures", "reason"),
    [
        ("a.mov", TakePictures.MOVIE, "movies are written as .mp4; use a.mp4"),
        ("a.mp4", TakePictures.PNG, "PNG files go into a folder"),
        ("a.txt", TakePictures.MOVIE, "a take is an .mp4 or a folder; use a.mp4"),
    ],
)
def test_names_that_ask_for_something_else(name: str, pictures: TakePictures, reason: str) -> None:
    with pytest.raises(TakeError, match=reason):
        TakeTarget.resolve(Path(name), pictures)


def test_frames_out_of_order_or_of_another_size_are_refused(tmp_path: Path) -> None:
    take = recorder(TakeTarget.resolve(tmp_path))
    take.add_frame(picture(1), index=3, shot=0, index_in_shot=3, chunk=0, beat_id="a")
    with pytest.raises(TakeError, match="frame 3 came after frame 3"):
        take.add_frame(picture(1), index=3, shot=0, index_in_shot=3, chunk=0, beat_id="a")
    with pytest.raises(TakeError, match="frame 4 is 64x40, the frames before it 128x80"):
        take.add_frame(picture(1, 40, 64), index=4, shot=0, index_in_shot=4, chunk=0, beat_id="a")
    take.discard()


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    take = recorder(TakeTarget.resolve(tmp_path))
    record_two_shots(take, 3, 2)
    take.finish(complete=True)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(TakeError, match="version: not a take manifest of version 1"):
        read_manifest(path)


@pytest.mark.parametrize("length", [1, 2, 5, 6, 7, 24, 25, 81, 333, 2409])
def test_thumbnails_are_evenly_spaced_whatever_the_length(length: int) -> None:
    shot = ShotThumbnails()
    for index in range(length):
        shot.add(picture(0, 8, 8), index)
    picks = [index for index, _ in shot.pick(COLUMNS)]
    assert picks[0] == 0
    assert picks[-1] == length - 1
    assert len(picks) == min(length, COLUMNS)
    shot.settle(COLUMNS)
    assert [index for index, _ in shot.pick(COLUMNS)] == picks
    if length > COLUMNS:
        gaps = np.diff(picks)
        assert gaps.max() - gaps.min() <= max(2, length // 6)
        assert gaps.min() > 0


def test_the_contact_sheet_has_a_row_per_shot_with_its_pictures(tmp_path: Path) -> None:
    target = TakeTarget.resolve(tmp_path)
    take = recorder(target)
    take.beat_submitted("a", "word " * 400, "cut", "queue")
    for shot in range(3):
        for index in range(9):
            take.add_frame(
                picture(60 * shot + 5),
                index=9 * shot + index,
                shot=shot,
                index_in_shot=index,
                chunk=0,
                beat_id="a",
            )
    take.finish(complete=True)
    sheet = np.asarray(Image.open(target.contact_sheet).convert("RGB")).astype(int)
    column = sheet[:, 40]
    for shot in range(3):
        rows = np.flatnonzero((np.abs(column - picture(60 * shot + 5)[0, 0]) < 3).all(1))
        assert len(rows) == 160  # a cell is 256 pixels wide, and the frames are 128x80
        assert np.all(np.diff(rows) == 1)
    assert sheet.shape[0] < 1200
