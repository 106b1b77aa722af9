# SPDX-License-Identifier: Apache-2.0
"""The decoder over static buffers against the stream that runs everywhere: the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from golden_story import load_golden_model
from shotstream_runtime.codecs.preview_decoder import PreviewDecoder
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.engines.cuda_graph.graphs import CudaLane, DirectLane
from shotstream_runtime.engines.cuda_graph.static_decoder import StaticDecoders
from torch import Tensor

LATENTS = 5


@pytest.fixture(scope="module")
def codec(golden_dir: Path) -> VideoCodec:
    text: Any = None
    return load_golden_model(golden_dir, text).video


def latents(seed: int, height: int = 4, width: int = 6) -> Tensor:
    return torch.randn(LATENTS, 1, 16, height, width, generator=torch.Generator().manual_seed(seed))


def decoders(codec: VideoCodec, ahead: int = 3) -> StaticDecoders:
    return StaticDecoders(codec, DirectLane(), DirectLane(), ahead=ahead)


class GraphLane(DirectLane):
    """Work as graphs have it, which writes a new state over the old one; done at once all the same."""

    captures = True


def expected(codec: VideoCodec, shot: Tensor) -> list[Tensor]:
    stream = codec.open_decoder()
    return [stream.begin(latent).frames().pixels for latent in shot]


def test_every_latent_gives_the_same_bits(codec: VideoCodec) -> None:
    stream, plain, shot = decoders(codec).open_decoder(), codec.open_decoder(), latents(1)
    for latent in shot:
        ours, theirs = stream.begin(latent).frames(), plain.begin(latent).frames()
        assert torch.equal(ours.pixels, theirs.pixels)
        assert (ours.pictures == theirs.pictures).all()


@pytest.mark.parametrize("small", [False, True])
def test_a_state_that_is_written_over_gives_the_same_bits(codec: VideoCodec, small: bool) -> None:
    torch.manual_seed(0)
    decoder = PreviewDecoder().eval().requires_grad_(False) if small else codec
    source = StaticDecoders(decoder, GraphLane(), DirectLane(), ahead=3)
    for seed in (11, 12):
        stream, plain = source.open_decoder(), decoder.open_decoder()
        for latent in latents(seed):
            assert torch.equal(stream.begin(latent).frames().pixels, plain.begin(latent).frames().pixels)
        stream.close()


def test_a_step_that_fails_half_way_can_be_begun_again(
    codec: VideoCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = latents(13)
    whole = expected(codec, shot)
    stream = StaticDecoders(codec, GraphLane(), DirectLane(), ahead=3).open_decoder()
    stream.begin(shot[0]).frames()
    step = VideoCodec.decode_one

    def fails(self: VideoCodec, *given: Any, **named: Any) -> Any:
        step(self, *given, **named)
        raise torch.OutOfMemoryError

    with monkeypatch.context() as patch:
        patch.setattr(VideoCodec, "decode_one", fails)
        with pytest.raises(torch.OutOfMemoryError):
            stream.begin(shot[1])
    for latent, true in zip(shot[1:], whole[1:], strict=True):
        assert torch.equal(stream.begin(latent).frames().pixels, true)


def test_latents_begun_ahead_wait_in_the_ring(codec: VideoCodec) -> None:
    stream, shot = decoders(codec).open_decoder(), latents(2)
    whole = expected(codec, shot)
    begun = [stream.begin(latent) for latent in shot[:3]]
    assert all(torch.equal(a.frames().pixels, b) for a, b in zip(begun, whole, strict=False))
    # The ring goes round: pictures that were taken stay as they are.
    pictures = begun[1].frames().pictures
    kept = pictures.copy()
    for latent in shot[3:]:
        stream.begin(latent)
    assert (pictures == kept).all()


def test_a_shot_after_another_starts_afresh_in_the_same_buffers(codec: VideoCodec) -> None:
    source = decoders(codec)
    first = source.open_decoder()
    for latent in latents(3):
        first.begin(latent)
    held = first.bytes
    assert held == source.decoder_bytes(4, 6)
    first.close()
    assert (first.bytes, source.idle_bytes) == (0, held)
    second, shot = source.open_decoder(), latents(4)
    ours = [second.begin(latent).frames().pixels.clone() for latent in shot]
    assert source.idle_bytes == 0
    assert all(torch.equal(a, b) for a, b in zip(ours, expected(codec, shot), strict=True))


def test_shots_of_two_stories_do_not_disturb_each_other_nor_an_encoder(codec: VideoCodec) -> None:
    source = decoders(codec)
    streams, shots = [source.open_decoder() for _ in range(2)], [latents(5), latents(6)]
    wholes = [expected(codec, shot) for shot in shots]
    for number in range(LATENTS):
        for stream, shot, whole in zip(streams, shots, wholes, strict=True):
            assert torch.equal(stream.begin(shot[number]).frames().pixels, whole[number])
        codec.encode_frames(torch.zeros(2, 3, 32, 48))


def test_latents_of_another_shape_are_refused(codec: VideoCodec) -> None:
    stream = decoders(codec).open_decoder()
    with pytest.raises(ValueError, match=r"expected \[1, 16, h, w\]"):
        stream.begin(torch.zeros(1, 4, 4, 6))
    stream.begin(latents(7)[0])
    with pytest.raises(ValueError, match=r"earlier ones have \[4, 6\]"):
        stream.begin(torch.zeros(1, 16, 4, 8))


@pytest.mark.gpu
def test_graphs_and_pinned_memory_give_the_same(golden_dir: Path) -> None:
    text: Any = None
    codec = load_golden_model(golden_dir, text, device="cuda").video
    lane = CudaLane(torch.device("cuda"), joins=False)
    copies = CudaLane(torch.device("cuda"), capture=False, joins=False)
    source, shot = StaticDecoders(codec, lane, copies, ahead=3), latents(8).cuda()
    whole = expected(codec, shot)
    for _ in range(2):  # captured, then replayed
        stream = source.open_decoder()
        for first in (0, 3):
            begun = [stream.begin(latent) for latent in shot[first : first + 3]]
            for pending, true in zip(begun, whole[first : first + 3], strict=True):
                assert torch.allclose(pending.frames().pixels, true, atol=1e-4)
        stream.close()
