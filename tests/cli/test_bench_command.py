# SPDX-License-Identifier: Apache-2.0
"""`shotstream bench`: what it shows, keeps and refuses; its figures are looked at, not held to anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_the_tiny_size_on_a_cpu(in_process: Any, tmp_path: Path) -> None:
    kept = tmp_path / "gpu.json"
    given = ("--size", "tiny", "--device", "cpu", "--engine", "eager", "--engine", "cuda-graph")
    outcome = in_process("bench", "gpu", *given, "--precision", "fp32", "--json", kept)
    assert outcome.code == 0, outcome.err
    assert "tiny size on CPU" in outcome.out
    assert "Left out: --engine cuda-graph --precision fp32: needs a CUDA device" in outcome.out
    figures = json.loads(kept.read_text(encoding="utf-8"))
    (eager,) = figures["engines"]
    assert (eager["engine"], eager["precision"], len(eager["denoise"])) == ("eager", "fp32", 7)
    assert all(eager[stage] > 0 for stage in ("prefill", "chunk", "first_frame_cold", "frames_per_second"))
    assert {"date", "processor", "torch", "device"} <= figures["machine"].keys()


def test_the_small_decoder(in_process: Any, tmp_path: Path) -> None:
    kept = tmp_path / "gpu.json"
    given = ("--size", "tiny", "--device", "cpu", "--engine", "eager", "--decoder", "preview")
    outcome = in_process("bench", "gpu", *given, "--precision", "bf16", "--json", kept)
    assert outcome.code == 0, outcome.err
    (eager,) = json.loads(kept.read_text(encoding="utf-8"))["engines"]
    assert (eager["decoder"], eager["precision"]) == ("preview", "bf16")


def test_the_full_size_asks_for_a_gpu(in_process: Any) -> None:
    outcome = in_process("bench", "gpu", "--device", "cpu")
    assert outcome.code == 1
    assert "need a CUDA device" in outcome.error_line()


def test_a_file_that_cannot_be_written_is_told_first(in_process: Any, tmp_path: Path) -> None:
    outcome = in_process("bench", "cpu", "--json", tmp_path / "nowhere" / "cpu.json")
    assert outcome.code == 2
    assert "is not a folder" in outcome.error_line()


def test_deviation(in_process: Any, tmp_path: Path) -> None:
    kept = tmp_path / "deviation.json"
    outcome = in_process("bench", "deviation", "--device", "cpu", "--precision", "bf16", "--json", kept)
    assert outcome.code == 0, outcome.err
    assert "chunks on recorded inputs" in outcome.out
    figures = json.loads(kept.read_text(encoding="utf-8"))
    assert figures["engine"] == "eager"
    assert 0 < figures["chunks"]["relative"] < figures["chunks"]["bound"]
    assert figures["pictures_db"]["mean"] > figures["pictures_db"]["bound"]
    refused = in_process("bench", "deviation", "--golden", tmp_path)
    assert refused.code == 2
    assert "holds no rollout.safetensors" in refused.error_line()


@pytest.mark.slow
def test_mini(in_process: Any, tmp_path: Path) -> None:
    kept = tmp_path / "cpu.json"
    outcome = in_process("bench", "cpu", "--shots", 6, "--threads", 1, "--json", kept)
    assert outcome.code == 0, outcome.err
    short, long = json.loads(kept.read_text(encoding="utf-8"))["runs"]
    assert (short["shots"], long["shots"]) == (5, 6)
    assert short["peak_memory_mib"] > 100
    assert short["frames_per_second"] > 1
