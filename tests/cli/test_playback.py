# SPDX-License-Identifier: Apache-2.0
"""Playing a story on a server that does not live as long: what is said, and what is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_process import wait_for
from shotstream_bridge.client import Client
from shotstream_bridge.events import ClientEvent
from shotstream_bridge.messages import ServerState
from shotstream_runtime.cli import playback
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.host.manifest import read_manifest
from shotstream_runtime.host.model_facts import ModelFacts
from shotstream_runtime.host.serving import Server
from shotstream_runtime.weights.load import load_model
from tiny_model_folder import FIRST_CHUNK

# Longer than any machine plays it before it is stopped.
STORY = (
    "global_caption: A fox in a red coat in the forest.\nbeats:\n  - {text: The fox walks., chunks: 1}\n"
    + 50 * ("  - {text: The fox runs., chunks: 200}\n")
)


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.yaml"
    path.write_text(STORY, encoding="utf-8")
    return path


@pytest.fixture
def server(tiny_folder: Path) -> Iterator[Server]:
    model = load_model(tiny_folder)
    with Server(ModelFacts.of(model), "tcp://127.0.0.1:0") as server:
        server.begin(model, EagerEngine(model.student))
        yield server


@pytest.mark.parametrize("news", ["heard", "crossed on the way"])
def test_a_server_that_is_stopped_is_told_plainly_and_the_frames_are_kept(
    in_process: Any, server: Server, story: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, news: str
) -> None:
    pump = Client.pump

    def pump_without_state(client: Client, timeout: float = 0.0) -> list[ClientEvent]:
        """As for a client that sent its next beat before the news of the stop could reach it."""
        return [event for event in pump(client, timeout) if not isinstance(event, ServerState)]

    if news != "heard":
        monkeypatch.setattr(Client, "pump", pump_without_state)
    monkeypatch.setattr(playback, "_END_S", 60.0)

    def stop() -> None:
        wait_for(tmp_path / "take" / ".movie.mp4.part")
        server.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    outcome = in_process("play", story, "-o", tmp_path / "take", "--address", server.address)
    stopper.join(60)
    assert outcome.code == 1
    manifest = read_manifest(tmp_path / "take" / "manifest.json")
    assert manifest.frames > FIRST_CHUNK
    over = sum(beat.outcome == "completed" for beat in manifest.beats)
    assert outcome.error_line().startswith("the server was stopped; ")
    if news == "heard":
        assert outcome.error_line() == (
            f"the server was stopped; {over} of 51 beats were over, and the {manifest.frames} frames so far "
            f"are kept in {tmp_path / 'take' / 'movie.mp4'}"
        )
        assert [beat.outcome for beat in manifest.beats[over:]] == ["interrupted"]
    assert not manifest.complete
    assert "(not complete)" in outcome.out
