# SPDX-License-Identifier: Apache-2.0
"""What a model needs of a device's memory, computed from its dimensions before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from shotstream_runtime.codecs.preview_decoder import PreviewDecoder
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.engines import Precision
from shotstream_runtime.model import DualCache
from shotstream_runtime.streaming.caption_keys import captions_kept
from shotstream_runtime.streaming.footprint import caption_bytes
from shotstream_runtime.weights.configs import PublishedConfigs
from shotstream_runtime.weights.layouts import blank_student, blank_text, blank_video
from shotstream_runtime.weights.load import TextPlacement
from shotstream_runtime.weights.profile import ModelProfile

from .live_memory import LiveMemory

_GB: Final = 1e9
_DEVICE_ITSELF: Final = int(0.7e9)
"""What CUDA, its libraries and torch's allocator take on the way; an estimate."""
_TEXT_ITEM: Final = torch.bfloat16.itemsize  # as published


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """How a model is to use memory.

    Attributes:
        precision: The student's.
        text: Where the text encoder is.
        eight_bit_cache: Whether the dual cache is kept in 8 bits.
        frames_per_pass: Condition frames encoded at once; none for all of them.
        preview: Whether the small decoder shows the frames.
        window_frames: Latent frames of the running shot in the local cache; none for what the model has.
        decoder_states: How often the full decoder holds its carried states.
        captured: Whether passes and decoding are graphs.
    """

    precision: Precision
    text: TextPlacement = TextPlacement.DEVICE
    eight_bit_cache: bool = False
    frames_per_pass: int | None = None
    preview: bool = False
    window_frames: int | None = None
    decoder_states: int = 1
    captured: bool = False


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes on the device with one story open.

    Attributes:
        parts: By name, for people.
    """

    parts: dict[str, int]

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {size / _GB:.1f}" for name, size in self.parts.items())
        return f"{self.total / _GB:.1f} GB ({shown})"


class ModelMemory:
    """The memory of one model in any arrangement.

    Args:
        configs: Its dimensions.
        profile: Its sizes.
        on_gpu: Whether the device is a GPU, whose libraries need some for themselves.
    """

    def __init__(self, configs: PublishedConfigs, profile: ModelProfile, *, on_gpu: bool = True) -> None:
        self._configs, self._profile, self._on_gpu = configs, profile, on_gpu
        student = blank_student(configs.student)
        self._student_numbers = _numbers(student)
        self._block_weights, self._block_rows = _matrices(student.blocks)
        text = blank_text(configs.text)
        self._text_numbers = _numbers(text)
        self._text_weights, self._text_rows = _matrices(text.encoder.block)
        self._text_block = max(_numbers(block) for block in text.encoder.block)
        vae = blank_video(configs.video)
        self._video_numbers = _numbers(vae)
        # Asked for in every arrangement that is tried; working it out takes a while.
        self._decoders: dict[tuple[bool, int], int] = {}
        self._coding: dict[tuple[str, int, torch.dtype], int] = {}
        self._size = tuple(side // configs.video.spatial_factor for side in (profile.height, profile.width))

    def need(self, arrangement: Arrangement) -> MemoryNeed:
        """What an arrangement needs, one story open."""
        config, item = self._configs.student, arrangement.precision.dtype.itemsize
        height, width = self._size
        tokens = config.tokens_per_frame(height, width)
        parts = {
            "text encoder": self._text(arrangement.text),
            "student": self._student(arrangement.precision),
            "autoencoder": self._video_numbers * item,
            "dual cache": self._cache(arrangement, tokens),
            # Those remembered, and the one that passes read.
            "captions": (captions_kept(config) + 1) * caption_bytes(config, item),
            "decoder": self._decoder(arrangement, item),
            "on the way": self._workspace(arrangement, tokens, item),
        }
        if self._on_gpu:
            parts["the device itself"] = _DEVICE_ITSELF
        return MemoryNeed(parts)

    def _text(self, placement: TextPlacement) -> int:
        if not self._on_gpu:
            # Stays mapped to its file: the system takes its pages back where they are wanted.
            return 0
        if placement is TextPlacement.STREAMED:
            return self._text_block * _TEXT_ITEM
        if placement is TextPlacement.EIGHT_BIT:
            rest = self._text_numbers - self._text_weights
            return self._text_weights + self._text_rows * torch.float32.itemsize + rest * _TEXT_ITEM
        return self._text_numbers * _TEXT_ITEM

    def _student(self, precision: Precision) -> int:
        item = precision.dtype.itemsize
        if precision is not Precision.FP8:
            return self._student_numbers * item
        rest = self._student_numbers - self._block_weights
        return self._block_weights + self._block_rows * torch.float32.itemsize + rest * item

    def _cache(self, arrangement: Arrangement, tokens: int) -> int:
        config = self._configs.student
        item = 1 if arrangement.eight_bit_cache else arrangement.precision.dtype.itemsize
        whole = DualCache.bytes_of(config, tokens_per_frame=tokens, itemsize=item)
        frames = config.max_context_frames + config.local_window_frames
        window = arrangement.window_frames or config.local_window_frames
        return whole // frames * (config.max_context_frames + window)

    def _decoder(self, arrangement: Arrangement, item: int) -> int:
        key = (arrangement.preview, item)
        if key not in self._decoders:
            self._decoders[key] = self._weigh_decoder(arrangement, item)
        return self._decoders[key] * (1 if arrangement.preview else arrangement.decoder_states)

    def _weigh_decoder(self, arrangement: Arrangement, item: int) -> int:
        state = self._state_bytes(arrangement)
        if not arrangement.preview:
            return state
        return state + _numbers(self._preview(arrangement.precision.dtype)) * item

    def _preview(self, dtype: torch.dtype) -> PreviewDecoder:
        with torch.device("meta"):
            decoder: PreviewDecoder = PreviewDecoder(self._configs.video.latent_channels).to(dtype)
        return decoder

    def _video(self, dtype: torch.dtype) -> nn.Module:
        # Past diffusers' own `to`, which warns of casts that concern other models.
        vae: nn.Module = nn.Module.to(blank_video(self._configs.video), dtype)
        return vae

    def _state_bytes(self, arrangement: Arrangement) -> int:
        """What a decoder carries from latent to latent."""
        if arrangement.preview:
            return self._preview(arrangement.precision.dtype).decoder_bytes(*self._size)
        blank = torch.empty(self._configs.video.latent_channels)
        vae = self._video(arrangement.precision.dtype)
        state = VideoCodec(vae, blank, blank, accelerated=False).carried_state(*self._size)
        return sum(entry.nbytes for entry in state if entry is not None)

    def _workspace(self, arrangement: Arrangement, tokens: int, item: int) -> int:
        """What passes, encoding and decoding take: they share it, but for what graphs keep."""
        config = self._configs.student
        rows = config.max_context_frames * tokens
        student = rows * (2 * config.ffn_dim + 8 * config.dim) * item
        if arrangement.eight_bit_cache:
            window = arrangement.window_frames or config.local_window_frames
            keys = (config.max_context_frames + window) * tokens
            student += 2 * keys * config.dim * item
        if arrangement.precision is Precision.FP8:
            student += config.dim * config.ffn_dim * (torch.float32.itemsize + item)
        dtype = arrangement.precision.dtype
        at_once = arrangement.frames_per_pass or config.max_context_frames
        encode = self._coding_peak("encode", at_once, dtype)
        decode = self._coding_peak("preview" if arrangement.preview else "decode", 1, dtype)
        if arrangement.captured or (arrangement.decoder_states > 1 and not arrangement.preview):
            # The state after a step is written over the one before, or where the other one is.
            decode -= self._state_bytes(arrangement)
        shared = max(student, encode, decode)
        # A graph's memory is its own. A chunk is half as long as the context.
        return shared + student // 2 + decode if arrangement.captured else shared

    def _coding_peak(self, work: str, count: int, dtype: torch.dtype) -> int:
        """What encoding frames, or decoding a latent, takes at most beside weights and carried state."""
        key = (work, count, dtype)
        if key not in self._coding:
            channels = self._configs.video.latent_channels
            latent = torch.empty(1, channels, *self._size, device="meta")
            coder: VideoCodec | PreviewDecoder
            if work == "preview":
                coder = self._preview(dtype)
                weights = list(coder.parameters())
            else:
                blank = torch.empty(channels, device="meta")
                vae = self._video(dtype)
                coder, weights = VideoCodec(vae, blank, blank), list(vae.parameters())
            with torch.inference_mode():
                if isinstance(coder, VideoCodec) and work == "encode":
                    frames = torch.empty(count, 3, self._profile.height, self._profile.width, device="meta")
                    with LiveMemory([*weights, *coder.normalisation, frames]) as live:
                        coder.encode_frames(frames)
                else:
                    stream = coder.open_decoder()
                    for _ in range(2):
                        stream.decode(latent)
                    before = [entry for entry in stream.state if isinstance(entry, torch.Tensor)]
                    with LiveMemory([*weights, latent, *before]) as live:
                        stream.decode(latent)
            self._coding[key] = live.peak
        return self._coding[key]


def _numbers(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _matrices(module: nn.Module) -> tuple[int, int]:
    """Weights of all linear layers, and their rows."""
    layers = [layer.weight for layer in module.modules() if isinstance(layer, nn.Linear)]
    return sum(weight.numel() for weight in layers), sum(len(weight) for weight in layers)
