# SPDX-License-Identifier: Apache-2.0
"""A real server watched from outside: scrapes, health, `shotstream top`, its log, and systemd's socket."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import pytest
import yaml
import zmq
from command_process import COMMAND, PATIENCE_S, Outcome, environment
from prometheus_client.parser import text_string_to_metric_families
from shotstream_bridge import BeatScript, Client, ReceivedFrame, StoryClosed, StoryHandle

ROOT = Path(__file__).parents[2]
CAPTION = "the-words-of-a-client"
HOSTILE = 'x\n{"level": "error", "message": "forged"}\r\x1b[2J%s%n{0}\u2028'
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and Unix sockets")


@dataclass
class Server:
    """A server process whose log is a file."""

    process: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        """Its log so far; every whole line must be JSON."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").split("\n")[:-1]]

    def wait_for_message(self, start: str) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for line in self.lines():
                if line["message"].startswith(start):
                    return str(line["message"])
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            time.sleep(0.05)
        raise AssertionError(self.log.read_text(encoding="utf-8"))

    @property
    def address(self) -> str:
        return self.wait_for_message("Listening at ").split()[2].rstrip(";")

    @property
    def monitor(self) -> str:
        return self.wait_for_message("Metrics at ").split()[2].removesuffix("/metrics")


@contextmanager
def serving(model: Path, log: Path, **more: str) -> Iterator[Server]:
    arguments = ["serve", "--model", str(model), "--bind", "tcp://127.0.0.1:0", "--metrics-port", "0"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*COMMAND, *arguments, "--log-format", "json"],
            stdout=subprocess.PIPE,
            stderr=stream,
            env={**environment(), **more},
        )
    try:
        yield Server(process, log)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def server(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tiny_folder, tmp_path_factory.mktemp("server") / "log") as running:
        running.wait_for_message("Serving ")
        deadline = time.monotonic() + PATIENCE_S
        while fetch(running.monitor + "/readyz")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield running


