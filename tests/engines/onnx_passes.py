# SPDX-License-Identifier: Apache-2.0
"""The student's passes as ONNX, with the inputs and outputs of its TensorRT network, run by onnxruntime.

Written from the eager modules and exported by torch: nothing of it comes from the network's definition, so a
session that runs over both has two witnesses.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import onnxruntime
import torch
from shotstream_runtime.engines.tensorrt import student_tensors as names
from shotstream_runtime.engines.tensorrt.student_tensors import Pass, StudentTensors
from shotstream_runtime.model import Student
from torch import Tensor, nn
from torch.nn import functional as F


class StudentPass(nn.Module):
    """One pass over the dual cache, by the names of `student_tensors`.

    Args:
        student: The student.
        inputs: Names of the inputs, in order.
    """

    def __init__(self, student: Student, inputs: tuple[str, ...]) -> None:
        super().__init__()
        self.student = student
        self.inputs = inputs

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.inputs, tensors, strict=True))
        student, config = self.student, self.student.config
        embedding = student.patch_embedding
        x = F.linear(given[names.PATCHES], embedding.weight.flatten(1), embedding.bias)
        caches: list[Tensor] = []
        for layer, block in enumerate(student._layers):
            shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = given[names.MODULATION][layer]
            attention = block.self_attn
            normed = F.layer_norm(x, x.shape[-1:], eps=config.eps) * scale_a + shift_a
            flat = normed.reshape(1, -1, config.dim)
            new_keys, new_values = attention.key_value(flat)
            query = self._rotate(attention.query(flat), given)
            keys = self._store(given, names.cached_keys(layer), self._rotate(new_keys, given))
            values = self._store(given, names.cached_values(layer), new_values.transpose(1, 2))
            caches += [keys, values]
            seen = (
                torch.arange(keys.shape[2])[None, None, None] < given[names.KEY_LENGTH][:, None, None, None]
            )
            out = F.scaled_dot_product_attention(query, keys, values, attn_mask=seen)
            x = x + attention.o(out.transpose(1, 2).reshape(x.shape)) * gate_a
            caption = block.cross_attn
            query = caption.query(block.norm3(x)).transpose(1, 2)
            out = F.scaled_dot_product_attention(
                query, given[names.caption_keys(layer)], given[names.caption_values(layer)]
            )
            x = x + caption.o(out.transpose(1, 2).reshape(x.shape))
            normed = F.layer_norm(x, x.shape[-1:], eps=config.eps) * scale_f + shift_f
            x = x + block.ffn(normed) * gate_f
        shift, scale = given[names.HEAD_MODULATION][0]
        flow = student.head.head(F.layer_norm(x, x.shape[-1:], eps=config.eps) * scale + shift)
        return flow, *caches

    @staticmethod
    def _rotate(x: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """``[1, n, heads, head_dim]`` rotated, heads first."""
        even, odd = x.transpose(1, 2).unflatten(-1, (-1, 2)).unbind(-1)
        cos, sin = given[names.COS][:, None], given[names.SIN][:, None]
        return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)

    @staticmethod
    def _store(given: Mapping[str, Tensor], name: str, new: Tensor) -> Tensor:
        places = given[names.WRITE_SLOT].long() + torch.arange(new.shape[2])
        return given[name].scatter(2, places[None, None, :, None].expand(new.shape), new)


class OnnxPasses:
    """A `PassExecutor` over onnxruntime on the CPU; one model for each kind of pass."""

    def __init__(self, tensors: StudentTensors, student: Student) -> None:
        self.inputs = tuple(tensors.inputs())
        self.outputs = tuple(tensors.outputs())
        self.sessions = {kind: self._exported(kind, tensors, student) for kind in Pass}
        self.passes: list[Pass] = []

    def run(self, kind: Pass, buffers: Mapping[str, Tensor]) -> None:
        feeds = {f"in.{name}": buffers[name].numpy() for name in self.inputs}
        made = self.sessions[kind].run([f"out.{name}" for name in self.outputs], feeds)
        for name, value in zip(self.outputs, made, strict=True):
            buffers[name].copy_(torch.from_numpy(value))
        self.passes.append(kind)

    def _exported(self, kind: Pass, tensors: StudentTensors, student: Student) -> Any:
        examples = tuple(
            torch.zeros(tensor.at[kind], dtype=tensor.dtype) for tensor in tensors.inputs().values()
        )
        file = io.BytesIO()
        program = torch.onnx.export(
            StudentPass(student, self.inputs).eval(),
            examples,
            input_names=[f"in.{name}" for name in self.inputs],
            output_names=[f"out.{name}" for name in self.outputs],
            opset_version=20,
            dynamo=True,
            verbose=False,
        )
        assert program is not None
        program.save(file)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
