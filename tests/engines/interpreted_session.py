# SPDX-License-Identifier: Apache-2.0
"""An eager session beside one over a TensorRT network that is recomputed from its own definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from network_interpreter import NetworkInterpreter
from shotstream_runtime.engines.eager import EagerEngine, EagerSession
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt import student_tensors as names
from shotstream_runtime.engines.tensorrt.activation_ranges import ActivationRanges
from shotstream_runtime.engines.tensorrt.build_log import BuildLog
from shotstream_runtime.engines.tensorrt.definition import define_student
from shotstream_runtime.engines.tensorrt.prepared_student import PreparedStudent
from shotstream_runtime.engines.tensorrt.session import TensorRtSession
from shotstream_runtime.engines.tensorrt.student_tensors import NetworkTensor, Pass, StudentTensors
from shotstream_runtime.model import CaptionKeys, FlowSchedule, Student, StudentConfig
from torch import Tensor

HEIGHT, WIDTH = 8, 12
FLAGS, NEW_FLAG = (0, 0, 1, 1, 2, 2), 3


class WideTensors(StudentTensors):
    """The border of a network whose floating types are all computed in float32."""

    def inputs(self) -> dict[str, NetworkTensor]:
        return _widened(StudentTensors.inputs(self))

    def outputs(self) -> dict[str, NetworkTensor]:
        return _widened(StudentTensors.outputs(self))


def _widened(tensors: dict[str, NetworkTensor]) -> dict[str, NetworkTensor]:
    return {
        name: replace(tensor, dtype=torch.float32) if tensor.dtype.is_floating_point else tensor
        for name, tensor in tensors.items()
    }


class InterpretedPasses:
    """A `PassExecutor` over the network's definition."""

    def __init__(
        self,
        trt: Any,
        tensors: StudentTensors,
        student: Student,
        ranges: ActivationRanges | None = None,
        *,
        wide: bool = False,
    ) -> None:
        logger = BuildLog().logger(trt)
        self.definition = define_student(trt, logger, tensors, student.state_dict(), ranges)
        self.interpreter = NetworkInterpreter(trt, self.definition.network, wide=wide)
        self.passes: list[Pass] = []

    def run(self, kind: Pass, buffers: Mapping[str, Tensor]) -> None:
        inputs = [
            self.definition.network.get_input(i).name for i in range(self.definition.network.num_inputs)
        ]
        outputs = self.interpreter.run({name: buffers[name] for name in inputs})
        for name, value in outputs.items():
            assert value.shape == buffers[name].shape
            if value.data_ptr() != buffers[name].data_ptr():
                buffers[name].copy_(value)
        self.passes.append(kind)


@dataclass
class Pair:
    """The eager session and the session over the network, with the same student."""

    eager: EagerSession
    network: TensorRtSession
    executor: InterpretedPasses
    config: StudentConfig
    embeds: Tensor

    @classmethod
    def of(
        cls,
        trt: Any,
        student: Student,
        embeds: Tensor,
        precision: Precision = Precision.FP32,
        ranges: ActivationRanges | None = None,
        *,
        wide: bool = False,
    ) -> Pair:
        config = student.config
        tensors = StudentTensors(config, HEIGHT, WIDTH, precision)
        executor = InterpretedPasses(trt, tensors, student, ranges, wide=wide)
        schedule = FlowSchedule(config.timestep_shift, config.denoising_steps)
        prepared = PreparedStudent(student, Precision.FP32 if wide else precision)
        if wide:
            tensors = WideTensors(config, HEIGHT, WIDTH, precision)
        session = TensorRtSession(prepared, schedule, tensors, executor)
        return cls(EagerEngine(student).open_session(HEIGHT, WIDTH), session, executor, config, embeds)

    def captions(self, row: int) -> tuple[CaptionKeys, CaptionKeys]:
        return self.eager.prepare_caption(self.embeds[row]), self.network.prepare_caption(self.embeds[row])

    def prefill(self, latents: Tensor, flags: tuple[int, ...]) -> None:
        captions = {row: self.captions(row) for row in set(flags)}
        for side, session in enumerate((self.eager, self.network)):
            session.prefill(latents, flags, [captions[flag][side] for flag in flags])

    def chunk(self, noises: Tensor, first_frame: int, flag: int, row: int) -> tuple[Tensor, Tensor]:
        """Denoises and refreshes one chunk on both; what each made of it."""
        made = []
        for session, caption in zip((self.eager, self.network), self.captions(row), strict=True):
            place: Any = {"first_frame": first_frame, "shot_flag": flag, "caption": caption}
            clean = session.denoise(noises[0], lambda step: noises[step], **place)
            session.refresh(clean, **place)
            made.append(clean)
        return made[0], made[1]

    def cache_deviation(self) -> float:
        """Largest difference between the two dual caches."""
        worst = 0.0
        for layer, buffer in enumerate(self.eager.cache.buffers):
            for part, name in enumerate((names.cached_keys(layer), names.cached_values(layer))):
                theirs = self.network.cache[name].transpose(1, 2)
                worst = max(worst, (buffer[part] - theirs).abs().max().item())
        return worst

    def noises(self, seed: int) -> Tensor:
        """Noise of one chunk: initial, then before each further step."""
        config = self.config
        shape = (len(config.denoising_steps), 1, config.frames_per_chunk, config.in_dim, HEIGHT, WIDTH)
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
