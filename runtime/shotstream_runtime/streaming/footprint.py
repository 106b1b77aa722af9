# SPDX-License-Identifier: Apache-2.0
"""The memory one story takes, from the model's dimensions alone: known before the story is opened."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from shotstream_runtime.engines import Engine
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.streaming.caption_keys import captions_kept
from shotstream_runtime.streaming.context import selectable_frames
from shotstream_runtime.streaming.shot_context import latent_size
from shotstream_runtime.weights.load import LoadedModel

_RGB = 3
_CONTEXTS = 2  # of the running shot, and of the next one


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of memory.

    Attributes:
        device: Where the model computes. On a CPU that is main memory as well.
        host: Main memory beside that.
    """

    device: int = 0
    host: int = 0

    def __add__(self, other: Footprint) -> Footprint:
        return Footprint(self.device + other.device, self.host + other.host)

    def beyond(self, other: Footprint) -> Footprint:
        """What is more here than in another one; never negative."""
        return Footprint(max(0, self.device - other.device), max(0, self.host - other.host))


@dataclass(frozen=True, slots=True)
class StoryDimensions:
    """What the parts of a story take at most, in bytes.

    A shot longer than the model's default keeps its further frames on disk, so none of this grows with it.

    Attributes:
        session: The dual cache, and what else a session holds on the engine.
        captions: Cross-attention keys of the captions a shot can read.
        decoder: Carried state of the running shot's decoder.
        contexts: Condition latents of the running and of the next shot.
        running: Frames of the running shot.
        history: Frames of finished shots that can become condition frames.
    """

    session: int
    captions: int
    decoder: int
    contexts: int
    running: int
    history: int

    @classmethod
    def of(cls, model: LoadedModel, engine: Engine) -> StoryDimensions:
        """The dimensions of every story of a model on an engine."""
        config, profile = model.student.config, model.profile
        size = latent_size(model)[1:]
        item = model.student.dtype.itemsize
        frame = frame_bytes(profile.height, profile.width)
        length = shot_frames(model)
        # Which frames can be picked depends on the parity of a shot's first frame.
        kept = max(len(selectable_frames(first, length, config.max_context_frames)) for first in (0, 1))
        return cls(
            session=engine.session_bytes(*size),
            captions=captions_kept(config) * caption_bytes(config, item),
            decoder=model.decoders.decoder_bytes(*size),
            contexts=_CONTEXTS * config.max_context_frames * config.in_dim * size[0] * size[1] * item,
            running=length * frame,
            history=config.max_context_frames * kept * frame,
        )

    @property
    def total(self) -> Footprint:
        """All of them."""
        return Footprint(
            device=self.session + self.captions + self.decoder + self.contexts,
            host=self.running + self.history,
        )


def shot_frames(model: LoadedModel) -> int:
    """Frames of a shot whose beat does not say how long it is."""
    return 1 + (model.profile.latent_frames_per_shot - 1) * model.video.temporal_factor


def frame_bytes(height: int, width: int) -> int:
    """A decoded frame as history keeps it: ``[3, height, width]`` float32."""
    return _RGB * height * width * torch.float32.itemsize


def caption_bytes(config: StudentConfig, itemsize: int) -> int:
    """Cross-attention keys and values of one caption, in every layer."""
    return 2 * config.num_layers * config.text_len * config.dim * itemsize