def fetch(url: str, method: str = "GET") -> tuple[int, str]:
    try:
        request = urllib.request.Request(url, method=method)  # noqa: S310 - to the server that the test started
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scrape(server: Server) -> dict[str, float]:
    """All samples, by their name with its labels as they stand in the text."""
    status, text = fetch(server.monitor + "/metrics")
    assert status == 200
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            samples[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return samples


def play(client: Client, story: StoryHandle) -> list[ReceivedFrame]:
    frames: list[ReceivedFrame] = []
    for event in client.events(PATIENCE_S):
        if isinstance(event, ReceivedFrame):
            frames.append(event)
        elif isinstance(event, StoryClosed):
            return frames
    raise AssertionError("the story never closed")


def test_counts_are_those_of_what_was_really_received(server: Server) -> None:
    before = scrape(server)
    with Client.connect(server.address) as client:
        story = client.open_story(global_caption=CAPTION, title=CAPTION)
        story.subscribe("every")
        story.submit_beat(BeatScript(text=f"{CAPTION} one", chunks=2))
        story.submit_beat(BeatScript(text=f"{CAPTION} two", chunks=1))
        story.close(drain=True)
        frames = play(client, story)
    after = scrape(server)
    rise = {name: value - before.get(name, 0.0) for name, value in after.items()}
    assert len(frames) == 9 + 12 + 9
    assert rise["shotstream_frames_generated_total"] == len(frames)
    assert rise["shotstream_frames_sent_total{mode=every}"] == len(frames)
    assert rise["shotstream_send_seconds_count"] == len(frames)
    assert rise["shotstream_frame_bytes_sent_total{way=connection}"] == sum(f.payload.nbytes for f in frames)
    assert rise["shotstream_chunks_generated_total"] == 3
    assert rise["shotstream_stage_seconds_count{stage=denoise}"] == 3
    assert rise["shotstream_stage_seconds_count{stage=decode}"] == 9
    assert rise["shotstream_stage_seconds_count{stage=caption}"] == 2
    assert rise["shotstream_beats_accepted_total"] == 2
    assert rise["shotstream_beats_done_total{outcome=completed}"] == 2
    assert rise["shotstream_beat_first_frame_seconds_count"] == 2
    assert rise["shotstream_stories_opened_total"] == 1
    assert rise["shotstream_stories_closed_total{end=drained}"] == 1
    assert rise["shotstream_connects_total"] == 1
    assert after["shotstream_server_state{state=ready}"] == 1
    buckets = [value for name, value in after.items() if name.startswith("shotstream_send_seconds_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == after["shotstream_send_seconds_count"]
    if sys.platform == "linux":
        assert after["process_resident_memory_bytes"] > 50e6


def test_no_series_is_made_of_what_clients_choose(server: Server) -> None:
    before = scrape(server)
    with Client.connect(server.address, client_id="a-client-with-a-name") as client:
        for number in range(5):
            client.open_story(global_caption="", story_id=f"story-{number}").submit_beat(
                BeatScript(text="A fox.", id=f"beat-{number}", chunks=1)
            )
        during = scrape(server)
    assert set(during) == set(before)
    assert not any("story-" in name or "a-client" in name or "beat-0" in name for name in during)


def test_the_documents_name_the_metrics_that_there_are(server: Server) -> None:
    """Those of docs/operations.md are all there are, and alerts ask for none that is not there."""
    scraped = {name.partition("{")[0] for name in scrape(server) if name.startswith("shotstream_")}
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in scraped}
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`shotstream_.*?) \|", table, re.M)
    documented = {name for row in rows for name in re.findall(r"`(shotstream_\w+)`", row)}
    assert documented - {"shotstream_gpu_memory_bytes"} == families - {"shotstream_gpu_memory_bytes"}
    alerts = yaml.safe_load((ROOT / "examples/deploy/alerts.yml").read_text(encoding="utf-8"))
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    asked = {name for rule in rules for name in re.findall(r"\bshotstream_\w+", rule["expr"])}
    assert asked <= scraped
    assert set(re.findall(r"^\| `(ShotStream\w+)` \|", table, re.M)) == {rule["alert"] for rule in rules}


def test_top_shows_a_story_that_waits_for_its_watcher(
    server: Server, shotstream: Callable[..., Outcome]
) -> None:
    with Client.connect(server.address, client_id="the-artist") as client:
        story = client.open_story(global_caption="", story_id="the-story")
        story.subscribe("every", credits=1)
        story.submit_beat(BeatScript(text="A fox walks.", chunks=20))
        story.submit_beat(BeatScript(text="It sleeps."))
        deadline = time.monotonic() + PATIENCE_S
        # Frames are not taken, so that generation waits once 48 of them do.
        while client.status().stories[0].activity.value != "waiting_for_watchers":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        shown = shotstream("top", server.address, "--once", columns=40)
        told = shotstream("top", server.address, "--once", "--json")
        client.flush()
        assert client.connected
    assert (shown.code, shown.err) == (0, "")
    # Into a pipe the table has its full width, whatever the terminal's.
    assert "…" not in shown.out
    row = next(line for line in shown.out.splitlines() if "the-story" in line)
    assert "the-artist" in row
    assert "waits for watchers" in row
    assert "frames/s" in shown.out
    (status,) = [json.loads(line) for line in told.out.splitlines()]
    (told_story,) = status["stories"]
    assert told_story["lag_frames"] >= 47
    assert (told_story["beats_waiting"], told_story["watchers"], told_story["shot"]) == (1, 1, 0)


def test_health_by_http_and_by_the_protocol(server: Server, shotstream: Callable[..., Outcome]) -> None:
    assert fetch(server.monitor + "/healthz") == (200, "alive\n")
    assert fetch(server.monitor + "/readyz") == (200, "ready\n")
    assert fetch(server.monitor + "/elsewhere")[0] == 404
    assert fetch(server.monitor + "/metrics", "POST")[0] == 405
    outcome = shotstream("health", server.address)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("ready, up ")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = shotstream("health", f"tcp://127.0.0.1:{port}", "--timeout", "0.5")
    assert outcome.code == 1
    assert outcome.error_line().startswith("no server answers at")


def test_a_metrics_port_in_use_is_told(server: Server, tiny_folder: Path, in_process: Any) -> None:
    taken = server.monitor.rpartition(":")[2]
    outcome = in_process(
        "serve", "--model", tiny_folder, "--bind", "tcp://127.0.0.1:0", "--metrics-port", taken
    )
    assert outcome.code == 1
    assert f"metrics cannot be told at port {taken}" in outcome.err


def test_an_interface_without_a_port_is_refused(tiny_folder: Path, in_process: Any) -> None:
    outcome = in_process("serve", "--model", tiny_folder, "--metrics-host", "127.0.0.1")
    assert outcome.code == 1
    assert "--metrics-host 127.0.0.1 needs --metrics-port" in outcome.err


def test_a_peer_that_says_nothing_holds_no_scrape_up(server: Server) -> None:
    host, _, port = server.monitor.removeprefix("http://").rpartition(":")
    silent = [socket.create_connection((host, int(port)), 5) for _ in range(4)]
    try:
        assert scrape(server)
    finally:
        for peer in silent:
            peer.close()


@posix_only
def test_the_log_is_json_line_by_line_and_nobody_forges_a_line(
    tiny_folder: Path, tmp_path: Path, start: Any
) -> None:
    with serving(tiny_folder, tmp_path / "log") as server:
        server.wait_for_message("Serving ")
        context = zmq.Context()
        raw = context.socket(zmq.DEALER)
        raw.linger = 1000
        raw.connect(server.address)
        hello = {"type": "hello", "versions": [1], "client_id": "raw", "product": HOSTILE}
        hostile_id = {
            "type": "open_story",
            "request": 1,
            "story_id": HOSTILE,
            "global_caption": "",
            "seed": 0,
        }
        for message in (hello, hostile_id, {**hello, "client_id": HOSTILE}, {HOSTILE: HOSTILE}):
            raw.send(msgpack.packb(message))
            assert raw.poll(PATIENCE_S * 1000)
            raw.recv_multipart()
        raw.send(msgpack.packb({"type": "goodbye", "reason": HOSTILE}))
        with Client.connect(server.address, client_id="c1") as client:
            story = client.open_story(global_caption=CAPTION, title=CAPTION, story_id="s1")
            story.subscribe("every")
            story.submit_beat(BeatScript(text=f"%s %n {CAPTION}", id="b1", chunks=1))
            story.close(drain=True)
            play(client, story)
        raw.close()
        context.term()
        server.process.send_signal(signal.SIGTERM)
        out, _ = server.process.communicate(timeout=PATIENCE_S)
        assert server.process.returncode == 0
    assert out == b""
    text = server.log.read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert text.isascii()
    assert CAPTION not in text
    lines = server.lines()
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    assert not any(line["message"] == "forged" or line["level"] == "error" for line in lines)
    assert sum("forged" in line["message"] for line in lines) == 2  # the product, and the goodbye's reason
    about_beat = [line for line in lines if line.get("beat") == "b1"]
    told = " ".join(line["message"] for line in about_beat)
    assert all(f"beat b1 {what}" in told for what in ("accepted", "begins", "is done"))
    assert all((line["story"], line["client"]) == ("s1", "c1") for line in about_beat)
    done = next(line for line in about_beat if "is done" in line["message"])
    assert done["shot"] == 0
    assert lines[-1]["message"] == "Stopped."


@posix_only
def test_a_failing_server_says_so_in_json(tmp_path: Path, shotstream: Callable[..., Outcome]) -> None:
    outcome = shotstream("serve", "--model", tmp_path / "none", "--log-format", "json")
    assert outcome.code == 2
    (line,) = [json.loads(line) for line in outcome.err.splitlines()]
    assert line["level"] == "critical"
    assert "is neither mini nor a folder" in line["message"]


@posix_only
@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_systemd_hears_ready_watchdog_and_stopping(tiny_folder: Path, tmp_path: Path, abstract: bool) -> None:
    if abstract and sys.platform != "linux":
        pytest.skip("abstract names are Linux's")
    name = f"@shotstream-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind("\0" + name[1:] if abstract else name)
        supervisor.settimeout(PATIENCE_S)
        heard: list[str] = []
        with serving(tiny_folder, tmp_path / "log", NOTIFY_SOCKET=name, WATCHDOG_USEC="900000") as server:
            while heard.count("WATCHDOG=1") < 3 or not any(m.startswith("READY=1\n") for m in heard):
                heard.append(supervisor.recv(4096).decode())
            (ready,) = [message for message in heard if message.startswith("READY=1\n")]
            assert ready.startswith("READY=1\nSTATUS=serving ")
            server.process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in heard[-1]:
                heard.append(supervisor.recv(4096).decode())
            server.process.communicate(timeout=PATIENCE_S)
            assert server.process.returncode == 0
