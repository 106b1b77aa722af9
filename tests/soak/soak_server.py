# SPDX-License-Identifier: Apache-2.0
"""A real server process with a journal, and what can be seen of it from outside while it runs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from prometheus_client.parser import text_string_to_metric_families

START_S = 240.0
STOP_S = 90.0


@dataclass(frozen=True)
class Sample:
    """What was seen at one moment; sizes in bytes."""

    at_s: float
    server_rss: int
    server_descriptors: int
    server_threads: int
    clients_rss: int
    clients_descriptors: int
    clients_threads: int
    journal_bytes: int
    journal_stories: int
    frames_generated: int
    open_stories: int
    connected_clients: int

    def as_json(self) -> dict[str, float]:
        """For the report."""
        return asdict(self)


class SoakServer:
    """`shotstream serve` with mini, a journal with a limit, and metrics; in a folder of its own.

    Args:
        folder: For the journal and the log.
        keep_bytes: Limit of the journal's ended stories.
        threads: That the server computes with.
    """

    def __init__(self, folder: Path, keep_bytes: int, threads: int = 1) -> None:
        self.journal, self.log = folder / "journal", folder / "server.log"
        self._command = [
            *(sys.executable, "-m", "shotstream_runtime.cli", "serve"),
            *("--bind", "tcp://127.0.0.1:0", "--metrics-port", "0"),
            *("--threads", str(threads)),
            *("--journal", str(self.journal), "--keep-gb", str(keep_bytes / 1e9), "--suspend-after", "5"),
        ]
        self._process: subprocess.Popen[bytes]
        self._server: psutil.Process
        self._clients = psutil.Process()
        self.address = self._metrics = ""

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"}
            )
        self._server = psutil.Process(self._process.pid)
        try:
            self._metrics = self._wait_for(r"Metrics at (\S+)")
            self.address = self._wait_for(r"Serving mini .* at (\S+)")
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _wait_for(self, pattern: str) -> str:
        deadline = time.monotonic() + START_S
        while not (found := re.search(pattern, self.log.read_text())):
            assert self._process.poll() is None, f"the server ended: {self.log.read_text()}"
            assert time.monotonic() < deadline, f"{pattern!r} never came: {self.log.read_text()}"
            time.sleep(0.1)
        return found[1]

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process.poll() is None

    def stop(self) -> int:
        """Ends it in order; returns its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_S)

    def sample(self, at_s: float) -> Sample:
        """Looks at both processes, the journal's folder and the metrics."""
        metrics = self._scrape()
        stories = self.journal / "stories"
        return Sample(
            at_s=round(at_s, 2),
            server_rss=self._server.memory_info().rss,
            server_descriptors=descriptors(self._server),
            server_threads=self._server.num_threads(),
            clients_rss=self._clients.memory_info().rss,
            clients_descriptors=descriptors(self._clients),
            clients_threads=self._clients.num_threads(),
            journal_bytes=folder_bytes(self.journal),
            journal_stories=sum(1 for _ in stories.iterdir()) if stories.exists() else 0,
            frames_generated=int(metrics["shotstream_frames_generated_total"]),
            open_stories=int(metrics["shotstream_stories"]),
            connected_clients=int(metrics["shotstream_clients"]),
        )

    def _scrape(self) -> dict[str, float]:
        """Each metric, its labels summed."""
        with urllib.request.urlopen(self._metrics, timeout=60) as answer:  # noqa: S310 - our server
            text = answer.read().decode()
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return sums


def descriptors(process: psutil.Process) -> int:
    """Open files, sockets and the like."""
    return int(process.num_fds() if hasattr(process, "num_fds") else process.num_handles())


def folder_bytes(folder: Path) -> int:
    """Size of all files in a folder that changes meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except FileNotFoundError:  # deleted since
                continue
    return total
