# SPDX-License-Identifier: Apache-2.0
"""Tiny models written in the layouts the weights are published in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from shotstream_runtime.codecs.umt5_config import Umt5Config
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.model.config import StudentConfig
from shotstream_runtime.weights.layouts import Layout, student_layout, text_layout, video_layout
from shotstream_runtime.weights.profile import ModelProfile
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor

STUDENT = StudentConfig(
    dim=24, ffn_dim=32, freq_dim=8, text_dim=16, text_len=8, num_heads=2, num_layers=2, in_dim=4, out_dim=4
)
VIDEO = VideoCodecConfig(
    base_dim=2, latent_channels=4, num_res_blocks=2, latent_mean=(0.1, 0.2, 0.3, 0.4), latent_std=(1, 2, 3, 4)
)
TEXT = Umt5Config(vocab_size=40, dim=16, dim_attn=16, dim_ffn=24, num_heads=2, num_layers=2)
PROFILE = ModelProfile(name="tiny", width=32, height=16, latent_frames_per_shot=6)


def random_tensors(layout: Layout, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: 0.2 * torch.randn(shape, generator=generator) for name, shape in layout.shapes.items()}


@dataclass
class TinyPublished:
    """The three published files' content, to be changed before it is written."""

    student: dict[str, Tensor] = field(default_factory=lambda: random_tensors(student_layout(STUDENT), 1))
    video: dict[str, Tensor] = field(default_factory=lambda: random_tensors(video_layout(VIDEO), 2))
    text: dict[str, Tensor] = field(default_factory=lambda: random_tensors(text_layout(TEXT), 3))

    def write(self, folder: Path, kind: Literal["pickle", "safetensors", "diffusers"] = "pickle") -> Path:
        """Writes a folder that `load_model` takes."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "profile.json", PROFILE.model_dump())
        write_json(folder / "student_config.json", asdict(STUDENT))
        if kind == "safetensors":
            save_file(self.student, folder / "shotstream_merged.safetensors")
        else:
            torch.save({"generator": self.student, "step": 1000}, folder / "shotstream_merged.pt")
        if kind == "diffusers":
            self._write_diffusers(folder)
            return folder
        write_json(folder / "vae_config.json", published_video_config())
        write_json(folder / "t5_config.json", TEXT.model_dump())
        if kind == "safetensors":
            save_file(self.video, folder / "Wan2.1_VAE.safetensors")
            save_file(self.text, folder / "models_t5_umt5-xxl-enc-bf16.safetensors")
        else:
            torch.save(self.video, folder / "Wan2.1_VAE.pth")
            torch.save(self.text, folder / "models_t5_umt5-xxl-enc-bf16.pth")
        write_tokenizer(folder / "google" / "umt5-xxl" / "tokenizer.json")
        return folder

    def _write_diffusers(self, folder: Path) -> None:
        """With the libraries' own writers: what they write is what the layout is."""
        vae, encoder = VIDEO.build(), TEXT.build()
        video, text = video_layout(VIDEO), text_layout(TEXT)
        vae.load_state_dict(
            {own: self.video[name] for name, targets in video.targets.items() for own in targets}
        )
        encoder.load_state_dict(
            {own: self.text[name] for name, targets in text.targets.items() for own in targets}
        )
        vae.save_pretrained(folder / "vae")
        encoder.save_pretrained(folder / "text_encoder", max_shard_size="2KB")
        write_tokenizer(folder / "tokenizer" / "tokenizer.json")


def published_video_config() -> dict[str, Any]:
    """The autoencoder's dimensions under their published names."""
    return {
        "dim": VIDEO.base_dim,
        "z_dim": VIDEO.latent_channels,
        "dim_mult": VIDEO.dim_mult,
        "num_res_blocks": VIDEO.num_res_blocks,
        "attn_scales": [],
        "temperal_downsample": VIDEO.temporal_downsample,
        "latent_mean": VIDEO.latent_mean,
        "latent_std": VIDEO.latent_std,
    }


def write_json(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")


def write_tokenizer(path: Path) -> None:
    """A tokenizer of few words that ends texts with `</s>`."""
    words = ["<pad>", "</s>", "<unk>", "a", "fox", "runs", "in", "the", "snow"]
    tokenizer = Tokenizer(models.WordLevel({word: row for row, word in enumerate(words)}, unk_token="<unk>"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
