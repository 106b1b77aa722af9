# SPDX-License-Identifier: Apache-2.0
"""TensorRT engines where they run: mini, built, opened and held to the eager student on the CPU.

Needs an RTX card for `tensorrt-rtx`, any NVIDIA GPU for `tensorrt`; never run so far.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.eager import EagerEngine
from shotstream_runtime.engines.engine_kind import EngineOptions
from shotstream_runtime.engines.kinds import ENGINE_KINDS
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.making import make_engine, recipe_for
from shotstream_runtime.engines.tensorrt.products import Product
from shotstream_runtime.engines.tensorrt.store import FOLDER_VARIABLE, EngineStore
from shotstream_runtime.streaming.shot_context import latent_size
from shotstream_runtime.weights.load import load_model
from torch import Tensor

pytestmark = pytest.mark.gpu

RELATIVE = 5e-2


@pytest.mark.parametrize("product", list(Product))
def test_chunks_and_frames_agree_with_eager(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    device = torch.device("cuda")
    (kind,) = (kind for kind in ENGINE_KINDS if kind.name == product.value)
    refused = kind.refusal(DeviceFacts.of(device), Precision.BF16)
    if refused is not None:
        pytest.skip(refused)
    model = load_model("mini", device=device, dtype=torch.bfloat16)
    make_engine(EngineStore(tmp_path), recipe_for(model, product, Precision.BF16), model)
    model, engine = kind.build(model, EngineOptions(precision=Precision.BF16))

    truth = load_model("mini")
    channels, *size = latent_size(truth)
    config = truth.student.config
    embeds = truth.text.encode("A bear in the meadow.shot0:Wide shot: the bear walks.").embeds
    generator = torch.Generator().manual_seed(0)

    def draw(frames: int) -> Tensor:
        return torch.randn(1, frames, channels, *size, generator=generator)

    context, flags = draw(config.max_context_frames), (0,) * config.max_context_frames
    noises = [[draw(config.frames_per_chunk) for _ in config.denoising_steps] for _ in range(3)]
    made: list[tuple[Tensor, Tensor]] = []
    sides: tuple[tuple[Any, Any, torch.device, torch.dtype], ...] = (
        (EagerEngine(truth.student), truth, torch.device("cpu"), torch.float32),
        (engine, model, device, torch.bfloat16),
    )
    for runs, owner, where, dtype in sides:
        session = runs.open_session(*size)
        caption = session.prepare_caption(embeds.to(where))
        session.prefill(context.to(where, dtype), flags, [caption] * len(flags))
        decoder, latents, pixels = owner.decoders.open_decoder(), [], []
        for chunk, drawn in enumerate(noises):
            there = [noise.to(where, dtype) for noise in drawn]
            place: Any = {
                "first_frame": chunk * config.frames_per_chunk,
                "shot_flag": 1,
                "caption": caption,
            }
            clean = session.denoise(there[0], there.__getitem__, **place)
            session.refresh(clean, **place)
            latents.append(clean.float().cpu())
            pixels += [decoder.begin(latent).frames().pixels for latent in clean.unbind(1)]
        made.append((torch.cat(latents, dim=1), torch.cat(pixels)))
    for ours, theirs in zip(made[1], made[0], strict=True):
        error = (ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt()
        assert error < RELATIVE
