# SPDX-License-Identifier: Apache-2.0
"""A server that listens before it has a model: what early clients meet, and what is refused beforehand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from listener import CAPTION, Listener, beat, open_watched
from shotstream_bridge.errors import RequestFailedError
from shotstream_bridge.flow import OVERRUN_FRAMES, open_flow
from shotstream_bridge.frames import Frame
from shotstream_bridge.messages import EndpointLimits, ServerState, ServerStateName, WatchMode
from shotstream_bridge.payload import SharedPayloads
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.host.model_facts import ModelFacts
from shotstream_runtime.host.serving import Server, ServingError
from shotstream_runtime.weights.errors import WeightsError
from tiny_model_folder import CHUNK, FIRST_CHUNK
from wrapped_engine import WrappedEngine

ANY_PORT = "tcp://127.0.0.1:0"


class HeldEngine(WrappedEngine):
    """The real engine; no chunk begins before it is let go."""

    name = "held"

    def __init__(self, student: Any) -> None:
        super().__init__(student)
        self.go = threading.Event()

    def open_session(self, height: int, width: int, batch: int = 1) -> Any:
        session = self.inner.open_session(height, width, batch)
        whole = session.denoise

        def denoise(*args: Any, **kwargs: Any) -> Any:
            assert self.go.wait(60)
            return whole(*args, **kwargs)

        session.denoise = denoise
        return session


def states(listener: Listener) -> list[tuple[str, str | None]]:
    return [(event.state.value, event.detail) for event in listener.heard if isinstance(event, ServerState)]


def test_early_clients_see_the_loading_and_are_served_after_it(tiny_folder: Path, tiny_loaded: Any) -> None:
    facts = ModelFacts.read(tiny_folder)
    with Server(facts, ANY_PORT) as server:
        one = Listener(server.address)
        info = one.client.server
        assert (info.state, info.detail, info.weights_hash) == (ServerStateName.LOADING, "starting", None)
        assert (info.model, info.frames_per_chunk, info.frames_in_first_chunk) == ("tiny", CHUNK, FIRST_CHUNK)
        server.loading("reading the student")
        one.until(lambda: states(one))
        assert one.client.server.detail == "reading the student"
        with pytest.raises(RequestFailedError, match=r"not_ready.*reading the student.*try") as refused:
            one.client.open_story(global_caption=CAPTION)
        assert refused.value.retryable
        assert not server.running

        engine = HeldEngine(tiny_loaded.student)
        server.begin(tiny_loaded, engine)
        one.until(lambda: ("loading", "warming up") in states(one))
        # From here on requests wait, rather than being refused.
        story = open_watched(one)
        story.submit_beat(beat("a", chunks=1), wait=5)
        two = Listener(server.address)
        assert (two.client.server.state, two.client.server.detail) == (ServerStateName.LOADING, "warming up")
        assert two.client.server.weights_hash == tiny_loaded.profile.weights_hash
        assert one.stages("a") == []
        engine.go.set()
        two.until(lambda: ("ready", None) in states(two))
        one.until(lambda: one.done("a") and len(one.frames()) == FIRST_CHUNK)
        assert one.done("a").outcome == "completed"
        assert two.client.server.model_copy(
            update={"state": ServerStateName.LOADING, "weights_hash": None, "detail": "starting"}
        ) == (info)
        for listener in (one, two):
            listener.client.close()


def test_how_far_the_loading_is_reaches_early_and_late_clients(tiny_folder: Path) -> None:
    """From the first file to the end of the warm-up, with a real model."""
    from shotstream_runtime.weights.load import load_model

    def told(listener: Listener) -> list[ServerState]:
        return [event for event in listener.heard if isinstance(event, ServerState)]

    with Server(ModelFacts.read(tiny_folder), ANY_PORT) as server:
        early = Listener(server.address)
        model = load_model(tiny_folder, report=server.loading)
        late = Listener(server.address)
        late.until(lambda: told(late))
        # Who comes in the middle is told at once how far it is, not only with the next step.
        assert 0.5 < told(late)[0].progress <= 0.95
        assert late.client.loading_progress == told(late)[0].progress
        assert "moving the" in late.client.server.detail
        server.begin(model, EagerEngine(model.student))
        for listener in (early, late):
            listener.until(lambda listener=listener: ("ready", None) in states(listener))
            assert listener.client.loading_progress is None
            listener.client.close()
    *loading, ready = told(early)
    assert (ready.state, ready.progress) == (ServerStateName.READY, None)
    assert all(event.state is ServerStateName.LOADING for event in loading)
    progress = [event.progress for event in loading]
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert progress[-1] == 1
    steps = list(dict.fromkeys(event.detail for event in loading))
    assert steps[0] == "reading the student"
    assert steps[-1] == "warming up"
    assert {"moving the student to cpu", "moving the text encoder to cpu"} <= {*steps}


def test_clients_of_a_server_whose_model_does_not_load_are_told_goodbye(tiny_folder: Path) -> None:
    with Server(ModelFacts.read(tiny_folder), ANY_PORT) as server:
        one = Listener(server.address)
    one.until(lambda: not one.client.connected)
    assert one.client.core.lost.by_server
    one.client.close()


def test_only_the_announced_model_is_served_and_only_one(tiny_folder: Path, tiny_loaded: Any) -> None:
    facts = ModelFacts.read(tiny_folder)
    other = replace(facts, profile=facts.profile.model_copy(update={"width": 64}))
    with Server(other, ANY_PORT) as server:
        with pytest.raises(ServingError, match="the files of model 'tiny' changed while it was loaded"):
            server.begin(tiny_loaded, EagerEngine(tiny_loaded.student))
        with pytest.raises(ServingError, match="no model yet"):
            _ = server.host
    with Server(facts, ANY_PORT) as server:
        server.begin(tiny_loaded, EagerEngine(tiny_loaded.student))
        with pytest.raises(ServingError, match="has a model already"):
            server.begin(tiny_loaded, EagerEngine(tiny_loaded.student))


def facts_with_chunks_of(tiny: ModelFacts, latents: int, temporal_factor: int) -> ModelFacts:
    profile = tiny.profile.model_copy(
        update={"frames_per_chunk": latents, "latent_frames_per_shot": 2 * latents}
    )
    return ModelFacts(profile, temporal_factor)


def test_chunks_that_flow_control_cannot_hold_are_refused(tiny_folder: Path) -> None:
    tiny = ModelFacts.read(tiny_folder)
    Server(facts_with_chunks_of(tiny, OVERRUN_FRAMES // 4, 4), ANY_PORT)
    with pytest.raises(ServingError, match=rf"'tiny' generates 260 frames at once.*at most {OVERRUN_FRAMES}"):
        Server(facts_with_chunks_of(tiny, 65, 4), ANY_PORT)


def test_the_largest_chunk_that_is_served_fits_behind_a_full_backlog() -> None:
    """The bound is right: nothing is taken, and the chunk begins when one frame less than full waits."""
    capacity = EndpointLimits().backlog_frames
    flow = open_flow(WatchMode.EVERY, 1, credit_limit=1, capacity=capacity)
    pixels = np.zeros((2, 2, 3), np.uint8)
    for index in range(capacity - 1 + OVERRUN_FRAMES):
        assert flow.wants_frames == (index < capacity)
        flow.check_room()
        place = {"index": index, "index_in_shot": index, "shot": 0, "chunk": 0, "pts_s": 0.0, "seed": 0}
        flow.offer(SharedPayloads(Frame(story_id="s", beat_id="b", pixels=pixels, **place)))


@pytest.mark.parametrize(
    ("latents", "downsample", "frames"), [(3, [True, True], (12, 9)), (2, [False, True], (4, 3))]
)
def test_facts_are_read_without_the_weights_and_without_torch(
    tiny_folder: Path, tmp_path: Path, latents: int, downsample: list[bool], frames: tuple[int, int]
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder)
    for name in ("student", "vae", "text"):
        (folder / f"{name}.safetensors").write_bytes(b"")
    for name, changes in (
        ("profile", {"frames_per_chunk": latents, "latent_frames_per_shot": 4 * latents}),
        ("vae_config", {"temporal_downsample": downsample}),
    ):
        path = folder / f"{name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    code = (
        "import sys, pathlib\n"
        "from shotstream_runtime.host.serving import Server\n"
        "from shotstream_runtime.host.model_facts import ModelFacts\n"
        "facts = ModelFacts.read(pathlib.Path(sys.argv[1]))\n"
        "assert ModelFacts.read('mini').profile.name == 'mini'\n"
        "print(facts.frames_per_chunk, facts.frames_in_first_chunk, facts.chunks_per_shot)\n"
        "print([name for name in ('torch', 'diffusers', 'transformers', 'av') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [f"{frames[0]} {frames[1]} 4", "[]"], done.stderr


def test_facts_of_published_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="lacks the student"):
        ModelFacts.read(tmp_path)
    for name in (
        "shotstream_merged.pt",
        "Wan2.1_VAE.pth",
        "models_t5_umt5-xxl-enc-bf16.pth",
        "google/umt5-xxl/tokenizer.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    facts = ModelFacts.read(tmp_path)
    assert (facts.profile.width, facts.profile.height) == (832, 480)
    assert (facts.frames_per_chunk, facts.frames_in_first_chunk, facts.chunks_per_shot) == (12, 9, 7)
