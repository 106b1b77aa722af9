# SPDX-License-Identifier: Apache-2.0
"""The least time that a GPU could take: operations counted from the dimensions, over rates that it sustains.

A multiplication and the addition after it count as two operations, as usual. Norms, rotations and other
elementwise work is not counted: fused, it hides behind memory traffic that the products need anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch.utils.flop_counter import FlopCounterMode

from shotstream_runtime.codecs.umt5_config import Umt5Config
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.model import StudentConfig


@dataclass(frozen=True, slots=True)
class PassOperations:
    """Operations of one pass of the student, all layers.

    Attributes:
        linear: Projections and feed-forward.
        cross_attention: Scores and sums over a caption's positions.
        self_attention: The same over the pass's keys.
    """

    linear: float
    cross_attention: float
    self_attention: float

    @property
    def attention(self) -> float:
        """Both kinds of attention."""
        return self.cross_attention + self.self_attention


def pass_operations(config: StudentConfig, tokens: int, keys: int) -> PassOperations:
    """Operations of a pass.

    Args:
        config: The student.
        tokens: Tokens of the pass, of all its frames.
        keys: Keys that its self-attention reads.
    """
    width = config.dim
    weights = 4 * width * width + 2 * width * width + 2 * width * config.ffn_dim
    layers = config.num_layers
    return PassOperations(
        linear=2.0 * tokens * weights * layers,
        cross_attention=4.0 * tokens * config.text_len * width * layers,
        self_attention=4.0 * tokens * keys * width * layers,
    )


def chunk_keys(config: StudentConfig, tokens_per_frame: int) -> list[int]:
    """Keys of every chunk of a shot as long as the window."""
    chunk = config.frames_per_chunk
    frames = range(chunk, config.local_window_frames + 1, chunk)
    return [(config.max_context_frames + filled) * tokens_per_frame for filled in frames]


def text_operations(config: Umt5Config, positions: int) -> float:
    """Operations of encoding one caption."""
    width, inner = config.dim, config.dim_attn
    weights = 4 * width * inner + 3 * width * config.dim_ffn
    return config.num_layers * (2.0 * positions * weights + 4.0 * positions * positions * inner)


@dataclass(frozen=True, slots=True)
class CodecOperations:
    """Operations of the video autoencoder.

    Attributes:
        first_latent: Decoding a shot's first latent.
        further_latent: Decoding each further one.
        encode_frame: Encoding one condition frame.
    """

    first_latent: float
    further_latent: float
    encode_frame: float

    def chunk(self, latents: int) -> float:
        """Decoding a chunk that is not a shot's first."""
        return latents * self.further_latent


def codec_operations(config: VideoCodecConfig, height: int, width: int) -> CodecOperations:
    """Counted while a codec without memory behind its tensors works on latents of ``height x width``."""
    with torch.device("meta"):
        vae = config.build()
    blank = torch.zeros(config.latent_channels, device="meta")
    codec = VideoCodec(vae, blank, blank, accelerated=False)
    stream = codec.open_decoder()
    latent = torch.empty(1, config.latent_channels, height, width, device="meta")
    pixels = torch.empty(1, 3, height * config.spatial_factor, width * config.spatial_factor, device="meta")
    counts = []
    with torch.inference_mode():
        for work in (
            lambda: stream.decode(latent),
            lambda: stream.decode(latent),
            lambda: codec.encode_frames(pixels),
        ):
            with FlopCounterMode(display=False) as counter:
                work()  # type: ignore[no-untyped-call]
            total: int = counter.get_total_flops()
            counts.append(float(total))
    return CodecOperations(*counts)


@dataclass(frozen=True, slots=True)
class Rates:
    """Operations per second that a GPU sustains.

    Attributes:
        linear: Matrix products.
        attention: Attention.
        convolution: Convolutions.
    """

    linear: float
    attention: float
    convolution: float


H100_RATES: Final = {
    "bf16": Rates(800e12, 650e12, 500e12),
    # Products in float8; attention and convolutions stay in bfloat16.
    "fp8": Rates(1400e12, 650e12, 500e12),
}
"""What the best kernels sustain on an H100 with boost clocks, by precision of the products."""


def seconds(operations: PassOperations, rates: Rates) -> float:
    """The floor of a pass."""
    return operations.linear / rates.linear + operations.attention / rates.attention


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor of every stage at given rates, in milliseconds.

    Attributes:
        prefill: Context pass.
        chunk: Mean over a shot's chunks of four denoising passes and the clean pass.
        decode: A chunk that is not a shot's first.
        first_frame_cold: From a beat whose caption is encoded to the first decoded frame, its context's
            frames encoded and passed too.
        first_frame_prefetched: The same with the context there already.
    """

    prefill: float
    chunk: float
    decode: float
    first_frame_cold: float
    first_frame_prefetched: float

    @property
    def first_frame_of_story(self) -> float:
        """The same with the context passed: a story begins with blank latents, none of which is encoded."""
        return self.first_frame_prefetched + self.prefill

    @classmethod
    def of(
        cls, config: StudentConfig, codec: CodecOperations, height: int, width: int, rates: Rates
    ) -> Floor:
        """The floor for latents of ``height x width``."""
        per_frame = config.tokens_per_frame(height, width)
        context, chunk = config.max_context_frames * per_frame, config.frames_per_chunk * per_frame
        prefill = seconds(pass_operations(config, context, context), rates)
        passes = len(config.denoising_steps)
        keys = chunk_keys(config, per_frame)
        single = [seconds(pass_operations(config, chunk, count), rates) for count in keys]
        first = passes * single[0] + codec.first_latent / rates.convolution
        encode = config.max_context_frames * codec.encode_frame / rates.convolution
        return cls(
            prefill=1e3 * prefill,
            chunk=1e3 * (passes + 1) * sum(single) / len(single),
            decode=1e3 * codec.chunk(config.frames_per_chunk) / rates.convolution,
            first_frame_cold=1e3 * (first + prefill + encode),
            first_frame_prefetched=1e3 * first,
        )
