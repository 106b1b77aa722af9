# SPDX-License-Identifier: Apache-2.0
"""Reading tensors from checkpoint files, without ever running what a file contains.

`.pt` and `.pth` files are pickles: they are read with `weights_only=True`, which admits tensors and plain
containers and nothing else. Tensors stay mapped to the file where possible, so that opening 11 GB costs no
memory.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from .errors import CheckpointError, WeightsError

Tensors = dict[str, Tensor]

PICKLE_SUFFIXES = (".pt", ".pth")
SAFETENSORS_SUFFIX = ".safetensors"
INDEX_SUFFIX = ".safetensors.index.json"
_SHOWN_NAMES = 4


def read_checkpoint(path: Path, entry: str | None = None) -> Tensors:
    """Reads all tensors of a file, on the CPU and mapped to it.

    Args:
        path: A `.pt`, `.pth` or `.safetensors` file, or the index of a checkpoint in several safetensors
            files.
        entry: In a pickle, the top-level entry that holds the tensors. A file without entries
            (safetensors, or a pickle of tensors) is read whole.

    Returns:
        Tensors by name, in the file's order.

    Raises:
        WeightsError: There is no such file, or it cannot be read.
        CheckpointError: The file is truncated, is no checkpoint, holds more than tensors, or lacks the entry.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        if path.name.endswith(INDEX_SUFFIX):
            return _read_shards(path)
        if path.suffix == SAFETENSORS_SUFFIX:
            return _read_safetensors(path)
        if path.suffix in PICKLE_SUFFIXES:
            return _tensors_of(path, _read_pickle(path), entry)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}") from error
    raise CheckpointError(f"{path}: unknown kind of file; weights end in .safetensors, .pt or .pth")


def _read_safetensors(path: Path) -> Tensors:
    try:
        tensors: Tensors = load_file(path)
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is truncated or not a safetensors file: {error}; "
            "fetch it again"
        ) from error
    return tensors


def _read_shards(index: Path) -> Tensors:
    """A checkpoint split into several files, next to its index."""
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = sorted(set(weight_map.values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} is not an index of safetensors files: {error!r}") from error
    tensors: Tensors = {}
    for name in names:
        # An index is data from outside: it may not lead out of its folder.
        if not isinstance(name, str) or Path(name).name != name:
            raise CheckpointError(f"{index} names the file {name!r}; only files beside it are allowed")
        shard = index.parent / name
        if not shard.is_file():
            raise WeightsError(f"{shard}: no such file, although {index.name} lists it; fetch it again")
        for tensor_name, tensor in _read_safetensors(shard).items():
            if tensor_name in tensors:
                raise CheckpointError(
                    f"{shard}: tensor '{tensor_name}' is in another file of {index.name} too"
                )
            tensors[tensor_name] = tensor
    absent = [name for name in weight_map if name not in tensors]
    if absent:
        shard_name = weight_map[absent[0]]
        raise CheckpointError(
            f"{index.parent / shard_name}: tensor '{absent[0]}' is missing, which {index.name} lists"
        )
    return tensors


def _read_pickle(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        # Also the form torch wrote before 2020, which nobody published these weights in.
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is truncated or not a checkpoint of torch.save; "
            "fetch it again"
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors and is refused, because reading it could run code hidden in it; "
            f"get the weights as .safetensors or from their publisher ({_first_sentence(error)})"
        ) from error
    except (RuntimeError, EOFError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is damaged: {_first_sentence(error)}; fetch it again"
        ) from error


def _first_sentence(error: Exception) -> str:
    # torch adds advice on switching the protection off, which must not reach a user.
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return line.split(". ")[0][:200]


def _tensors_of(path: Path, content: Any, entry: str | None) -> Tensors:
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path} holds a {type(content).__name__}; expected named tensors")
    if entry is not None and not any(isinstance(value, Tensor) for value in content.values()):
        if entry not in content:
            raise CheckpointError(f"{path} has no entry '{entry}'; it has {_listed(list(content))}")
        content = content[entry]
        if not isinstance(content, Mapping):
            raise CheckpointError(
                f"{path}: entry '{entry}' holds a {type(content).__name__}; expected named tensors"
            )
    tensors: Tensors = {}
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise CheckpointError(f"{path}: '{name}' is a {type(value).__name__}; expected a tensor")
        tensors[name] = value.detach()
    return tensors


def _listed(names: list[Any]) -> str:
    if not names:
        return "none"
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN_NAMES])
    return shown if len(names) <= _SHOWN_NAMES else f"{shown} and {len(names) - _SHOWN_NAMES} more"
