# SPDX-License-Identifier: Apache-2.0
"""Puts trained stages together into a model folder that the runtime loads.

    python -m shotstream_training.export --vae runs/vae --text runs/teacher --student runs/student \
        --out runtime/shotstream_runtime/weights/mini
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.weights.load import MINI_FOLDER, load_model
from shotstream_runtime.weights.profile import ModelProfile
from torch import Tensor

from shotstream_training.checkpoint import load_stage
from shotstream_training.world.spec import FPS, HEIGHT, WIDTH

SIZE_LIMIT = 25_000_000
"""Bytes a built-in model may have on disk."""


def export_model(
    *,
    vae: Path,
    text: Path,
    student: Path,
    words: Path,
    out: Path,
    description: str,
    blend: Path | None = None,
    share: float = 0.5,
) -> int:
    """Writes a model folder and loads it again.

    Args:
        vae: Folder of the ``vae`` stage.
        text: Folder of the stage that trained the text side.
        student: Folder of the stage that trained the student.
        words: Model folder whose word table and lexicon the text side was trained with.
        out: Where the model goes.
        description: One or two sentences for people.
        blend: Folder of a second stage of the same student, whose weights are mixed in.
        share: Its part of the mixture.

    Returns:
        Size of the folder's weights in bytes.

    Raises:
        ValueError: If the weights exceed the size of a built-in model.
    """
    out.mkdir(parents=True, exist_ok=True)
    encoder = MiniTextEncoder.load(words)
    encoder.load_state_dict(load_stage(text)[0]["text"])
    encoder.save(out)
    groups, record = load_stage(student)
    weights = groups["student"]
    if blend is not None:
        other = load_stage(blend)[0]["student"]
        weights = {name: torch.lerp(tensor, other[name], share) for name, tensor in weights.items()}
    # bfloat16: the student's matrices are stored in the type the runtime computes in on a GPU.
    _store(weights, torch.bfloat16, out / "student.safetensors")
    _write_json(record["student_config"], out / "student_config.json")
    groups, record = load_stage(vae)
    _store(groups["vae"], torch.float16, out / "vae.safetensors")
    config = VideoCodecConfig.from_diffusers(record["vae_config"])
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


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="shotstream_training.export", description=__doc__)
    for name, about in (
        ("vae", "folder of the vae stage"),
        ("text", "folder of the stage that trained the text side"),
        ("student", "folder of the stage that trained the student"),
        ("out", "where the model goes"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=about)
    parser.add_argument("--blend", type=Path, help="second stage, mixed into the student")
    parser.add_argument("--share", type=float, default=0.5, help="part of that second stage")
    parser.add_argument("--words", type=Path, default=MINI_FOLDER, help="folder with word table and lexicon")
    parser.add_argument(
        "--description",
        default="The built-in small student: flat-colour storyboard clips of one dressed character.",
    )
    options = parser.parse_args()
    size = export_model(**vars(options))
    print(f"{options.out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
