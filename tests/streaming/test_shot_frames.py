# SPDX-License-Identifier: Apache-2.0
"""The running shot's frames: exact, and bounded in memory however long the shot is continued."""

from __future__ import annotations

import errno
import gc
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.streaming import shot_frames
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import FramesReady
from shotstream_runtime.streaming.history import History
from shotstream_runtime.streaming.shot_frames import ShotFrames, ShotStorageError
from shotstream_runtime.streaming.story import StoryStream
from torch import Tensor

IN_MEMORY = 5


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go during the test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    tempfile.tempdir = None


def decoded(frames: int, seed: int) -> Tensor:
    """Frames ``[n, 3, 4, 6]`` with every kind of bits that a decoder gives, denormal numbers included."""
    pixels = torch.randn(frames, 3, 4, 6, generator=torch.Generator().manual_seed(seed)).clamp(-1, 1)
    pixels[:, 0, 0, :2] *= 1e-40
    return pixels


def test_every_frame_comes_back_bit_for_bit_with_its_prompt() -> None:
    shot = ShotFrames(IN_MEMORY)
    expected: list[tuple[Tensor, str]] = []
    for batch in range(6):
        pixels, prompt = decoded(1 if batch == 0 else 4, batch), f"A fóx.shot0:beat {batch // 2}"
        shot.append(pixels, prompt)
        expected += [(frame.clone(), prompt) for frame in pixels]
        pixels.fill_(9)  # the decoder may use its memory again
        assert len(shot) == len(expected)
        for index in (*range(len(expected)), 0, len(expected) - 1):
            kept = shot[index]
            assert kept.prompt == expected[index][1]
            assert torch.equal(kept.pixels.view(torch.int32), expected[index][0].view(torch.int32))
    for index in (-1, len(expected)):
        with pytest.raises(IndexError, match=f"frame {index} of a shot that has 21"):
            shot[index]


@pytest.mark.parametrize("length", [1, 5, 6, 21, 200])
def test_selection_and_history_do_not_depend_on_where_frames_are_kept(length: int) -> None:
    pixels = decoded(length, length)
    chosen = []
    for in_memory in (length, IN_MEMORY):
        history = History(6)
        for _ in range(3):
            shot = ShotFrames(in_memory)
            shot.append(pixels, "p")
            selection, frames = history.select(shot)
            chosen.append((selection, torch.stack([frame.pixels for frame in frames])))
            history.add(shot)
            shot.close()
        selection, frames = history.select()
        chosen.append((selection, torch.stack([frame.pixels for frame in frames])))
    half = len(chosen) // 2
    for one, other in zip(chosen[:half], chosen[half:], strict=True):
        assert one[0] == other[0]
        assert torch.equal(one[1], other[1])


def held_bytes() -> int:
    """Bytes of every tensor that lives, and of what Python has allocated since tracing began."""
    gc.collect()
    storages = {}
    for thing in gc.get_objects():
        if type(thing) is Tensor:
            storage = thing.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values()) + tracemalloc.get_traced_memory()[0]


def run(story: StoryStream) -> Iterator[np.ndarray]:
    while not story.idle:
        for event in story.advance():
            if isinstance(event, FramesReady):
                yield event.pixels


def test_a_shot_that_is_only_ever_continued_holds_no_more_memory(
    tiny_model: Any, temporary_folder: Path
) -> None:
    story = StoryStream(tiny_model, EagerEngine(tiny_model.student), global_caption="a fox. ", seed=1)
    frame_bytes = 3 * 4 * tiny_model.profile.width * tiny_model.profile.height
    story.submit(Beat(id="0", text="0" * 2_000))
    frames = sum(len(pixels) for pixels in run(story))
    tracemalloc.start()
    try:
        held = []
        for number in range(1, 25):
            story.submit(Beat(id=str(number), text=f"{number:04}" * 500, mode="continue", chunks=2))
            frames += sum(len(pixels) for pixels in run(story))
            if number % 8 == 0:
                held.append(held_bytes())
    finally:
        tracemalloc.stop()
    assert story._shot is not None
    assert len(story._shot.frames) == frames > 4 * story._default_frames
    # 16 chunks lie between two measurements: their frames would show, and so would their prompts.
    assert held[2] - held[1] < 4 * frame_bytes
    assert list(temporary_folder.iterdir()) == []  # the file has no name, so nobody need clear it up


def test_a_long_shot_becomes_the_same_history_in_memory_and_on_disk(tiny_model: Any) -> None:
    stories = []
    for frames_in_memory in (10_000, 1):
        story = StoryStream(tiny_model, EagerEngine(tiny_model.student), global_caption="", seed=3)
        story._default_frames = frames_in_memory
        for name, mode in (("a", "cut"), ("b", "continue"), ("c", "cut"), ("d", "cut")):
            story.submit(Beat(id=name, text=name, mode=mode, policy="queue", chunks=3))  # type: ignore[arg-type]
        stories.append(np.concatenate(list(run(story))))
    assert np.array_equal(*stories)


def test_a_shot_that_is_over_gives_its_file_back(tiny_model: Any) -> None:
    story = StoryStream(tiny_model, EagerEngine(tiny_model.student), global_caption="", seed=3)
    story._default_frames = 1
    files = []
    for name in "ab":
        story.submit(Beat(id=name, text=name, chunks=2))
        list(run(story))
        assert story._shot is not None
        assert story._shot.frames._spilled is not None
        files.append(story._shot.frames._spilled._frames)
    assert [file.closed for file in files] == [True, False]
    story.stop()
    list(run(story))
    assert files[1].closed
    # Nor does a story that fails or is dropped keep its file.
    lost = ShotFrames(0)
    lost.append(decoded(1, 0), "p")
    assert lost._spilled is not None
    file = lost._spilled._frames
    del lost
    gc.collect()
    assert file.closed


def test_a_full_disk_is_told_with_its_remedy(
    tiny_model: Any, temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = StoryStream(tiny_model, EagerEngine(tiny_model.student), global_caption="", seed=3)
    story._default_frames = 1

    def full(**options: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shot_frames.tempfile, "TemporaryFile", full)
    story.submit(Beat(id="a", text="a", chunks=2))
    with pytest.raises(
        ShotStorageError, match=r"frame 1 of the running shot.*No space left on device.*TMPDIR"
    ) as told:
        list(run(story))
    assert str(temporary_folder) in str(told.value)
