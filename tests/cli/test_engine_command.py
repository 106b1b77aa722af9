# SPDX-License-Identifier: Apache-2.0
"""`shotstream engine`: the whole way from a model to an engine on disk, as a user goes it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from command_process import Outcome

pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

Shotstream = Callable[..., Outcome]

STORY = """
title: Two shots
global_caption: A bear in the meadow.
seed: 1
beats:
  - text: "Medium shot: the bear stands."
    chunks: 1
  - text: "Close-up: the bear waves."
    chunks: 2
"""


@pytest.fixture
def engines(tmp_path: Path) -> tuple[str, str]:
    return "--engines", str(tmp_path / "engines")


@pytest.mark.slow
def test_from_calibration_to_an_intact_engine(
    shotstream: Shotstream, engines: tuple[str, str], tmp_path: Path
) -> None:
    model = ("--model", "mini")
    story = tmp_path / "story.yaml"
    story.write_text(STORY, encoding="utf-8")

    missing = shotstream("engine", "build", *model, "--precision", "fp8", *engines)
    assert missing.code == 1
    kept = " ".join(engines)
    assert f"make one with: shotstream engine calibrate STORY.yaml --model mini {kept}" in missing.err
    measured = shotstream("engine", "calibrate", str(story), *model, *engines)
    assert measured.code == 0, measured.err
    # Three chunks of five passes and two contexts, less the clean pass of the last chunk.
    assert "16 passes of 1 story:" in measured.out

    told = shotstream("engine", "build", *model, "--precision", "fp8", "--estimate", *engines)
    assert re.search(r"in fp8 for sm89, sm120: about .* s, \d+ MB of memory, \d+\.\d MB on disk", told.out)
    assert shotstream("engine", "list", *engines).out.startswith("No engines in")
    made = shotstream("engine", "build", *model, "--precision", "fp8", *engines)
    assert made.code == 0, made.err
    key = re.search(r"Built ([0-9a-f]{16}) in", made.out)
    assert key is not None
    again = shotstream("engine", "build", *model, "--precision", "fp8", *engines)
    assert f"It is there already: {key[1]}" in again.out

    listed = shotstream("engine", "list", *engines).out
    assert re.search(rf"{key[1]} +tensorrt-rtx 1\.\S+ +fp8 +sm89 sm120 .* ok", listed)
    info = shotstream("engine", "info", key[1][:6], *engines)
    assert info.code == 0, info.err
    assert "It is intact." in info.out

    plan = tmp_path / "engines" / key[1] / "student.plan"
    content = bytearray(plan.read_bytes())
    content[len(content) // 2] ^= 1
    plan.write_bytes(content)
    broken = shotstream("engine", "info", key[1], *engines)
    assert broken.code == 1
    assert "is damaged: student.plan is not what was written; build it again with: " in broken.err
    command = broken.err.rpartition("shotstream ")[2].split()
    assert shotstream(*command).code == 0
    assert shotstream("engine", "info", key[1], *engines).code == 0

    cleared = shotstream("engine", "clear", key[1], *engines)
    assert "Deleted 1 engine," in cleared.out
    assert shotstream("engine", "list", *engines).out.startswith("No engines in")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--target", "sm90"), "target sm90: tensorrt-rtx in bf16 can be built for sm80, sm86, sm89, sm120"),
        (("--target", "ampere"), "--target ampere: expected a compute capability such as sm89 or 8.9"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_read(
    shotstream: Shotstream, engines: tuple[str, str], arguments: tuple[str, ...], told: str
) -> None:
    done = shotstream("engine", "build", "--model", "/nowhere", *arguments, *engines)
    assert done.code in {1, 2}
    assert told in done.err


def test_unknown_keys_are_refused(shotstream: Shotstream, engines: tuple[str, str]) -> None:
    none = f"is not there in {engines[1]}; there are none; build one with: shotstream engine build"
    assert f"engine abc: {none}" in shotstream("engine", "info", "abc", *engines).err
    assert "give the keys of the engines to delete, or --all" in shotstream("engine", "clear", *engines).err


def test_clearing_all_removes_what_killed_builds_left(
    shotstream: Shotstream, engines: tuple[str, str], tmp_path: Path
) -> None:
    left = tmp_path / "engines" / "0123456789abcdef.partial-01234567"
    left.mkdir(parents=True)
    (left / "student.plan").write_bytes(bytes(2_000_000))
    done = shotstream("engine", "clear", "--all", *engines)
    assert done.code == 0, done.err
    assert done.out == "Deleted what builds left that were killed, 2.0 MB\n"
    assert list((tmp_path / "engines").iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_need_for_a_gpu_is_told_first(shotstream: Shotstream, engines: tuple[str, str]) -> None:
    done = shotstream("engine", "build", "--model", "/nowhere", "--engine", "tensorrt", *engines)
    assert done.code == 1
    assert "--engine tensorrt builds on the GPU that will run it, and there is none" in done.error_line()


@pytest.mark.parametrize(
    "command",
    [
        ("build", "--model", "/nowhere"),
        ("calibrate", "story.yaml", "--model", "/nowhere"),
        ("list",),
        ("info", "abc"),
        ("clear", "--all"),
    ],
)
def test_folder_that_cannot_be_used_is_told_before_anything_is_read(
    shotstream: Shotstream, tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    done = shotstream("engine", *command, "--engines", str(file))
    assert done.code == 1
    assert done.error_line().startswith(f"engines cannot be kept in {file} (")
    assert done.error_line().endswith("choose another folder with SHOTSTREAM_ENGINES or --engines")


def test_full_disk_is_told_before_the_build(tmp_path: Path) -> None:
    from shotstream_runtime.cli.commands import engine
    from shotstream_runtime.cli.failure import CommandFailed
    from shotstream_runtime.engines.tensorrt.store import EngineStore

    store = EngineStore(tmp_path / "not" / "there" / "yet")
    engine._refuse_without_room(store, 1)
    with pytest.raises(CommandFailed, match=r"needs 1000000000\.0 GB in .*yet and .* are free; make room"):
        engine._refuse_without_room(store, 10**18)


def test_a_disk_that_fills_up_while_an_engine_is_written(
    in_process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check before it cannot know what others write meanwhile."""

    def full(*given: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shotstream_runtime.engines.tensorrt.making.make_engine", full)
    done = in_process("engine", "build", "--model", "mini", "--target", "sm89", "--engines", str(tmp_path))
    assert done.code == 1
    assert (
        f"the engine cannot be written to {tmp_path} (No space left on device), and nothing is left of it "
        "there; make room, or choose another folder with --engines"
    ) in done.error_line()
    # No progress bar where nobody watches.
    assert done.err.count("\n") == 1
