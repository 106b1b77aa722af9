# SPDX-License-Identifier: Apache-2.0
"""What stages start from: another stage, the built-in mini, any model of its kind, a file of weights."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.weights.load import load_model
from shotstream_runtime.weights.locate import MINI_FOLDER
from shotstream_training.checkpoint import save_stage
from shotstream_training.errors import TrainingError
from shotstream_training.export import SIZE_LIMIT, export_model
from shotstream_training.networks import MINI_STUDENT
from shotstream_training.stages.published_export import export_published
from shotstream_training.stages.run_config import StudentSettings
from shotstream_training.stages.stage_folder import (
    BUILT_IN,
    open_codec,
    stage_result,
    student_weights,
    words_folder,
)

DEVICE = torch.device("cpu")


@pytest.fixture(scope="module")
def config() -> StudentConfig:
    return StudentSettings(base="mini").build(channels=32)


def test_a_model_gives_what_its_stages_left(config: StudentConfig) -> None:
    weights = student_weights(BUILT_IN, config, "start")
    student = load_model("mini").student
    assert weights.keys() == student.state_dict().keys()
    for name, tensor in student.state_dict().items():
        assert weights[name].equal(tensor), name
    assert {"student", "text", "vae"} == set(stage_result(MINI_FOLDER, "start")[0])


def test_the_built_in_model_is_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in MINI_FOLDER.iterdir()) <= SIZE_LIMIT


def test_a_models_autoencoder_gives_the_runtimes_latents() -> None:
    clip = torch.rand(1, 3, 9, 80, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    latents = open_codec(BUILT_IN, DEVICE, "model.vae").encode(clip)
    expected = load_model("mini").video.encode_clip(clip)
    torch.testing.assert_close(latents, expected, atol=2e-4, rtol=1e-3)


def test_a_stage_between_two_models_keeps_the_words(tmp_path: Path) -> None:
    model, stage, out = tmp_path / "model", tmp_path / "stage", tmp_path / "out"
    shutil.copytree(MINI_FOLDER, model)
    groups, record = stage_result(model, "start")
    del groups["vae"]
    save_stage(stage, groups, record | {"stage": "causal-init", "words": str(model)})
    assert words_folder(None, model) == words_folder(None, stage) == model
    assert words_folder(None) == words_folder(BUILT_IN, stage) == MINI_FOLDER
    export_model(vae=model, student=stage, out=out)
    for name in ("lexicon.json", "text_config.json", "student_config.json", "vae_config.json"):
        assert (out / name).read_bytes() == (MINI_FOLDER / name).read_bytes(), name
    before, after = load_model("mini"), load_model(out)
    for name, tensor in before.video.vae.state_dict().items():
        assert after.video.vae.state_dict()[name].equal(tensor), name
    embeds = before.text.encode("a fox in a red coat").embeds
    # Stages keep float16, as the model does.
    torch.testing.assert_close(after.text.encode("a fox in a red coat").embeds, embeds, atol=1e-3, rtol=1e-3)


def test_what_cannot_be_started_from_is_named(tmp_path: Path, config: StudentConfig) -> None:
    with pytest.raises(TrainingError, match=r"start: .*gone holds no finished stage and no model"):
        student_weights(tmp_path / "gone", config, "start")
    with pytest.raises(TrainingError, match=r"in_dim=32, this run has 16"):
        student_weights(BUILT_IN, MINI_STUDENT, "start")
    save_stage(tmp_path / "teacher", {"student": {"w": torch.ones(1)}}, {"stage": "teacher"})
    with pytest.raises(TrainingError, match=r"model\.vae: .* is a teacher stage and holds no autoencoder"):
        open_codec(tmp_path / "teacher", DEVICE, "model.vae")
    with pytest.raises(TrainingError, match=r"--student: .* holds no text side"):
        export_model(vae=BUILT_IN, student=tmp_path / "teacher", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    shutil.copytree(MINI_FOLDER, tmp_path / "torn", ignore=shutil.ignore_patterns("vae.safetensors"))
    with pytest.raises(TrainingError, match=r"start: .*torn lacks vae\.safetensors"):
        student_weights(tmp_path / "torn", config, "start")


def test_a_file_of_weights_is_a_student(tmp_path: Path, config: StudentConfig) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"model.head.head.bias": torch.ones(2)}, path)
    assert student_weights(path, config, "start")["head.head.bias"].tolist() == [1.0, 1.0]


def test_an_export_lies_between_two_students(tmp_path: Path) -> None:
    groups, record = stage_result(BUILT_IN, "start")
    other = {name: tensor + 1 for name, tensor in groups["student"].items()}
    save_stage(tmp_path / "other", {"student": other}, record | {"stage": "intra"}, dtype=None)
    export_model(vae=BUILT_IN, student=BUILT_IN, blend=tmp_path / "other", share=0.25, out=tmp_path / "out")
    found = load_model(tmp_path / "out").student.state_dict()
    for name, tensor in groups["student"].items():
        assert found[name].equal((tensor + 0.25).bfloat16().float()), name
    save_stage(tmp_path / "small", {"student": {"w": torch.ones(1)}}, record | {"stage": "intra"})
    with pytest.raises(TrainingError, match=r"--blend: .*small holds no student of the dimensions of mini"):
        export_model(vae=BUILT_IN, student=BUILT_IN, blend=tmp_path / "small", out=tmp_path / "no")


def test_a_student_of_minis_kind_is_no_published_file(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"--student: mini is of mini's kind; .* --vae"):
        export_published(BUILT_IN, tmp_path / "out")
    assert not (tmp_path / "out").exists()
