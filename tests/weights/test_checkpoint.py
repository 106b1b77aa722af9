# SPDX-License-Identifier: Apache-2.0
"""Files of weights that are damaged, dangerous, or something else."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from shotstream_runtime.weights.checkpoint import read_checkpoint
from shotstream_runtime.weights.errors import CheckpointError, WeightsError

TENSORS = {"model.a": torch.arange(6.0).view(2, 3), "model.b": torch.ones(4000)}


class Touches:
    """Unpickling this creates a file: what a hostile checkpoint would do with worse."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return open, (str(self.path), "w")


def assert_same(actual: dict[str, torch.Tensor]) -> None:
    assert list(actual) == list(TENSORS)
    assert all(torch.equal(actual[name], TENSORS[name]) for name in TENSORS)


def test_pickles_with_and_without_entry(tmp_path: Path) -> None:
    torch.save({"generator": TENSORS, "critic": {}, "step": 3}, tmp_path / "a.pt")
    assert_same(read_checkpoint(tmp_path / "a.pt", "generator"))
    torch.save(TENSORS, tmp_path / "b.pth")
    assert_same(read_checkpoint(tmp_path / "b.pth"))
    # A file that holds the student alone needs no entry.
    assert_same(read_checkpoint(tmp_path / "b.pth", "generator"))


def test_parameters_come_back_as_plain_tensors(tmp_path: Path) -> None:
    torch.save({"w": torch.nn.Parameter(torch.ones(2))}, tmp_path / "a.pt")
    assert not read_checkpoint(tmp_path / "a.pt")["w"].requires_grad


def test_safetensors_in_one_file_and_in_several(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a.safetensors")
    read = read_checkpoint(tmp_path / "a.safetensors")
    assert {name: tensor.tolist() for name, tensor in read.items()} == {
        name: tensor.tolist() for name, tensor in TENSORS.items()
    }
    index = write_shards(tmp_path)
    assert sorted(read_checkpoint(index)) == sorted(TENSORS)


def write_shards(folder: Path) -> Path:
    save_file({"model.a": TENSORS["model.a"]}, folder / "m-1.safetensors")
    save_file({"model.b": TENSORS["model.b"]}, folder / "m-2.safetensors")
    index = folder / "m.safetensors.index.json"
    write_index(index, {"model.a": "m-1.safetensors", "model.b": "m-2.safetensors"})
    return index


def write_index(path: Path, weight_map: dict[str, Any]) -> None:
    path.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), encoding="utf-8")


def test_code_in_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "bad.pt"
    torch.save({"generator": TENSORS, "extra": Touches(trace)}, path)
    with pytest.raises(CheckpointError, match=r"bad\.pt holds more than tensors and is refused") as caught:
        read_checkpoint(path, "generator")
    assert not trace.exists()
    # torch's advice to switch the protection off must not reach a user.
    assert "weights_only" not in str(caught.value)


def test_a_bare_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "bad.pth"
    path.write_bytes(pickle.dumps(Touches(trace)))
    with pytest.raises(CheckpointError, match=r"bad\.pth .* not a checkpoint"):
        read_checkpoint(path)
    assert not trace.exists()


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 4, 0.5, 0.99])
def test_truncated_files_are_named(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"cut{suffix}"
    if suffix == ".safetensors":
        save_file(TENSORS, path)
    else:
        torch.save(TENSORS, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else int(kept)])
    with pytest.raises(CheckpointError, match=rf"cut\{suffix}.*(truncated|damaged)"):
        read_checkpoint(path)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_other_files_are_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"page{suffix}"
    path.write_text("<html>404 not found</html>" * 40, encoding="utf-8")
    with pytest.raises(CheckpointError, match=rf"page\{suffix}"):
        read_checkpoint(path)


def test_a_zip_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "archive.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.txt", "sun")
    with pytest.raises(CheckpointError, match=r"archive\.pt .*is damaged"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "entry", "message"),
    [
        ({"ema": {"a": torch.ones(1)}}, "generator", "has no entry 'generator'; it has 'ema'"),
        ({"generator": [torch.ones(1)]}, "generator", "entry 'generator' holds a list"),
        ({"generator": {"a": 3}}, "generator", "'a' is a int; expected a tensor"),
        ({"generator": {"a": {"b": torch.ones(1)}}}, "generator", "'a' is a dict; expected a tensor"),
        ([torch.ones(1)], None, "holds a list; expected named tensors"),
        ({}, "generator", "has no entry 'generator'; it has none"),
    ],
)
def test_pickles_of_other_things(tmp_path: Path, content: Any, entry: str | None, message: str) -> None:
    path = tmp_path / "other.pt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=rf"other\.pt.*{message}"):
        read_checkpoint(path, entry)


def test_missing_and_unknown_files(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.pt: no such file"):
        read_checkpoint(tmp_path / "gone.pt")
    (tmp_path / "a.ckpt").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"a\.ckpt: unknown kind of file"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_indices_that_do_not_fit_their_files(tmp_path: Path) -> None:
    index = write_shards(tmp_path)
    write_index(index, {"model.a": "m-1.safetensors", "model.z": "m-2.safetensors"})
    with pytest.raises(CheckpointError, match=r"m-2\.safetensors: tensor 'model\.z' is missing"):
        read_checkpoint(index)
    write_index(index, {"model.a": "m-1.safetensors", "model.b": "m-3.safetensors"})
    with pytest.raises(WeightsError, match=r"m-3\.safetensors: no such file"):
        read_checkpoint(index)
    index.write_text("[]", encoding="utf-8")
    with pytest.raises(CheckpointError, match="is not an index"):
        read_checkpoint(index)
    save_file(TENSORS, tmp_path / "m-2.safetensors")
    write_index(index, {"model.a": "m-1.safetensors", "model.b": "m-2.safetensors"})
    with pytest.raises(CheckpointError, match=r"m-2\.safetensors: tensor 'model\.a' is in another file"):
        read_checkpoint(index)


@pytest.mark.parametrize("name", ["../m-1.safetensors", "/etc/passwd", "sub/m-1.safetensors"])
def test_an_index_cannot_lead_out_of_its_folder(tmp_path: Path, name: str) -> None:
    index = write_shards(tmp_path)
    write_index(index, {"model.a": name})
    with pytest.raises(CheckpointError, match="only files beside it are allowed"):
        read_checkpoint(index)
