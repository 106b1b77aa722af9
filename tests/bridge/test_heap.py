# SPDX-License-Identifier: Apache-2.0
"""Freed frames' memory stays with the process, unless the environment decides otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")

# Frames come in by the window and are freed together, as in a client that falls behind and catches up.
FAULTS = """
import contextlib
import resource
import numpy
from shotstream_bridge import Client, ConnectError
from shotstream_bridge.heap import keep_freed_memory

{first}
for round in range(20):
    if round == 4:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    frames = [numpy.ones(832 * 480 * 3, numpy.uint8) for _ in range(8)]
    del frames
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
DECIDES = "from shotstream_bridge.heap import keep_freed_memory; print(keep_freed_memory())"


def run(code: str, **environment: str) -> str:
    decisive = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
    inherited = {name: value for name, value in os.environ.items() if name not in decisive}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=inherited | environment, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


A_CLIENT = "with contextlib.suppress(ConnectError): Client.connect('tcp://127.0.0.1:1', 0.1)"


def test_freed_frames_are_not_faulted_in_anew() -> None:
    assert int(run(FAULTS.format(first="assert keep_freed_memory()"))) < 2_000


@pytest.mark.parametrize("first", ["", A_CLIENT], ids=["alone", "with a client"])
def test_unless_asked_the_process_keeps_its_own_way(first: str) -> None:
    # 128 frames of 293 pages, nearly every one of them new each time; otherwise the test above shows nothing.
    assert int(run(FAULTS.format(first=first))) > 10_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALLOC_TRIM_THRESHOLD_", "131072"),
        ("MALLOC_MMAP_THRESHOLD_", "131072"),
        ("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=131072"),
    ],
)
def test_the_environment_decides(name: str, value: str) -> None:
    assert run(DECIDES) == "True"
    assert run(DECIDES, **{name: value}) == "False"
