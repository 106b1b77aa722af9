# SPDX-License-Identifier: Apache-2.0
"""The soak: a server with its journal among clients that come and go, and everything stays level.

The short form runs with the slow tests. The whole one, with its report (about 31 minutes):

    SHOTSTREAM_SOAK_MINUTES=30 SHOTSTREAM_SOAK_REPORT=soak python -m pytest tests/soak -m slow --timeout 0
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from machine import describe
from shotstream_runtime.journal.catalogue import list_stories
from shotstream_runtime.journal.story_reader import StoryReader
from soak_clients import Crowd
from soak_report import complaints, draw, steady, trends, write_json
from soak_server import Sample, SoakServer

MINUTES = float(os.environ.get("SHOTSTREAM_SOAK_MINUTES", "1"))
REPORT = os.environ.get("SHOTSTREAM_SOAK_REPORT")
"""A folder for ``soak.json`` and ``soak.png``."""
NOTE = os.environ.get("SHOTSTREAM_SOAK_NOTE", "")
"""What else the machine did, for the report."""
SEED = 5
SAMPLES = 360
KEEP_BYTES = int(max(2.0, MINUTES) * 1e6)
"""Reached well before the end, so that ended stories are deleted all the while."""
OPEN_STORIES_BYTES = 40_000_000
"""What stories take that are open, and which no limit deletes."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the server is ended by SIGTERM")
@pytest.mark.timeout(int(60 * MINUTES) + 900)
def test_everything_stays_level(tmp_path: Path) -> None:
    with SoakServer(tmp_path, KEEP_BYTES) as server:
        crowd = Crowd(server.address, SEED)
        samples = soak(server, crowd)
        left = rest(server)
        code = server.stop()
    if REPORT:
        report(Path(REPORT), samples, crowd.counts)

    assert not crowd.faults, "\n".join(crowd.faults)
    assert code == 0, server.log.read_text()[-2000:]
    assert "Traceback" not in server.log.read_text()
    for what in ("director", "wanderer", "onlooker", "neighbour", "latecomer", "stranger", "frames received"):
        assert crowd.counts[what], f"no {what}: {crowd.counts}"

    assert complaints(samples, MINUTES) == []
    assert (left.open_stories, left.connected_clients) == (0, 0)
    after = steady(samples)
    assert max(sample.journal_bytes for sample in after) < KEEP_BYTES + OPEN_STORIES_BYTES
    kept = list_stories(server.journal)
    assert len(kept) < crowd.counts["stories opened"], "nothing was deleted"
    for listing in kept:
        reader = StoryReader(listing.path)
        assert sum(1 for _ in reader.frames(listing.story)) == listing.story.frames
        assert reader.damage == listing.story.damage == []


def soak(server: SoakServer, crowd: Crowd) -> list[Sample]:
    """Lets the crowd in for as long as was asked, looking on."""
    began = time.monotonic()
    seconds = 60 * MINUTES
    samples = []
    crowd.begin()
    try:
        while (at := time.monotonic() - began) < seconds and not crowd.failed and server.running:
            samples.append(server.sample(at))
            time.sleep(max(0.0, (len(samples)) * seconds / SAMPLES - (time.monotonic() - began)))
    finally:
        crowd.end()
    return samples


def rest(server: SoakServer) -> Sample:
    """Waits until nobody is left: what deserters have left is suspended by then."""
    deadline = time.monotonic() + 120
    while (sample := server.sample(0)).open_stories or sample.connected_clients:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return sample


def report(folder: Path, samples: list[Sample], counts: Counter[str]) -> None:
    """Leaves the curve."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "machine": describe("pyzmq", "torch", "shotstream"),
        "note": NOTE,
        "minutes": MINUTES,
        "keep_bytes": KEEP_BYTES,
        "frames_generated": samples[-1].frames_generated,
        "counts": dict(sorted(counts.items())),
    }
    write_json(folder / "soak.json", samples, MINUTES, facts)
    rss = trends(samples, MINUTES)["server_rss"]
    title = (
        f"{MINUTES:g} minutes of mini, {samples[-1].frames_generated:,} frames, "
        f"{counts['stories opened']} stories: server at {rss.level / 2**20:.0f} MiB, "
        f"trend {rss.growth / 2**20:+.1f} MiB"
    )
    draw(folder / "soak.png", samples, KEEP_BYTES, title)
