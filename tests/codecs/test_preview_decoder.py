# SPDX-License-Identifier: Apache-2.0
"""The small decoder on random weights of the published layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from shotstream_runtime.codecs.preview_decoder import PreviewDecoder
from shotstream_runtime.engines.cuda_graph.graphs import DirectLane
from shotstream_runtime.engines.cuda_graph.static_decoder import StaticDecoders
from shotstream_runtime.weights.errors import CheckpointError, WeightsError
from shotstream_runtime.weights.preview import find_preview, load_preview
from torch import Tensor
from torch.nn import functional as F

LATENTS = 4


@pytest.fixture(scope="module")
def decoder() -> PreviewDecoder:
    torch.manual_seed(3)
    return PreviewDecoder().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def shot() -> Tensor:
    return torch.randn(LATENTS, 1, 16, 4, 6, generator=torch.Generator().manual_seed(1))


def whole_clip(decoder: PreviewDecoder, latents: Tensor) -> Tensor:
    """All latents at once, straight from the layout: the frame before is the clip shifted by one."""
    x = latents[:, 0]
    state = decoder.state_dict()

    def convolve(x: Tensor, name: str, padding: int = 1) -> Tensor:
        return F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), padding=padding)

    x = F.relu(convolve(3 * torch.tanh(x / 3), "decoder.1"))
    for stage, grown in enumerate((1, 2, 2)):
        first = 3 + 6 * stage
        for block in range(first, first + 3):
            before = F.pad(x, (0, 0, 0, 0, 0, 0, 1, 0))[:-1]
            y = torch.cat((x, before), 1)
            for place in (0, 2):
                y = F.relu(convolve(y, f"decoder.{block}.conv.{place}"))
            x = F.relu(x + convolve(y, f"decoder.{block}.conv.4"))
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        frames, channels = x.shape[:2]
        x = convolve(x, f"decoder.{first + 4}.conv", padding=0)
        x = x.reshape(frames * grown, channels, *x.shape[2:])
        x = convolve(x, f"decoder.{first + 5}")
    return 2 * convolve(F.relu(x), "decoder.22").clamp(0, 1)[3:] - 1


def test_latent_by_latent_is_the_whole_clip(decoder: PreviewDecoder, shot: Tensor) -> None:
    expected = whole_clip(decoder, shot)
    stream = decoder.open_decoder()
    parts = [stream.begin(latent).frames() for latent in shot]
    assert [len(part.pixels) for part in parts] == [1, 4, 4, 4]
    ours = torch.cat([part.pixels for part in parts])
    assert ours.shape == expected.shape == (13, 3, 32, 48)
    assert (ours - expected).abs().max() < 1e-5
    assert expected.std() > 0.01
    assert parts[1].pictures.shape == (4, 32, 48, 3)


def test_static_buffers_give_the_same(decoder: PreviewDecoder, shot: Tensor) -> None:
    source = StaticDecoders(decoder, DirectLane(), DirectLane(), ahead=3)
    plain, static = decoder.open_decoder(), source.open_decoder()
    for latent in shot:
        assert torch.equal(static.begin(latent).frames().pixels, plain.begin(latent).frames().pixels)
    assert static.bytes == plain.bytes == decoder.decoder_bytes(4, 6) == source.decoder_bytes(4, 6)


def test_the_published_file(decoder: PreviewDecoder, tmp_path: Path, shot: Tensor) -> None:
    names = set(decoder.state_dict())
    assert {"decoder.1.bias", "decoder.3.conv.4.weight", "decoder.13.conv.weight", "decoder.22.bias"} <= names
    assert "decoder.8.bias" not in names
    tensors = {name: tensor.contiguous() for name, tensor in decoder.state_dict().items()}
    # A file of the family whose first stage doubles the frames as well, and its encoder.
    grown = torch.cat((torch.randn_like(tensors["decoder.7.conv.weight"]), tensors["decoder.7.conv.weight"]))
    tensors |= {"decoder.7.conv.weight": grown, "encoder.0.weight": torch.zeros(3)}
    with pytest.raises(WeightsError, match=r"lacks taew2_1\.pth.*github\.com/madebyollin/taehv"):
        find_preview(tmp_path)
    path = tmp_path / "taew2_1.safetensors"
    save_file(tensors, path)
    loaded = load_preview(find_preview(tmp_path), latent_channels=16, device="cpu", dtype=torch.float32)
    ours, theirs = loaded.open_decoder(), decoder.open_decoder()
    assert torch.equal(ours.begin(shot[0]).frames().pixels, theirs.begin(shot[0]).frames().pixels)
    with pytest.raises(CheckpointError, match=r"taew2_1.*'decoder\.1\.weight' has shape"):
        load_preview(path, latent_channels=4, device="cpu", dtype=torch.float32)
    del tensors["decoder.22.bias"]
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=r"'decoder\.22\.bias' is missing"):
        load_preview(path, latent_channels=16, device="cpu", dtype=torch.float32)
