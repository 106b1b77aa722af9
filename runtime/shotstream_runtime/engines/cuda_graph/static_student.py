# SPDX-License-Identifier: Apache-2.0
"""The student's passes over static buffers: joined projections, and modulation as constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shotstream_runtime.engines.attention_kernels import Attend
from shotstream_runtime.engines.cuda_graph.pointwise import Pointwise
from shotstream_runtime.model import CacheSpan, CaptionRun, DualCache, RotaryTable, Student, from_patches
from shotstream_runtime.model.linear_storage import EightBitLinear, join_rows
from shotstream_runtime.model.student import Block


@dataclass(frozen=True, slots=True)
class _Modulation:
    """What one time does to one layer; each ``[dim]``, the ones of the scales added."""

    shift_a: Tensor
    scale_a: Tensor
    gate_a: Tensor
    shift_f: Tensor
    scale_f: Tensor
    gate_f: Tensor


@dataclass(frozen=True, slots=True)
class _TimeConstants:
    """What one time does to all layers, and to the last one."""

    layers: tuple[_Modulation, ...]
    head: tuple[Tensor, Tensor]


class StaticStudent:
    """The passes of a student whose frames all have one time in a pass, as in streaming.

    The same numbers as `Student.forward` and `Student.fill_cache`, but for rounding. Projections that read
    the same input are joined, and the student's own become views of that: no weight is held twice.

    Args:
        student: The student; its modules' weights are replaced by equal views.
        attend: The attention kernel.
        pointwise: What lies between.
    """

    def __init__(self, student: Student, attend: Attend, pointwise: Pointwise) -> None:
        self.student = student
        self._attend = attend
        self._pointwise = pointwise
        self._eps = student.config.eps
        self._heads = student.config.num_heads
        self._blocks: list[Block] = [block for block in student.blocks if isinstance(block, Block)]
        self._joined: list[nn.Module] = [
            join_rows((block.self_attn.q, block.self_attn.k, block.self_attn.v)) for block in self._blocks
        ]
        for module in (*student.blocks.modules(), *self._joined):
            if isinstance(module, EightBitLinear):
                module.round_rows = pointwise.rounded_rows
        self._constants: dict[float, _TimeConstants] = {}

    def prepare(self, times: Sequence[float]) -> None:
        """Computes the constants of these times; a pass may only have one of them."""
        for time in times:
            if time not in self._constants:
                self._constants[time] = self._compute_constants(time)

    def forward(
        self,
        latents: Tensor,
        time: float,
        rotary: RotaryTable,
        captions: Sequence[CaptionRun],
        cache: DualCache,
        span: CacheSpan,
    ) -> Tensor:
        """One denoising pass.

        Args:
            latents: ``[b, f, in_dim, h, w]``.
            time: One of those prepared.
            rotary: For the pass's frames.
            captions: Which frames read which caption; those of a caption stay at one place in memory.
            cache: Written at ``span``.
            span: Where the pass writes, and how far it reads.

        Returns:
            The flow ``[b, f, out_dim, h, w]``.
        """
        constants = self._constants[time]
        normed = self._run(latents, constants, rotary, captions, cache, span, len(self._blocks))
        frames, (height, width) = latents.shape[1], latents.shape[-2:]
        numbers = self.student.head.head(normed).unflatten(1, (frames, -1))
        return from_patches(numbers, self.student.config, height, width)

    def fill_cache(
        self,
        latents: Tensor,
        time: float,
        rotary: RotaryTable,
        captions: Sequence[CaptionRun],
        cache: DualCache,
        span: CacheSpan,
    ) -> None:
        """A pass for the cache alone; arguments as `forward`. The last layer stores keys and values only."""
        last = len(self._blocks) - 1
        normed = self._run(latents, self._constants[time], rotary, captions, cache, span, last)
        self._store(last, normed, rotary, cache, span)

    def _run(
        self,
        latents: Tensor,
        constants: _TimeConstants,
        rotary: RotaryTable,
        captions: Sequence[CaptionRun],
        cache: DualCache,
        span: CacheSpan,
        layers: int,
    ) -> Tensor:
        """The first layers; returns the normed input of what comes next."""
        point, eps = self._pointwise, self._eps
        x = self.student.patchify(latents).flatten(1, 2)
        tokens = x.shape[1] // latents.shape[1]
        first = constants.layers[0]
        normed = point.modulated_norm(x, first.shift_a, first.scale_a, eps)
        for layer in range(layers):
            block, modulation = self._blocks[layer], constants.layers[layer]
            query = self._store(layer, normed, rotary, cache, span)
            keys, values = cache.leading(layer, span, query.dtype)
            attended = block.self_attn.o(self._attend(query, keys, values))
            x, normed = point.gated_residual_affine_norm(
                x, attended, modulation.gate_a, block.norm3.weight, block.norm3.bias, eps
            )
            crossed = self._cross(block, layer, normed, captions, tokens)
            x, normed = point.residual_modulated_norm(x, crossed, modulation.shift_f, modulation.scale_f, eps)
            update = block.ffn[2](point.gelu(block.ffn[0](normed)))
            if layer + 1 < len(self._blocks):
                following = constants.layers[layer + 1]
                shift, scale = following.shift_a, following.scale_a
            else:
                shift, scale = constants.head
            x, normed = point.gated_residual_modulated_norm(x, update, modulation.gate_f, shift, scale, eps)
        return normed

    def _store(
        self, layer: int, normed: Tensor, rotary: RotaryTable, cache: DualCache, span: CacheSpan
    ) -> Tensor:
        attention = self._blocks[layer].self_attn
        key_slot, value_slot = cache.slot(layer, span)
        return self._pointwise.rotate_and_store(
            self._joined[layer](normed),
            attention.norm_q.weight,
            attention.norm_k.weight,
            rotary.cos,
            rotary.sin,
            key_slot,
            value_slot,
            self._eps,
        )

    def _cross(
        self, block: Block, layer: int, normed: Tensor, captions: Sequence[CaptionRun], tokens: int
    ) -> Tensor:
        cross = block.cross_attn
        query = self._pointwise.normed_query(cross.q(normed), cross.norm_q.weight, self._heads, self._eps)
        parts = [
            self._attend(query[:, run.start * tokens : run.stop * tokens], *run.caption.layers[layer])
            for run in captions
        ]
        out: Tensor = cross.o(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))
        return out

    @torch.inference_mode()
    def _compute_constants(self, time: float) -> _TimeConstants:
        student = self.student
        modulation = student.modulate(torch.tensor([time], dtype=torch.float64, device=student.device))
        layers = []
        for block in self._blocks:
            rows = (block.modulation + modulation.projection)[0, 0].to(student.dtype)
            shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = rows.unbind(0)
            layers.append(_Modulation(shift_a, 1 + scale_a, gate_a, shift_f, 1 + scale_f, gate_f))
        rows = (student.head.modulation + modulation.embed[..., None, :])[0, 0].to(student.dtype)
        shift, scale = rows.unbind(0)
        return _TimeConstants(tuple(layers), (shift, 1 + scale))
