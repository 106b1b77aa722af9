# SPDX-License-Identifier: Apache-2.0
"""A story's place on a TensorRT engine: its buffers, and what is put into them before each pass.

Nothing here calls CUDA: an executor runs the network on the buffers. They stay at the same address for the
session's life, so that what is captured for a chunk's pass stays valid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from shotstream_runtime.engines.base import Renoise
from shotstream_runtime.engines.caption_runs import check_context
from shotstream_runtime.model import (
    CacheSpan,
    CaptionKeys,
    FlowSchedule,
    context_span,
    from_patches,
    local_span,
    to_patches,
)

from . import student_tensors as names
from .cache_slots import CacheSlots, InPlaceSlots, PrefixSlots
from .prepared_student import PreparedStudent
from .student_tensors import NetworkTensor, Pass, StudentTensors


class PassExecutor(Protocol):
    """Runs the student's network."""

    def run(self, kind: Pass, buffers: Mapping[str, Tensor]) -> None:
        """Runs one pass on the session's device, in order with what was queued before.

        Args:
            kind: The kind of the pass.
            buffers: Every input and output by name, contiguous and of the declared type and shape. An output
                that stores into a cache lies in that cache's buffer.
        """
        ...


class TensorRtSession:
    """One story: dual cache, captions and passes; see `EngineSession`.

    Args:
        student: What is computed outside the network.
        schedule: The few denoising steps.
        tensors: The border of the network.
        executor: Runs the network.
    """

    def __init__(
        self,
        student: PreparedStudent,
        schedule: FlowSchedule,
        tensors: StudentTensors,
        executor: PassExecutor,
    ) -> None:
        self._student = student
        self._schedule = schedule
        self._tensors = tensors
        self._executor = executor
        self._config = tensors.config
        device = student.device

        def buffer(tensor: NetworkTensor, kind: Pass) -> Tensor:
            return torch.zeros(tensor.at[kind], dtype=tensor.dtype, device=device)

        inputs, outputs = tensors.inputs(), tensors.outputs()
        caches = [name for name in inputs if names.stored(name) in outputs]
        self.cache = {name: buffer(inputs[name], Pass.CHUNK) for name in caches}
        self._chunk = self.cache | {
            name: buffer(tensor, Pass.CHUNK) for name, tensor in inputs.items() if name not in self.cache
        }
        self._chunk[names.FLOW] = buffer(outputs[names.FLOW], Pass.CHUNK)
        self._bytes = sum(buffer.nbytes for buffer in self._chunk.values())
        self._slots: CacheSlots = InPlaceSlots(self.cache)
        if not tensors.writes_in_place:
            far = self._config.local_window_frames * self._config.frames_per_chunk
            self._slots = PrefixSlots(self.cache, local_span(self._config, tensors.frame_tokens, far).keys)
        self._caption: CaptionKeys | None = None
        self._positioned: tuple[int, int] | None = None

    @property
    def bytes(self) -> int:
        """Memory that the session holds on the device."""
        return self._bytes

    @torch.inference_mode()
    def prepare_caption(self, embeds: Tensor) -> CaptionKeys:
        """Cross-attention keys of one caption ``[text_len, text_dim]``.

        Raises:
            ValueError: If the features do not have the student's text shape.
        """
        return self._student.caption_keys(embeds)

    @torch.inference_mode()
    def prefill(self, latents: Tensor, shot_flags: Sequence[int], captions: Sequence[CaptionKeys]) -> None:
        """Context pass; see `EngineSession.prefill`.

        Raises:
            ValueError: If the numbers of latents, flags and captions differ from the student's context.
        """
        check_context(self._config, latents, shot_flags, captions)
        device, inputs = self._student.device, self._tensors.inputs()
        cos, sin = self._student.rotary(range(len(shot_flags)), shot_flags, self._tensors)
        # These are needed once for each shot and as large as all captions together: not kept.
        buffers = dict(self._chunk)
        buffers[names.PATCHES] = self._patches(latents, Pass.CONTEXT)
        buffers[names.COS], buffers[names.SIN] = cos, sin
        buffers[names.FLOW] = torch.empty(
            self._tensors.outputs()[names.FLOW].at[Pass.CONTEXT],
            dtype=inputs[names.PATCHES].dtype,
            device=device,
        )
        for layer in range(self._config.num_layers):
            for part, name in enumerate((names.caption_keys(layer), names.caption_values(layer))):
                parts = [caption.layers[layer][part].transpose(1, 2) for caption in captions]
                buffers[name] = torch.cat(parts)
        self._run(Pass.CONTEXT, buffers, 0.0, context_span(self._config, self._tensors.frame_tokens))

    @torch.inference_mode()
    def denoise(
        self, noise: Tensor, renoise: Renoise, *, first_frame: int, shot_flag: int, caption: CaptionKeys
    ) -> Tensor:
        """Generates one chunk; see `EngineSession.denoise`."""
        span = self._enter(first_frame, shot_flag, caption)

        def flow(noisy: Tensor, step: int) -> Tensor:
            return self._chunk_pass(noisy, self._schedule.steps[step], span)

        return self._schedule.denoise(noise, renoise, flow)

    @torch.inference_mode()
    def refresh(self, clean: Tensor, *, first_frame: int, shot_flag: int, caption: CaptionKeys) -> None:
        """Clean pass; see `EngineSession.refresh`.

        The last layer's attention and all after it are computed as well, and thrown away: the price, one part
        in as many as there are layers, of having the weights once.
        """
        span = self._enter(first_frame, shot_flag, caption)
        self._chunk_pass(clean, 0.0, span)

    def _enter(self, first_frame: int, shot_flag: int, caption: CaptionKeys) -> CacheSpan:
        """Puts a chunk's place and caption into the buffers, where they have changed; the chunk's span."""
        span = local_span(self._config, self._tensors.frame_tokens, first_frame)
        self._slots.enter(span)
        if self._positioned != (first_frame, shot_flag):
            offset = self._config.max_context_frames + first_frame
            frames = self._config.frames_per_chunk
            cos, sin = self._student.rotary(
                range(offset, offset + frames), (shot_flag,) * frames, self._tensors
            )
            self._chunk[names.COS].copy_(cos)
            self._chunk[names.SIN].copy_(sin)
            self._positioned = (first_frame, shot_flag)
        if self._caption is not caption:
            for layer, (keys, values) in enumerate(caption.layers):
                self._chunk[names.caption_keys(layer)].copy_(keys.transpose(1, 2))
                self._chunk[names.caption_values(layer)].copy_(values.transpose(1, 2))
            self._caption = caption
        return span

    def _chunk_pass(self, latents: Tensor, time: float, span: CacheSpan) -> Tensor:
        """One pass over a chunk ``[1, f, channels, h, w]``; its flow, in the type of the latents."""
        self._chunk[names.PATCHES].copy_(self._patches(latents, Pass.CHUNK))
        self._run(Pass.CHUNK, self._chunk, time, span)
        numbers = self._chunk[names.FLOW].unflatten(1, (latents.shape[1], -1))
        return from_patches(numbers, self._config, *latents.shape[-2:]).to(latents.dtype)

    def _run(self, kind: Pass, buffers: dict[str, Tensor], time: float, span: CacheSpan) -> None:
        blocks, head = self._student.modulation(time)
        buffers[names.MODULATION].copy_(blocks)
        buffers[names.HEAD_MODULATION].copy_(head)
        if names.WRITE_SLOT in buffers:
            buffers[names.WRITE_SLOT].fill_(self._slots.write_slot(span))
        buffers[names.KEY_LENGTH].fill_(self._slots.key_length(span))
        for name in self.cache:
            buffers[names.stored(name)] = self._slots.destination(name, span)
        self._executor.run(kind, buffers)

    def _patches(self, latents: Tensor, kind: Pass) -> Tensor:
        """Latents ``[1, f, channels, h, w]`` as patches ``[groups, tokens, numbers]``.

        Raises:
            ValueError: If they are of another size than the engine was built for.
        """
        tensor = self._tensors.inputs()[names.PATCHES]
        frames = self._tensors.tokens(kind) // self._tensors.frame_tokens
        expected = (1, frames, self._config.in_dim, self._tensors.height, self._tensors.width)
        if tuple(latents.shape) != expected:
            raise ValueError(
                f"latents have shape {tuple(latents.shape)}; this engine was built for {expected}"
            )
        return to_patches(latents, self._config).to(tensor.dtype).reshape(tensor.at[kind]).contiguous()
