# SPDX-License-Identifier: Apache-2.0
"""A model folder of ShotStream's own format with tiny random parts: real structure, no pictures."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.model import Student, StudentConfig
from shotstream_runtime.weights.locate import MINI_FOLDER
from shotstream_runtime.weights.profile import ModelProfile

WIDTH, HEIGHT, FPS = 32, 16, 16
CHUNKS_PER_SHOT = 3
FIRST_CHUNK, CHUNK = 9, 12
LATENT_CHANNELS = 4


def write_tiny_model(folder: Path) -> Path:
    """Writes the folder; its words are those of the built-in mini.

    Frames are 32x16 at 16 fps; a shot has 3 chunks by default: 9 + 12 + 12 frames.
    """
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    text = json.loads((MINI_FOLDER / "text_config.json").read_text(encoding="utf-8"))
    student = StudentConfig(
        dim=32,
        ffn_dim=64,
        freq_dim=32,
        num_heads=2,
        num_layers=2,
        in_dim=LATENT_CHANNELS,
        out_dim=LATENT_CHANNELS,
        text_len=text["text_len"],
        text_dim=text["text_dim"],
    )
    video = VideoCodecConfig(
        base_dim=8,
        latent_channels=LATENT_CHANNELS,
        dim_mult=(1, 1, 1),
        num_res_blocks=1,
        temporal_downsample=(True, True),
        latent_mean=(0.0,) * LATENT_CHANNELS,
        latent_std=(1.0,) * LATENT_CHANNELS,
    )
    profile = ModelProfile(
        name="tiny", width=WIDTH, height=HEIGHT, fps=FPS, latent_frames_per_shot=3 * CHUNKS_PER_SHOT
    )
    save_file(_weights(Student(student)), folder / "student.safetensors")
    save_file(_weights(video.build()), folder / "vae.safetensors")
    (folder / "student_config.json").write_text(json.dumps(asdict(student)), encoding="utf-8")
    (folder / "vae_config.json").write_text(video.model_dump_json(), encoding="utf-8")
    (folder / "profile.json").write_text(profile.model_dump_json(), encoding="utf-8")
    for name in ("text_config.json", "text.safetensors", "lexicon.json"):
        shutil.copyfile(MINI_FOLDER / name, folder / name)
    return folder


def _weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    # A fresh student's last layers are zero; noise makes frames depend on captions, seeds and history.
    return {
        name: (tensor + 0.1 * torch.randn_like(tensor)).contiguous()
        for name, tensor in module.state_dict().items()
    }
