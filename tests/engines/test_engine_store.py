# SPDX-License-Identifier: Apache-2.0
"""Engines on disk: whole or not at all, checked when they are read, and errors that say what to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.commands import build_command, calibrate_command
from shotstream_runtime.engines.tensorrt.errors import EngineFolderUnusable, EngineUnusable
from shotstream_runtime.engines.tensorrt.products import Product
from shotstream_runtime.engines.tensorrt.recipe import EngineRecipe, plain_student
from shotstream_runtime.engines.tensorrt.store import (
    FOLDER_VARIABLE,
    RECORD,
    RUNTIME_CACHE,
    STUDENT_PLAN,
    EngineStore,
    StoredEngine,
    default_folder,
)
from shotstream_runtime.model import StudentConfig

PLAN = os.urandom(100_000)


def recipe(**changes: object) -> EngineRecipe:
    return EngineRecipe(
        product=Product.TENSORRT_RTX,
        product_version="1.7.1.116",
        targets=(89, 120),
        precision=Precision.BF16,
        weights_hash="ab" * 32,
        student=plain_student(StudentConfig()),
        height=60,
        width=104,
    ).model_copy(update=changes)


def put(store: EngineStore, what: EngineRecipe, plan: bytes = PLAN) -> StoredEngine:
    with store.writing(what) as writer:
        writer.write(STUDENT_PLAN, plan, lambda part: None)
    return store.find(what)


@pytest.fixture
def store(tmp_path: Path) -> EngineStore:
    return EngineStore(tmp_path / "engines")


def test_engine_comes_back_as_it_was_written(store: EngineStore) -> None:
    made = put(store, recipe())
    assert store.read(made, STUDENT_PLAN) == PLAN
    assert made.record is not None
    assert made.record.recipe == recipe()
    assert made.key == recipe().key
    assert made.disk_bytes > len(PLAN)
    assert [one.key for one in store.engines()] == [made.key]


def test_every_field_of_a_recipe_is_part_of_its_key() -> None:
    changes: list[dict[str, object]] = [
        {"product": Product.TENSORRT},
        {"product_version": "1.8"},
        {"targets": (120,)},
        {"precision": Precision.FP8},
        {"weights_hash": "cd" * 32},
        {"student": plain_student(replace(StudentConfig(), num_layers=2))},
        {"height": 58},
        {"width": 102},
        {"shared_memory_bytes": 49152},
        {"ranges_hash": "1"},
        {"network_version": 99},
    ]
    assert {name for change in changes for name in change} == set(EngineRecipe.model_fields)
    assert len({recipe(**change).key for change in [{}, *changes]}) == len(changes) + 1


def test_engine_serves_any_gpu_it_was_built_for(store: EngineStore) -> None:
    made = put(store, recipe())
    asked = recipe(targets=(80, 86, 89, 120))
    assert store.find(asked, target=89).key == made.key
    with pytest.raises(EngineUnusable, match=r"targets \[89, 120\], not \[80, 86, 89, 120\]"):
        store.find(asked, target=86)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"product_version": "1.8"}, "product version 1.7.1.116, not 1.8"),
        ({"weights_hash": "cd" * 32}, "other weights"),
        ({"precision": Precision.FP8}, "precision bf16, not fp8"),
        ({"student": plain_student(replace(StudentConfig(), num_layers=2))}, "other dimensions"),
        ({"shared_memory_bytes": 49152}, "shared memory bytes None, not 49152"),
    ],
)
def test_engine_for_something_else_is_told_apart(
    store: EngineStore, change: dict[str, object], told: str
) -> None:
    put(store, recipe())
    with pytest.raises(EngineUnusable, match=rf"no engine for this model yet.*nearest.*{told}"):
        store.find(recipe(**change), target=89)


def test_nothing_there_yet(store: EngineStore) -> None:
    assert store.engines() == []
    with pytest.raises(EngineUnusable, match=r"^there is no engine for this model yet$"):
        store.find(recipe())


def test_changed_byte_is_found(store: EngineStore) -> None:
    made = put(store, recipe())
    path = made.folder / STUDENT_PLAN
    content = bytearray(path.read_bytes())
    content[50_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(EngineUnusable, match=r"damaged: student\.plan is not what was written"):
        store.read(store.find(recipe()), STUDENT_PLAN)


def test_plan_cut_short_and_lost_plan_are_found_without_reading_it(store: EngineStore) -> None:
    made = put(store, recipe())
    (made.folder / STUDENT_PLAN).write_bytes(PLAN[:-1])
    with pytest.raises(EngineUnusable, match=r"damaged: student\.plan has 99999 bytes instead of 100000"):
        store.find(recipe())
    (made.folder / STUDENT_PLAN).unlink()
    with pytest.raises(EngineUnusable, match=r"student\.plan is missing"):
        store.find(recipe())


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"recipe": {}}', b"[]"])
def test_broken_record_is_listed_and_can_be_deleted(store: EngineStore, content: bytes) -> None:
    made = put(store, recipe())
    (made.folder / RECORD).write_bytes(content)
    (broken,) = store.engines()
    assert broken.problem
    with pytest.raises(EngineUnusable, match=r"engine\.json that cannot be read"):
        store.find(recipe())
    assert store.remove(broken) >= len(PLAN)
    assert store.engines() == []


def test_folder_under_another_name_is_refused(store: EngineStore) -> None:
    made = put(store, recipe())
    made.folder.rename(made.folder.with_name("0" * 16))
    with pytest.raises(EngineUnusable, match="something else than its name says"):
        store.find(recipe())


def test_built_again_it_replaces_the_older_one(store: EngineStore) -> None:
    made = put(store, recipe())
    (made.folder / RUNTIME_CACHE).write_bytes(b"of the older one")
    put(store, recipe(), PLAN[::-1])
    assert store.read(store.find(recipe()), STUDENT_PLAN) == PLAN[::-1]
    # Compiled kernels belong to the plan that they came from.
    assert not (made.folder / RUNTIME_CACHE).exists()
    assert len(list(store.folder.iterdir())) == 1


def test_failed_build_leaves_nothing(store: EngineStore) -> None:
    def stop(part: float) -> None:
        raise RuntimeError(part)

    with pytest.raises(RuntimeError), store.writing(recipe()) as writer:
        writer.write(STUDENT_PLAN, PLAN, stop)
    assert list(store.folder.iterdir()) == []


def building(store: EngineStore) -> subprocess.Popen[str]:
    """A process that is in the middle of a build."""
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_engine_store import *
with EngineStore(Path({str(store.folder)!r})).writing(recipe()) as writer:
    writer.write(STUDENT_PLAN, PLAN, lambda part: None)
    print("written", flush=True)
    time.sleep(120)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_build_leaves_no_engine_and_is_swept_up_by_the_next(
    store: EngineStore, number: signal.Signals
) -> None:
    with building(store) as process:
        process.send_signal(number)
        assert process.wait(60) == -number
    assert store.engines() == []
    assert list(store.folder.iterdir()) != []
    put(store, recipe())
    assert [path.name for path in store.folder.iterdir()] == [recipe().key]


def test_leftovers_are_removed_and_builds_that_run_are_not(store: EngineStore) -> None:
    with building(store) as killed, building(store) as running:
        killed.kill()
        killed.wait(60)
        assert store.remove_leftovers() == len(PLAN)
        (left,) = (path for path in store.folder.iterdir() if path.is_dir())
        assert (left / STUDENT_PLAN).read_bytes() != b""
        assert store.remove_leftovers() == 0
        put(store, recipe())
        assert left.is_dir()
        running.kill()
        running.wait(60)
        assert store.remove_leftovers() == len(PLAN)
    assert [path.name for path in store.folder.iterdir()] == [recipe().key]


def test_intact_engine_is_found_beside_a_damaged_one(store: EngineStore) -> None:
    """So that the command which an error names mends it, for whichever targets it builds."""
    both, one = put(store, recipe()), put(store, recipe(targets=(89,)))
    for damaged, intact in ((both, one), (one, both)):
        (damaged.folder / STUDENT_PLAN).write_bytes(PLAN[:-1])
        assert store.find(recipe(), target=89).key == intact.key
        (damaged.folder / STUDENT_PLAN).write_bytes(PLAN)


def test_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    for folder in (file, file / "engines"):
        for use in (EngineStore(folder).engines, EngineStore(folder).require_writable):
            with pytest.raises(
                EngineFolderUnusable, match=rf"in {folder} \(.*\); choose another.*{FOLDER_VARIABLE}"
            ):
                use()


def test_commands_are_complete(store: EngineStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made = recipe(precision=Precision.FP8, shared_memory_bytes=49152)
    kept = f"--engines {store.folder}"
    assert build_command(made, "my weights", store.folder, anew=True) == (
        "shotstream engine build --model 'my weights' --engine tensorrt-rtx --precision fp8 "
        f"--target sm89 --target sm120 --share-gpu --anew {kept}"
    )
    monkeypatch.setenv(FOLDER_VARIABLE, str(store.folder))
    assert build_command(recipe(product=Product.TENSORRT), "", store.folder) == (
        "shotstream engine build --model MODEL --engine tensorrt --precision bf16"
    )
    assert calibrate_command("mini") == "shotstream engine calibrate STORY.yaml --model mini"


def test_folder_of_engines_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"
    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert default_folder() == tmp_path / "caches" / "shotstream" / "engines"
