# SPDX-License-Identifier: Apache-2.0
"""The published form of a data set: CSV rows, captions, videos, context, and rows that are broken."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from published_clips import level, write_captions, write_story, write_table, write_video
from shotstream_runtime.streaming.context import select_context
from shotstream_training.data.clip_video import FrameSize, read_frames
from shotstream_training.data.epoch_order import EpochOrder
from shotstream_training.data.published_rows import BadRow, DatasetError, read_rows
from shotstream_training.data.published_stories import PublishedStories, first_good, target_frames

SIZE = FrameSize(32, 16)


def read(path: Path, **options: int) -> tuple[PublishedStories, list[str]]:
    told: list[str] = []
    return PublishedStories(path, SIZE, report=told.append, **options), told


def levels(pictures: np.ndarray) -> list[int]:
    """Grey levels; every picture has one."""
    assert pictures.shape[1:] == (SIZE.height, SIZE.width, 3)
    assert all(np.ptp(picture) == 0 for picture in pictures)
    return [int(picture[0, 0, 0]) for picture in pictures]


def test_a_story_becomes_the_sample_the_runtime_would_make(tmp_path: Path) -> None:
    lengths = (7, 20, 9, 14)
    stories, _ = read(
        write_table(tmp_path / "data.csv", [write_story(tmp_path, "one", lengths)]), shortest_target=5
    )
    sample = stories.sample(0)
    selection = select_context(lengths[:3], 6)
    assert levels(sample.context) == [level(pick.shot, pick.frame) for pick in selection.picks]
    assert sample.context_flags == selection.shot_flags
    assert sample.shot_flag == 3
    assert levels(sample.target) == [level(3, frame) for frame in range(13)]
    assert sample.prompts[3] == "a fox (one). shot3:it does thing 4"
    assert sample.caption_index(4) == [*selection.shot_flags, 3, 3, 3, 3]


def test_a_first_shot_has_no_context_and_reads_its_own_prompt(tmp_path: Path) -> None:
    stories, _ = read(
        write_table(tmp_path / "d.csv", [write_story(tmp_path, "one", (9,))]), shortest_target=5
    )
    sample = stories.sample(0)
    assert len(sample.context) == 0
    assert sample.context_flags == (0,) * 6
    # Phase 1 as the runtime has it, caption 0: the two are kept apart.
    assert sample.shot_flag == 1
    assert sample.caption_index(3) == [0] * 9


def test_one_file_per_shot(tmp_path: Path) -> None:
    row = write_story(tmp_path, "one", (6, 9))
    for shot, frames in enumerate((6, 9)):
        write_video(tmp_path / f"part{shot}.mkv", [(shot, frames)])
    row["video_path"] = "part0.mkv; part1.mkv"
    stories, _ = read(write_table(tmp_path / "d.csv", [row]), shortest_target=5)
    sample = stories.sample(0)
    assert levels(sample.target) == [level(1, frame) for frame in range(9)]
    assert levels(sample.context) == [level(0, pick.frame) for pick in select_context([6], 6).picks]


def test_an_earlier_shot_can_be_the_target(tmp_path: Path) -> None:
    table = write_table(tmp_path / "d.csv", [write_story(tmp_path, "one", (9, 13, 9))])
    sample = read(table, shortest_target=5)[0].sample(0, shots=2)
    assert levels(sample.target) == [level(1, frame) for frame in range(13)]
    assert len(sample.prompts) == 2


@pytest.mark.parametrize(
    ("length", "count", "stride"),
    [(81, 81, 1), (80, 77, 1), (161, 81, 1), (162, 81, 2), (243, 81, 3), (400, 81, 4), (1, 1, 1), (4, 1, 1)],
)
def test_a_longer_target_is_strided_and_trimmed(length: int, count: int, stride: int) -> None:
    frames = target_frames(length)
    assert len(frames) == count
    assert frames[-1] < length
    assert all(after - before == stride for before, after in itertools.pairwise(frames))


def test_pictures_cover_the_size_and_keep_the_middle(tmp_path: Path) -> None:
    write_video(tmp_path / "wide.mkv", [(1, 3)], size=(120, 30))
    assert levels(read_frames(tmp_path / "wide.mkv", [2, 0, 2], SIZE)) == [
        level(1, 2),
        level(1, 0),
        level(1, 2),
    ]


def broken_rows(folder: Path) -> list[tuple[dict[str, object], str, str]]:
    """Rows with one fault each, the column at fault, and words of the message."""
    good = write_story(folder, "good", (9, 9))
    write_captions(folder / "less.json", 1)
    write_captions(folder / "more.json", 3)
    (folder / "torn.json").write_text('{"global_caption": "a', encoding="utf-8")
    (folder / "noise.mkv").write_bytes(b"this is no video" * 50)
    return [
        (good | {"shot_num_from_caption": "two"}, "shot_num_from_caption", "'two'"),
        (good | {"frame_number": "[9, 9, 9]"}, "frame_number", "3 numbers for 2 shots"),
        (good | {"frame_number": "18"}, "frame_number", "one number of frames per shot"),
        (good | {"frame_number": ""}, "frame_number", "is empty"),
        (good | {"json_path": "none.json"}, "json_path", "no such file"),
        (good | {"json_path": "less.json"}, "json_path", "'shot2'"),
        (good | {"json_path": "more.json"}, "json_path", "beyond shot2"),
        (good | {"json_path": "torn.json"}, "json_path", "cannot be read as JSON"),
        (good | {"video_path": "none.mkv"}, "video_path", "no such file"),
        (good | {"video_path": "a.mkv;b.mkv;c.mkv"}, "video_path", "names 3 files for 2 shots"),
        (good | {"video_path": "noise.mkv"}, "video_path", "cannot be decoded"),
        (good | {"frame_number": "[9, 40]"}, "frame_number", "ends after 18 frames"),
        (good | {"frame_number": "[9, 3]"}, "frame_number", "1 usable frames of at least 5"),
    ]


def test_every_fault_names_row_column_value_and_fix(tmp_path: Path) -> None:
    faults = broken_rows(tmp_path)
    rows = [row for row, _, _ in faults]
    stories, _ = read(
        write_table(tmp_path / "d.csv", [*rows, write_story(tmp_path, "last", (9,))]), shortest_target=5
    )
    for index in range(len(stories)):
        try:
            stories.sample(index)
        except BadRow as error:
            stories.skip(error)
    assert sorted(stories.skipped) == list(range(2, 2 + len(faults)))


def test_messages_of_faults(tmp_path: Path) -> None:
    for number, (row, column, words) in enumerate(broken_rows(tmp_path)):
        table = write_table(tmp_path / f"{number}.csv", [write_story(tmp_path, "fine", (9,)), row])
        stories, told = read(table, shortest_target=5)
        if not told:
            with pytest.raises(BadRow) as caught:
                stories.sample(1)
            told.append(str(caught.value))
        assert "row 3" in told[0]
        assert column in told[0]
        assert words in told[0]
        assert ";" in told[0]  # the fix


def test_bad_rows_do_not_end_an_epoch(tmp_path: Path) -> None:
    rows = [write_story(tmp_path, f"s{number}", (9, 9)) for number in range(4)]
    rows[1] |= {"frame_number": "[9, 99]"}
    stories, told = read(write_table(tmp_path / "d.csv", rows), shortest_target=5)
    order = EpochOrder(len(stories), seed=0)
    seen = [
        first_good(stories, order.candidates(place), stories.sample).row
        for _ in range(2)
        for place in order.take(4)
    ]
    # Rows 2, 4, 5 of the file are good; one of them stands in for row 3 in each of two epochs.
    assert len(seen) == 8
    assert set(seen[:4]) == set(seen[4:]) == {2, 4, 5}
    assert stories.skipped == {3: 2}
    assert len(told) == 1


def test_only_bad_rows_is_an_error_and_no_endless_search(tmp_path: Path) -> None:
    row = write_story(tmp_path, "one", (9,)) | {"frame_number": 99}
    stories, _ = read(write_table(tmp_path / "d.csv", [row]), shortest_target=5)
    with pytest.raises(DatasetError, match="none of its rows"):
        first_good(stories, EpochOrder(1, 0).candidates(0), stories.sample)


def test_files_that_are_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "half.csv").write_text("json_path,video_path\na,b\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="shot_num_from_caption, frame_number is missing"):
        read_rows(tmp_path / "half.csv")
    with pytest.raises(DatasetError, match="header only"):
        read_rows(write_table(tmp_path / "empty.csv", []))


def test_many_bad_rows_are_counted_without_a_flood(tmp_path: Path) -> None:
    good = write_story(tmp_path, "one", (9,))
    stories, told = read(write_table(tmp_path / "d.csv", [good] + [good | {"json_path": "no"}] * 30))
    assert len(stories.skipped) == 30
    assert len(told) == 21


def test_order_is_a_permutation_and_free_of_the_number_of_processes() -> None:
    alone = EpochOrder(10, seed=3)
    places = [place for _ in range(5) for place in alone.take(4)]
    rows = [alone.row(place) for place in places]
    assert sorted(rows[:10]) == sorted(rows[10:]) == list(range(10))
    assert rows[:10] != rows[10:]
    shared = [EpochOrder(10, seed=3) for _ in range(2)]
    again = [
        order.row(p) for _ in range(5) for rank, order in enumerate(shared) for p in order.take(4, rank, 2)
    ]
    assert again == rows
    resumed = EpochOrder(10, seed=3, position=8)
    assert [resumed.row(place) for place in resumed.take(4)] == rows[8:12]
    with pytest.raises(ValueError, match="batch=4 must be a multiple of the 3 processes"):
        alone.take(4, 0, 3)
