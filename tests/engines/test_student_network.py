# SPDX-License-Identifier: Apache-2.0
"""The student's TensorRT network, recomputed from its own definition, against the eager student.

The session is the one that runs on a GPU; only the executor below it differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from network_interpreter import NetworkInterpreter
from safetensors.torch import load_file
from shotstream_runtime.engines.eager import EagerEngine, EagerSession
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt import student_tensors as names
from shotstream_runtime.engines.tensorrt.definition import define_student
from shotstream_runtime.engines.tensorrt.prepared_student import PreparedStudent
from shotstream_runtime.engines.tensorrt.session import TensorRtSession
from shotstream_runtime.engines.tensorrt.student_tensors import Pass, StudentTensors
from shotstream_runtime.model import CaptionKeys, FlowSchedule, Student, StudentConfig
from torch import Tensor

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

HEIGHT, WIDTH = 8, 12
TOLERANCE = 2e-5
FLAGS, NEW_FLAG = (0, 0, 1, 1, 2, 2), 3


class InterpretedPasses:
    """A `PassExecutor` over the network's definition."""

    def __init__(self, tensors: StudentTensors, student: Student) -> None:
        self.definition = define_student(trt, trt.Logger(trt.Logger.ERROR), tensors, student.state_dict())
        self.interpreter = NetworkInterpreter(trt, self.definition.network)
        self.passes: list[Pass] = []

    def run(self, kind: Pass, buffers: Mapping[str, Tensor]) -> None:
        inputs = [
            self.definition.network.get_input(i).name for i in range(self.definition.network.num_inputs)
        ]
        outputs = self.interpreter.run({name: buffers[name] for name in inputs})
        for name, value in outputs.items():
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
    def of(cls, student: Student, embeds: Tensor, height: int = HEIGHT, width: int = WIDTH) -> Pair:
        tensors = StudentTensors(student.config, height, width, Precision.FP32)
        executor = InterpretedPasses(tensors, student)
        config = student.config
        schedule = FlowSchedule(config.timestep_shift, config.denoising_steps)
        session = TensorRtSession(PreparedStudent(student, Precision.FP32), schedule, tensors, executor)
        return cls(EagerEngine(student).open_session(height, width), session, executor, config, embeds)

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


@pytest.fixture(scope="module")
def student(golden_dir: Path) -> Student:
    student = Student(StudentConfig.from_json(golden_dir / "student_config.json")).eval()
    weights = load_file(golden_dir / "student_weights.safetensors")
    student.load_state_dict({name.removeprefix("model."): weight for name, weight in weights.items()})
    return student.requires_grad_(False)


@pytest.fixture
def pair(student: Student, golden_tensors: Any) -> Pair:
    return Pair.of(student, golden_tensors("student_io")["in.prompt_embeds"])


def noises(pair: Pair, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    config = pair.config
    shape = (len(config.denoising_steps), 1, config.frames_per_chunk, config.in_dim, HEIGHT, WIDTH)
    return torch.randn(shape, generator=generator)


@pytest.mark.golden
def test_context_pass_fills_the_cache_like_the_recorded_one(pair: Pair, golden_tensors: Any) -> None:
    recorded = golden_tensors("student_io")
    pair.prefill(recorded["in.cond_latents"], FLAGS)
    for layer in range(pair.config.num_layers):
        for kind, name in (("k", names.cached_keys(layer)), ("v", names.cached_values(layer))):
            expected = recorded[f"out.a.context_{kind}.{layer}"]
            stored = pair.network.cache[name].transpose(1, 2)[:, : expected.shape[1]]
            torch.testing.assert_close(stored, expected, atol=TOLERANCE, rtol=0)
    assert pair.executor.passes == [Pass.CONTEXT]


def test_every_chunk_of_a_shot_agrees_with_eager(pair: Pair, golden_tensors: Any) -> None:
    """One network serves all chunks: the lengths are inputs, the caches are written in place."""
    pair.prefill(golden_tensors("student_io")["in.cond_latents"], FLAGS)
    assert pair.cache_deviation() < TOLERANCE
    for chunk in range(7):
        expected, made = pair.chunk(noises(pair, chunk), 3 * chunk, NEW_FLAG, NEW_FLAG)
        torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)
        assert pair.cache_deviation() < TOLERANCE
    assert expected.abs().max() > 1


def test_redirected_shot_reads_the_new_caption(pair: Pair, golden_tensors: Any) -> None:
    pair.prefill(golden_tensors("student_io")["in.cond_latents"], FLAGS)
    pair.chunk(noises(pair, 0), 0, NEW_FLAG, 3)
    expected, made = pair.chunk(noises(pair, 1), 3, NEW_FLAG, 1)
    torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("sink", [0, 3])
def test_shot_beyond_the_window_goes_round_the_ring(student: Student, golden_tensors: Any, sink: int) -> None:
    config = replace(student.config, local_window_frames=9, sink_frames=sink)
    short = Student(config).eval()
    short.load_state_dict(student.state_dict())
    pair = Pair.of(short, golden_tensors("student_io")["in.prompt_embeds"])
    pair.prefill(golden_tensors("student_io")["in.cond_latents"], FLAGS)
    for chunk in range(6):
        expected, made = pair.chunk(noises(pair, chunk), 3 * chunk, NEW_FLAG, NEW_FLAG)
        torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)


def test_next_shot_starts_over_in_the_same_buffers(pair: Pair, golden_tensors: Any) -> None:
    latents = golden_tensors("student_io")["in.cond_latents"]
    pair.prefill(latents, FLAGS)
    pair.chunk(noises(pair, 0), 0, NEW_FLAG, 3)
    pair.chunk(noises(pair, 1), 3, NEW_FLAG, 3)
    pair.prefill(latents.flip(1), (1, 1, 2, 2, 3, 3))
    expected, made = pair.chunk(noises(pair, 2), 0, 4, 0)
    torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)


def test_size_the_engine_was_not_built_for_is_refused(pair: Pair) -> None:
    caption = pair.network.prepare_caption(pair.embeds[0])
    with pytest.raises(ValueError, match=r"\(1, 3, 16, 6, 12\).*built for \(1, 3, 16, 8, 12\)"):
        pair.network.denoise(
            torch.zeros(1, 3, 16, 6, 12),
            lambda step: torch.zeros(1, 3, 16, 6, 12),
            first_frame=0,
            shot_flag=1,
            caption=caption,
        )
