# SPDX-License-Identifier: Apache-2.0
"""Raw 832x480 frames at 60 a second: `every` loses none, `latest` stays close behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from core_programs import Player, Programs, cpu_seconds
from shotstream_bridge import ServerEndpoint, ServerSecurity
from shotstream_bridge.allow_list import allow
from shotstream_bridge.keys import PublicKey, create_key
from steady_service import SteadyService

pytestmark = pytest.mark.unreal

WIDTH, HEIGHT, FPS = 832, 480, 60
DURATIONS = [pytest.param(5, id="5 s"), pytest.param(60, id="60 s", marks=pytest.mark.slow)]


def stream(
    programs: Programs, seconds: int, *options: object, security: ServerSecurity | None = None
) -> tuple[Player, float]:
    """Streams to one player; returns it, ended, and the share of a core that it took."""
    service = SteadyService(WIDTH, HEIGHT)
    with ServerEndpoint(service, "tcp://127.0.0.1:0", security=security) as endpoint:
        player = programs.start(
            endpoint.address, "--story", "steady", "--cut", "b=go", "--keep-open", *options
        )
        player.wait_for(lambda line: line["event"] == "subscribed")
        before = cpu_seconds(player.process.pid)
        rate = service.publish(endpoint, "steady", seconds * FPS, FPS)
        used = (cpu_seconds(player.process.pid) - before) / seconds
        player.end()
    # A machine that others use may miss the rate; then nothing was shown.
    if rate < 0.9 * FPS:
        pytest.skip(f"the machine published {rate:.0f} frames a second, not {FPS}")
    return player, used


@pytest.mark.parametrize("seconds", DURATIONS)
def test_every_frame_arrives(programs: Programs, seconds: int) -> None:
    player, used = stream(programs, seconds, "--mode", "every", "--credits", 16)
    summary = player.of("summary")[0]
    assert (summary["frames"], summary["gaps"], summary["skipped"]) == (seconds * FPS, 0, 0)
    assert not player.of("frame_damaged")
    print(f"every: {summary}, {100 * used:.1f} % of a core")


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [5, 60])
def test_every_frame_arrives_encrypted(programs: Programs, tmp_path: Path, seconds: int) -> None:
    for name in ("server", "alice"):
        create_key(name, tmp_path / "keys")
    folder = tmp_path / "keys"
    allow(folder / "allowed-clients", PublicKey.read(folder / "alice.pub"))
    options = ("--server-key", folder / "server.pub", "--client-key", folder / "alice.key", "--credits", 16)
    player, used = stream(programs, seconds, *options, security=ServerSecurity.read(folder / "server.key"))
    summary = player.of("summary")[0]
    assert (summary["frames"], summary["gaps"], summary["skipped"]) == (seconds * FPS, 0, 0)
    assert not player.of("frame_damaged")
    print(f"every, encrypted: {summary}, {100 * used:.1f} % of a core")


@pytest.mark.parametrize("seconds", DURATIONS)
def test_latest_stays_close_behind_a_slow_watcher(programs: Programs, seconds: int) -> None:
    # A watcher that takes 50 ms for a frame sees about every third, and none that is old.
    player, used = stream(programs, seconds, "--mode", "latest", "--credits", 2, "--hold-ms", 50)
    summary = player.of("summary")[0]
    shown, left_out = summary["frames"], summary["skipped"] + summary["passed_over"]
    assert shown >= 10 * seconds
    assert seconds * FPS * 0.9 <= shown + left_out <= seconds * FPS
    # One that showed old frames would be seconds behind at the end.
    assert summary["latency_ms_p99"] < 300
    print(f"latest: {summary}, {100 * used:.1f} % of a core")
