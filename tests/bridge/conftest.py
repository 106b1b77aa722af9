# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the bridge's tests: real sockets on ephemeral ports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from raw_dealer import RawDealer
from scripted_service import ScriptedService
from shotstream_bridge import Client


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    """A served host that publishes what the test says."""
    with ScriptedService() as running:
        yield running


@pytest.fixture
def player() -> Iterator[ScriptedService]:
    """A served host that plays beats by itself."""
    with ScriptedService(autoplay=True) as running:
        yield running


@pytest.fixture
def client(service: ScriptedService) -> Iterator[Client]:
    """A client of ``service``."""
    with Client.connect(service.endpoint.address) as connected:
        yield connected


@pytest.fixture
def raw(service: ScriptedService) -> Iterator[RawDealer]:
    """A raw connection to ``service`` that was welcomed as ``raw``."""
    with RawDealer(service.endpoint.address) as dealer:
        assert dealer.hello()["type"] == "welcome"
        yield dealer
