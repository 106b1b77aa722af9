# SPDX-License-Identifier: Apache-2.0
"""The autoencoder by configuration: resumable, and a stage that the others can start from."""

from pathlib import Path

import pytest
import torch
from latent_source import CPU
from shotstream_training.checkpoint import load_stage
from shotstream_training.errors import TrainingError
from shotstream_training.stages.resume import load_progress
from shotstream_training.stages.run_config import RunConfig, preset, read_config
from shotstream_training.stages.run_stage import run_stage
from shotstream_training.stages.stage_folder import open_codec

ROUNDS = 4


def config(rounds: int = ROUNDS, *more: str) -> RunConfig:
    changes = [
        f"loop.budget={{steps: {rounds}}}",
        "data={stories: 3, first_stories: 2, new_story_every: 2, shot_counts: [1], frames: 33}",
        "vae.base_dim=4",
        "vae.latent_channels=4",
        "vae.batch_scale=0.03",
        *more,
    ]
    return read_config(preset("vae", "mini"), changes)


def tensors(out: Path) -> dict[str, torch.Tensor]:
    found = load_progress(out, config().record())
    assert found is not None
    return {f"{group}/{name}": t for group, part in found[1].items() for name, t in part.items()}


@pytest.mark.slow
def test_resume_equals_uninterrupted_and_others_can_start_from_it(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run_stage(config(), whole, CPU)
    asked = iter([False, False, False, True])
    assert not run_stage(config(), parts, CPU, stop=lambda: next(asked))
    assert not (parts / "stage.json").exists()
    assert run_stage(config(), parts, CPU)
    expected, found = tensors(whole), tensors(parts)
    assert expected.keys() == found.keys()
    assert any("velocity" in name for name in expected)
    for name, value in expected.items():
        assert value.equal(found[name]), name
    codec = open_codec(parts, CPU.device, "--vae")
    latents = codec.encode(torch.zeros(1, 3, 9, 80, 128))
    assert latents.shape == (1, 3, 4, 10, 16)
    assert codec.decode(latents).shape == (1, 3, 9, 80, 128)


@pytest.mark.slow
def test_a_decoder_trained_on_keeps_the_latents(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run_stage(config(2), first, CPU)
    more = ("vae.decoder_only=true", "vae.latent_noise=0.2", f"start={first}")
    assert run_stage(config(2, *more), second, CPU)
    (before, old), (after, new) = load_stage(first), load_stage(second)
    for key in ("latents_mean", "latents_std"):
        assert old["vae_config"][key] == new["vae_config"][key]
    found = after["vae"]
    changed = {name.split(".")[0] for name, value in before["vae"].items() if not value.equal(found[name])}
    assert changed == {"decoder", "post_quant_conv"}


def test_a_decoder_alone_needs_a_start() -> None:
    with pytest.raises(TrainingError, match=r"vae\.decoder_only=true needs start"):
        config(2, "vae.decoder_only=true")
