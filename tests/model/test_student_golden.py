# SPDX-License-Identifier: Apache-2.0
"""The student against the recorded single passes a to e (tests/golden/README.md, "Single-pass checks")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from shotstream_runtime.model import (
    CacheAccess,
    CaptionKeys,
    CaptionRun,
    DualCache,
    FlowSchedule,
    Student,
    StudentConfig,
)
from torch import Tensor

pytestmark = pytest.mark.golden
TOLERANCE = 2e-5


@dataclass
class Scene:
    """A student with a fresh cache and the inputs of the golden scenario."""

    student: Student
    cache: DualCache
    inputs: Any
    flags: list[int]
    new_flag: int

    @property
    def config(self) -> StudentConfig:
        return self.student.config

    @property
    def schedule(self) -> FlowSchedule:
        return FlowSchedule(self.config.timestep_shift, self.config.denoising_steps)

    def caption(self, row: int) -> CaptionKeys:
        return self.student.embed_captions(self.inputs["in.prompt_embeds"][row : row + 1])

    def run(
        self,
        latents: Tensor,
        time: float,
        positions: list[int],
        flags: list[int],
        captions: list[int],
        access: CacheAccess,
    ) -> Tensor:
        prepared = {row: self.caption(row) for row in set(captions)}
        runs = [CaptionRun(i, i + 1, prepared[row]) for i, row in enumerate(captions)]
        height, width = latents.shape[-2:]
        with torch.inference_mode():
            return self.student(
                latents,
                self.student.modulate(torch.full((len(flags),), time, dtype=torch.float64)),
                self.student.rotary_table(torch.tensor(positions), torch.tensor(flags), height, width),
                runs,
                access,
            )

    def context(self) -> None:
        frames = self.config.max_context_frames
        self.run(
            self.inputs["in.cond_latents"],
            0.0,
            list(range(frames)),
            self.flags,
            self.flags,
            CacheAccess(self.cache, self.cache.context_span()),
        )

    def chunk(self, latents: Tensor, time: float, index: int, *, flag: int, caption: int) -> Tensor:
        count = self.config.frames_per_chunk
        first = index * count
        positions = [self.config.max_context_frames + first + i for i in range(count)]
        return self.run(
            latents,
            time,
            positions,
            [flag] * count,
            [caption] * count,
            CacheAccess(self.cache, self.cache.local_span(first)),
        )


@pytest.fixture
def scene(golden_json: Any, golden_tensors: Any) -> Scene:
    values = golden_json("student_config")
    config = StudentConfig.from_dict(values)
    student = Student(config).eval()
    weights = golden_tensors("student_weights")
    student.load_state_dict(
        {name.removeprefix("model."): tensor for name, tensor in weights.items()}, strict=True
    )
    inputs = golden_tensors("student_io")
    height, width = inputs["in.cond_latents"].shape[-2:]
    cache = DualCache(config, tokens_per_frame=config.tokens_per_frame(height, width))
    io = values["student_io"]
    return Scene(student, cache, inputs, io["cond_shot_flags"], io["new_shot_flag"])


def assert_close(actual: Tensor, expected: Tensor, what: str) -> None:
    assert actual.shape == expected.shape, what
    error = (actual - expected).abs().max().item()
    assert error <= TOLERANCE, f"{what}: off by {error:.2e}"


def assert_cached(scene: Scene, prefix: str, start: int, stop: int, layers: list[int]) -> None:
    for layer in layers:
        for row, kind in enumerate("kv"):
            name = f"{prefix}_{kind}.{layer}"
            assert_close(scene.cache.buffers[layer][row, :, start:stop], scene.inputs[f"out.{name}"], name)


def test_passes_a_to_d(scene: Scene) -> None:
    layers = list(range(scene.config.num_layers))
    context = scene.cache.context_span()
    scene.context()
    assert_cached(scene, "a.context", context.start, context.stop, layers)

    seen: dict[str, Tensor] = {}
    for layer, block in enumerate(scene.student.blocks):
        block.register_forward_hook(lambda _m, _i, out, n=layer: seen.__setitem__(f"block_out.{n}", out))
    steps = scene.schedule.steps
    noisy = scene.inputs["in.chunk0_noisy"]
    for j, time in enumerate(steps):
        flow = scene.chunk(noisy, time, 0, flag=scene.new_flag, caption=scene.new_flag)
        assert_close(flow, scene.inputs[f"out.b.flow.{j}"], f"b.flow.{j}")
        clean = scene.schedule.clean(noisy, flow, scene.schedule.sigma(time))
        assert_close(clean, scene.inputs[f"out.b.x0.{j}"], f"b.x0.{j}")
        if j == 1:
            for layer in layers:
                name = f"block_out.{layer}"
                assert_close(seen[name].flatten(1, 2), scene.inputs[f"out.b.{name}"], name)
            times = torch.full((scene.config.frames_per_chunk,), time, dtype=torch.float64)
            modulation = scene.student.modulate(times)
            assert_close(modulation.embed[0], scene.inputs["out.b.time_embed"], "time_embed")
            assert_close(modulation.projection[0].flatten(1), scene.inputs["out.b.time_proj"], "time_proj")

    local = scene.cache.local_span(0)
    scene.chunk(scene.inputs["in.chunk0_clean"], 0.0, 0, flag=scene.new_flag, caption=scene.new_flag)
    assert_cached(scene, "c.local", local.start, local.stop, layers)

    noisy = scene.inputs["in.chunk1_noisy"]
    listed = [j for j in range(len(steps)) if f"out.d.flow.{j}" in scene.inputs]
    assert listed
    for j in listed:
        flow = scene.chunk(noisy, steps[j], 1, flag=scene.new_flag, caption=scene.new_flag)
        assert_close(flow, scene.inputs[f"out.d.flow.{j}"], f"d.flow.{j}")
        clean = scene.schedule.clean(noisy, flow, scene.schedule.sigma(steps[j]))
        assert_close(clean, scene.inputs[f"out.d.x0.{j}"], f"d.x0.{j}")
    # The context cache stays as the context pass left it.
    assert_cached(scene, "a.context", context.start, context.stop, layers)


def test_first_shot_mode_e(scene: Scene) -> None:
    frames = scene.config.max_context_frames
    context = scene.cache.context_span()
    scene.run(
        torch.zeros_like(scene.inputs["in.cond_latents"]),
        0.0,
        list(range(frames)),
        [0] * frames,
        [0] * frames,
        CacheAccess(scene.cache, context),
    )
    last = scene.config.num_layers - 1
    assert_cached(scene, "e.context", context.start, context.stop, [0, last])
    noisy = scene.inputs["in.chunk0_noisy"]
    time = scene.schedule.steps[0]
    flow = scene.chunk(noisy, time, 0, flag=1, caption=0)
    assert_close(flow, scene.inputs["out.e.flow.0"], "e.flow.0")
    assert_close(
        scene.schedule.clean(noisy, flow, scene.schedule.sigma(time)), scene.inputs["out.e.x0.0"], "e.x0.0"
    )


def test_fill_cache_writes_what_a_full_pass_writes(scene: Scene) -> None:
    scene.context()
    expected = [buffer.clone() for buffer in scene.cache.buffers]
    for buffer in scene.cache.buffers:
        buffer.zero_()
    frames = scene.config.max_context_frames
    height, width = scene.inputs["in.cond_latents"].shape[-2:]
    with torch.inference_mode():
        scene.student.fill_cache(
            scene.inputs["in.cond_latents"],
            scene.student.modulate(torch.zeros(frames, dtype=torch.float64)),
            scene.student.rotary_table(torch.arange(frames), torch.tensor(scene.flags), height, width),
            [CaptionRun(i, i + 1, scene.caption(flag)) for i, flag in enumerate(scene.flags)],
            CacheAccess(scene.cache, scene.cache.context_span()),
        )
    for buffer, full in zip(scene.cache.buffers, expected, strict=True):
        assert torch.equal(buffer, full)
