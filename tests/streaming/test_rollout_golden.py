# SPDX-License-Identifier: Apache-2.0
"""A whole story against the recorded three-shot rollout (tests/golden/README.md, "Rollout").

The story runs through `StoryStream` as any other; the test listens in on the engine's session to see latents,
context latents and the passes made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from golden_story import open_recorded_story
from shotstream_runtime.engines import EagerEngine, EagerSession
from shotstream_runtime.streaming.context import select_context
from shotstream_runtime.streaming.events import FramesReady
from torch import Tensor

pytestmark = pytest.mark.golden
LATENTS, PIXELS = 2e-5, 5e-5


class Listener:
    """An eager engine whose session notes what goes through it."""

    name = "eager"

    def __init__(self, student: Any) -> None:
        self._engine = EagerEngine(student)
        self.calls: list[dict[str, Any]] = []
        self.context: list[Tensor] = []
        self.latents: list[Tensor] = []

    def open_session(self, height: int, width: int, batch: int = 1) -> Any:
        listener, session = self, self._engine.open_session(height, width, batch)
        steps = self._engine.schedule.steps

        class Session(EagerSession):
            def __init__(self) -> None:
                self.__dict__.update(session.__dict__)

            def prefill(self, latents: Tensor, shot_flags: Sequence[int], captions: Any) -> None:
                listener.context.append(latents.clone())
                listener._note("context", 0.0, 0, list(shot_flags))
                super().prefill(latents, shot_flags, captions)

            def denoise(self, noise: Tensor, renoise: Any, **place: Any) -> Tensor:
                flags = [place["shot_flag"]] * noise.shape[1]
                for time in steps:
                    listener._note("denoise", time, place["first_frame"], flags)
                clean = super().denoise(noise, renoise, **place)
                listener.latents.append(clean)
                return clean

            def refresh(self, clean: Tensor, **place: Any) -> None:
                flags = [place["shot_flag"]] * clean.shape[1]
                listener._note("cache_update", 0.0, place["first_frame"], flags)
                super().refresh(clean, **place)

        return Session()

    def _note(self, kind: str, time: float, first: int, flags: list[int]) -> None:
        self.calls.append({"kind": kind, "timestep": time, "first_frame": first, "shot_flags": flags})


def assert_close(actual: Tensor, expected: Tensor, tolerance: float, what: str) -> None:
    assert actual.shape == expected.shape, what
    error = (actual - expected).abs().max().item()
    assert error <= tolerance, f"{what}: off by {error:.2e}"


def test_three_shots(tiny_model: Any, golden_json: Any, golden_tensors: Any) -> None:
    values, recorded = golden_json("student_config")["rollout"], golden_json("rollout")
    tensors = golden_tensors("rollout")
    chunk = tiny_model.student.config.frames_per_chunk
    chunks = values["frames"] // chunk
    engine = Listener(tiny_model.student)
    story = open_recorded_story(tiny_model, engine, tensors, values)
    lengths = [recorded["pixel_frames_per_shot"]] * values["shots"]
    shot_frames: list[list[Tensor]] = [[] for _ in lengths]
    pictures: list[list[Any]] = [[] for _ in lengths]
    while not story.idle:
        for event in story.advance():
            if isinstance(event, FramesReady):
                assert story._shot is not None
                first = event.first_index_in_shot
                for index in range(first, first + len(event.pixels)):
                    shot_frames[event.shot].append(story._shot.frames[index].pixels)
                pictures[event.shot].append(event.pixels)
    for shot in range(values["shots"]):
        latents = torch.cat(engine.latents[shot * chunks : (shot + 1) * chunks], dim=1)
        name = f"out.shot{shot}"
        assert_close(
            engine.context[shot], tensors[f"{name}.context_latents"], PIXELS, f"{name}.context_latents"
        )
        assert_close(latents, tensors[f"{name}.latents"], LATENTS, f"{name}.latents")
        pixels = torch.stack(shot_frames[shot])[None]
        assert_close(pixels, tensors[f"{name}.pixels"], PIXELS, f"{name}.pixels")
        rgb8 = torch.cat([torch.from_numpy(part) for part in pictures[shot]]).permute(0, 3, 1, 2)
        expected = tensors[f"{name}.pixels"][0].add(1).mul(127.5)
        assert (rgb8 - expected).abs().max() <= 0.51
        selection = select_context(lengths[:shot], tiny_model.student.config.max_context_frames)
        absolute = [sum(lengths[: pick.shot]) + pick.frame for pick in selection.picks] or None
        assert absolute == recorded["context_frame_indices"][shot]
        assert list(selection.shot_flags) == recorded["context_shot_flags"][shot]

    # The same passes in the same order, but for a shot's last clean pass, which nothing reads; after the last
    # shot the context of a next one is prepared, for which there is no recording.
    assert engine.calls.pop()["kind"] == "context"
    expected_calls = recorded["generator_calls"]
    kinds = [call["kind"] for call in expected_calls]
    follows = [*kinds[1:], "end"]
    ends = [i for i, kind in enumerate(kinds) if kind == "cache_update" and follows[i] != "denoise"]
    expected_calls = [call for i, call in enumerate(expected_calls) if i not in ends]
    assert len(engine.calls) == len(expected_calls)
    for call, expected_call in zip(engine.calls, expected_calls, strict=True):
        assert call == {**expected_call, "timestep": pytest.approx(expected_call["timestep"], rel=1e-6)}
