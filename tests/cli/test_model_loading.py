# SPDX-License-Identifier: Apache-2.0
"""What surrounds the import of the runtime's heavy packages."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from shotstream_runtime.cli.compute_settings import ComputeSettings
from shotstream_runtime.cli.failure import CommandFailed
from shotstream_runtime.cli.fitting import check, check_vram, equip
from shotstream_runtime.cli.model_loading import importing, load
from shotstream_runtime.codecs.preview_decoder import PreviewDecoder
from shotstream_runtime.engines import EagerEngine, Precision
from shotstream_runtime.engines.choice import EngineChoice
from shotstream_runtime.engines.tensorrt.errors import EngineUnusable
from shotstream_runtime.engines.tensorrt.making import recipe_of
from shotstream_runtime.engines.tensorrt.offer import TENSORRT_RTX
from shotstream_runtime.engines.tensorrt.products import Product
from shotstream_runtime.engines.tensorrt.store import FOLDER_VARIABLE, EngineStore
from shotstream_runtime.host.memory_need import Arrangement
from shotstream_runtime.host.memory_plan import MemoryPlanError
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.errors import WeightsError
from shotstream_runtime.weights.load import load_model
from shotstream_runtime.weights.outline import read_outline
from weights.published_folder import TinyPublished


def test_garbage_collection_rests_during_imports_only() -> None:
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(CommandFailed, match="no torch"), importing():
        raise ImportError("no torch", name="torch")
    assert gc.isenabled()


def test_a_part_of_our_own_that_is_missing_is_a_fault_and_no_advice() -> None:
    with pytest.raises(ImportError, match="not here"), importing():
        raise ImportError("not here", name="shotstream_runtime.lost")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return TinyPublished().write(tmp_path / "published")


def test_published_weights_say_what_they_need_and_keep_to_it(published: Path, monkeypatch: Any) -> None:
    loaded = load(str(published), ComputeSettings(device="cpu"))
    assert loaded.notes[0].startswith("Engine: eager in fp32 on CPU")
    assert loaded.notes[1].startswith("Memory: ")
    monkeypatch.setattr("shotstream_runtime.host.free_memory.free_host_bytes", lambda: 10_000)
    with pytest.raises(MemoryPlanError, match=r"the model needs .* GB \(text encoder 0\.0, student"):
        load(str(published), ComputeSettings(device="cpu"))


def test_options_without_effect_are_told(published: Path) -> None:
    settings = ComputeSettings(device="cpu", attention="fa3", share_gpu=True, vram="12")
    for model in ("mini", str(published)):
        notes = load(model, settings).notes
        assert notes[1].startswith("--attention fa3 has no effect: eager ")
        assert notes[2] == "--share-gpu has no effect on CPU"
        assert notes[3] == "--vram 12 has no effect: it is for published weights on a GPU"
    assert len(load("mini", ComputeSettings(device="cpu")).notes) == 1


def test_an_arrangement_is_brought_into_a_model(published: Path) -> None:
    model = load_model(published)
    assert model.student.config.local_window_frames == 21
    equip(Arrangement(precision=Precision.FP32, frames_per_pass=1, window_frames=9), model, published)
    assert (model.student.config.local_window_frames, model.student.config.sink_frames) == (9, 3)
    assert model.video.frames_per_pass == 1
    stream = StoryStream(model, EagerEngine(model.student), global_caption="a story. ", seed=1)
    for number in range(2):
        stream.submit(Beat(id=str(number), text="a fox", chunks=4))
        while not stream.idle:
            list(stream.advance())
    assert stream.held.device > 0


def test_the_preview_decoder_is_for_published_weights_whose_folder_has_it(published: Path) -> None:
    preview = ComputeSettings(device="cpu", decoder="preview")
    with pytest.raises(CommandFailed, match="mini has one decoder"):
        load("mini", preview)
    with pytest.raises(WeightsError, match=r"lacks taew2_1\.pth"):
        load(str(published), preview)
    small = PreviewDecoder(latent_channels=4)
    tensors = {name: tensor.contiguous() for name, tensor in small.state_dict().items()}
    save_file(tensors, published / "taew2_1.safetensors")
    loaded = load(str(published), preview)
    assert loaded.model.decoders is loaded.model.preview
    frames = loaded.model.decoders.open_decoder().begin(torch.zeros(1, 4, 2, 4)).frames()
    assert frames.pictures.shape == (1, 16, 32, 3)


@pytest.mark.parametrize("vram", ["lots", "2", "-1"])
def test_vram_that_is_no_number_is_refused(vram: str) -> None:
    with pytest.raises(CommandFailed, match=f"--vram {vram}: give auto, or gigabytes"):
        check_vram(vram)
    # A server says so before it takes an address.
    with pytest.raises(CommandFailed, match=f"--vram {vram}: give auto, or gigabytes"):
        check("mini", ComputeSettings(vram=vram))
    assert check_vram("auto") is None
    assert check_vram("16") == check_vram("16GB") == 16 << 30


def test_an_engine_that_is_missing_is_told_before_the_weights_are_loaded(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "engines"))
    choice = EngineChoice(TENSORRT_RTX, Precision.BF16, "as on a card")

    def choose(settings: ComputeSettings, *, small: bool) -> tuple[torch.device, EngineChoice]:
        return torch.device("cpu"), choice

    def loads(*given: Any, **named: Any) -> None:
        raise AssertionError("the weights were loaded")

    monkeypatch.setattr("shotstream_runtime.cli.model_loading.choose", choose)
    monkeypatch.setattr("shotstream_runtime.weights.load.load_model", loads)
    for model in ("mini", str(published)):
        with pytest.raises(EngineUnusable, match=f"no engine.*shotstream engine build --model {model} "):
            load(model, ComputeSettings(device="cpu"))
    # An engine of other weights does not do either.
    outline, bf16 = read_outline("mini"), Precision.BF16
    recipe = recipe_of(outline, None, Product.TENSORRT_RTX, bf16).model_copy(
        update={"weights_hash": "0" * 64}
    )
    with EngineStore(tmp_path / "engines").writing(recipe) as writer:
        writer.write("student.plan", b"plan", lambda part: None)
    with pytest.raises(EngineUnusable, match=r"the nearest in .* differs: other weights"):
        load("mini", ComputeSettings(device="cpu"))
    # One that fits lets the loading go on.
    with EngineStore(tmp_path / "engines").writing(
        recipe_of(outline, None, Product.TENSORRT_RTX, bf16)
    ) as writer:
        writer.write("student.plan", b"plan", lambda part: None)
    with pytest.raises(AssertionError, match="the weights were loaded"):
        load("mini", ComputeSettings(device="cpu"))
