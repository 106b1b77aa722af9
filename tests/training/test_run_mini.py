# SPDX-License-Identifier: Apache-2.0
"""All training commands in a row at toy size, up to a model that the runtime plays."""

from pathlib import Path

import pytest
from shotstream_runtime.weights.load import load_model
from shotstream_training.checkpoint import load_stage
from shotstream_training.evaluate import generate_story
from shotstream_training.export import export_model
from shotstream_training.run_mini import MINI, main
from shotstream_training.world import sample_story, story_rng

COMMON = ["--tiny", "--workers", "0", "--device", "cpu"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_nothing_to_a_model_that_plays(tmp_path: Path) -> None:
    vae, story, model = tmp_path / "vae", tmp_path / "story", tmp_path / "model"
    main(["vae", "--minutes", "0.25", "--out", str(vae), *COMMON])
    shares = ["--shares", "0.25", "0.25", "0.25", "0.25"]
    main(
        ["story", "--minutes", "1", "--vae", str(vae), "--out", str(story), "--no-compile", *shares, *COMMON]
    )
    for folder, stage in (("teacher", "teacher"), ("causal_init", "causal-init"), ("student", "inter")):
        groups, record = load_stage(story / folder)
        assert record["stage"] == stage
        assert set(groups) == {"student", "text"}
        assert (story / folder / "sheet.png").stat().st_size > 10_000
    # The text side stays as the teacher left it.
    texts = [load_stage(story / folder)[0]["text"] for folder in ("teacher", "student")]
    assert all(texts[0][name].equal(texts[1][name]) for name in texts[0])

    export_model(
        vae=vae,
        text=story / "student",
        student=story / "student",
        words=MINI,
        out=model,
        description="A toy, trained for a minute.",
    )
    spec = sample_story(story_rng(0, "held_out"), 1, split="held_out")
    (shot,) = generate_story(load_model(model), spec, seed=0)
    assert shot.shape == (81, 80, 128, 3)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_decoder_refinement_keeps_the_latents(tmp_path: Path) -> None:
    main(["vae", "--minutes", "0.25", "--out", str(tmp_path / "first"), *COMMON])
    again = ["--init", str(tmp_path / "first"), "--decoder-only", "--latent-noise", "0.2"]
    main(["vae", "--minutes", "0.25", "--out", str(tmp_path / "second"), *again, *COMMON])
    (first, before), (second, after) = (load_stage(tmp_path / name) for name in ("first", "second"))
    for key in ("latents_mean", "latents_std"):
        assert before["vae_config"][key] == after["vae_config"][key]
    new = second["vae"]
    changed = {name.split(".")[0] for name, value in first["vae"].items() if not value.equal(new[name])}
    assert changed == {"decoder", "post_quant_conv"}
