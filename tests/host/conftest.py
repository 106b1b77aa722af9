# SPDX-License-Identifier: Apache-2.0
"""A tiny loaded model, and a real server on a free port with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from listener import Listener


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's files."""
    from tiny_model_folder import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def tiny_loaded(tiny_folder: Path) -> Any:
    """The tiny model, loaded once: nothing a story does changes it."""
    import torch
    from shotstream_runtime.weights.load import load_model

    torch.set_num_threads(1)
    return load_model(tiny_folder)


@pytest.fixture
def serve(tiny_loaded: Any) -> Iterator[Callable[..., Any]]:
    """Starts servers, real ones over loopback, and stops them after the test."""
    from shotstream_runtime.engines import EagerEngine
    from shotstream_runtime.host.model_facts import ModelFacts
    from shotstream_runtime.host.serving import Server

    servers: list[Any] = []

    def start(model: Any = None, engine: Any = None, **options: Any) -> Any:
        model = model or tiny_loaded
        server = Server(ModelFacts.of(model), "tcp://127.0.0.1:0", **options)
        server.__enter__()
        servers.append(server)
        server.begin(model, engine or EagerEngine(model.student))
        assert server.host.wait_ready(30)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def connect(serve: Callable[..., Any]) -> Iterator[Callable[..., Listener]]:
    """Connects clients and closes them before the server stops."""
    listeners: list[Listener] = []

    def start(server: Any, client_id: str | None = None) -> Listener:
        listener = Listener(server.address, client_id)
        listeners.append(listener)
        return listener

    yield start
    for listener in listeners:
        listener.client.close()
