# SPDX-License-Identifier: Apache-2.0
"""Puts trained stages together into a model folder that the runtime loads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.weights.load import load_model
from shotstream_runtime.weights.profile import ModelProfile
from torch import Tensor

from shotstream_training.errors import TrainingError
from shotstream_training.stages.stage_folder import stage_result, words_folder
from shotstream_training.world.spec import FPS, HEIGHT, WIDTH

SIZE_LIMIT = 25_000_000
"""Bytes a built-in model may have on disk."""


DESCRIPTION = "A student of the storyboard world."


def export_model(
    *,
    vae: Path,
    student: Path,
    out: Path,
    description: str = DESCRIPTION,
    words: Path | None = None,
    blend: Path | None = None,
    share: float = 0.5,
) -> int:
    """Writes a model folder and loads it again.

    Args:
        vae: Folder of the ``vae`` stage or of a model, or ``mini``.
        student: Folder of the stage that trained the student; holds the text side as well.
        out: Where the model goes.
        description: One or two sentences for people.
        words: Model folder with the text side's word table and lexicon; by default the one that it was
            trained with.
        blend: Folder of a second stage of the same student, whose weights are mixed in.
        share: Its part of the mixture.

    Returns:
        Size of the folder's weights in bytes.

    Raises:
        TrainingError: If a folder holds no such result.
        ValueError: If the weights exceed the size of a built-in model.
    """
    groups, record = stage_result(student, "--student")
    if "text" not in groups:
        raise TrainingError(f"--student: {student} holds no text side of mini's kind")
    codec, video = stage_result(vae, "--vae")
    if "vae" not in codec:
        raise TrainingError(f"--vae: {vae} holds no autoencoder")
    encoder = MiniTextEncoder.load(words_folder(words, student))
    encoder.load_state_dict(groups["text"])
    out.mkdir(parents=True, exist_ok=True)
    encoder.save(out)
    weights = groups["student"]
    if blend is not None:
        other = stage_result(blend, "--blend")[0].get("student", {})
        if {name: t.shape for name, t in other.items()} != {name: t.shape for name, t in weights.items()}:
            raise TrainingError(f"--blend: {blend} holds no student of the dimensions of {student}")
        weights = {name: torch.lerp(tensor, other[name], share) for name, tensor in weights.items()}
    # bfloat16: the student's matrices are stored in the type the runtime computes in on a GPU.
    _store(weights, torch.bfloat16, out / "student.safetensors")
    _write_json(record["student_config"], out / "student_config.json")
    _store(codec["vae"], torch.float16, out / "vae.safetensors")
    config = VideoCodecConfig.from_diffusers(video["vae_config"])
    (out / "vae_config.json").write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    profile = ModelProfile(name="mini", width=WIDTH, height=HEIGHT, fps=float(FPS), description=description)
    values = profile.model_dump(exclude={"weights_hash"})
    _write_json(values, out / "profile.json")
    load_model(out)
    size = sum(path.stat().st_size for path in out.iterdir() if path.suffix in (".safetensors", ".json"))
    if size > SIZE_LIMIT:
        raise ValueError(f"{out} has {size:,} bytes of weights; a built-in model has at most {SIZE_LIMIT:,}")
    return size


def _store(tensors: Mapping[str, Tensor], dtype: torch.dtype, path: Path) -> None:
    save_file({name: tensor.to(dtype).contiguous() for name, tensor in tensors.items()}, path)
    path.chmod(0o644)


def _write_json(values: object, path: Path) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
