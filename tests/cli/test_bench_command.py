# SPDX-License-Identifier: Apache-2.0
"""`shotstream bench`: what it shows, keeps and refuses; its figures are looked at, not held to anything."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from shotstream_runtime.bench.full_size import FullSizeFigures
from shotstream_runtime.bench.kernel_times import ATTENTION, CONVOLUTION, COPIES, PRODUCTS, REST, kind_of


def measured(in_process: Any, file: Path, *given: str) -> tuple[Any, dict[str, Any]]:
    outcome = in_process("bench", "gpu", "--size", "tiny", "--device", "cpu", *given, "--json", file)
    return outcome, json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "decoders", [("full",), pytest.param(("full", "preview"), marks=pytest.mark.slow)], ids=len
)
def test_the_tiny_size_on_a_cpu(in_process: Any, tmp_path: Path, decoders: tuple[str, ...]) -> None:
    """The table, and the file with the figures of every engine and decoder that was measured."""
    asked = ["--precision", "fp32", "--quick"]
    for decoder in decoders:
        asked += ["--decoder", decoder]
    outcome, figures = measured(in_process, tmp_path / "gpu.json", *asked)
    assert outcome.code == 0, outcome.err
    assert "tiny size on CPU" in outcome.out
    assert "Left out: cuda-graph in fp32: --engine cuda-graph --precision fp32: needs a CUDA" in outcome.out
    names = {field.name for field in fields(FullSizeFigures)}
    assert [row["decoder"] for row in figures["engines"]] == list(decoders)
    for row in figures["engines"]:
        assert row.keys() == names
        assert (row["engine"], row["precision"]) == ("eager", "fp32")
        assert len(row["denoise"]) == len(row["refresh"]) == 7
        numbers = [row["prefill"], row["chunk"], row["decode_first"], row["first_frame_cold"]]
        assert all(number > 0 for number in (*numbers, row["frames_per_second"], *row["denoise"]))
        # No GPU: its memory is not known, nor what share of an H100's floor this is.
        assert (row["peak_gib"], row["share_of_floor"]) == (None, None)
        assert {"matrix products", "attention"} <= row["spent"]["chunk"].keys()
        assert "convolutions" in row["spent"]["decode"]
    lines = {line[:31].strip(): line[31:].split() for line in outcome.out.splitlines()}
    for name in ("context prefill", "chunk, mean", "frames/s, with the decoder", "peak memory, GiB"):
        assert len(lines[name]) == len(decoders)
    assert lines["context prefill"] == [f"{row['prefill']:.1f}" for row in figures["engines"]]
    assert [entry["engine"] for entry in figures["left_out"]] == ["cuda-graph"] * len(decoders)
    assert figures["caption_ms"] > 0
    assert {"date", "processor", "torch", "device", "cuda"} <= figures["machine"].keys()


@pytest.mark.slow
def test_an_engine_that_fails_is_told_and_the_others_are_measured(
    in_process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "/bin/false")  # of torch.compile
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    engines = ("--engine", "compiled", "--engine", "eager", "--engine", "cuda-graph")
    asked = (*engines, "--precision", "fp32", "--quick")
    outcome, figures = measured(in_process, tmp_path / "gpu.json", *asked)
    assert outcome.code == 1
    # Named, so that it has to be there; as a default it is passed over.
    assert "not measured: compiled in fp32, cuda-graph in fp32" in outcome.error_line()
    assert [row["engine"] for row in figures["engines"]] == ["eager"]
    left_out, impossible = figures["left_out"]
    assert "needs a CUDA device" in impossible["reason"]
    assert (left_out["engine"], left_out["precision"], left_out["decoder"]) == ("compiled", "fp32", "full")
    assert left_out["reason"]
    assert f"Left out: compiled in fp32: {left_out['reason'][:40]}" in outcome.out


def test_what_is_not_measured_in_time_is_left_out(in_process: Any, tmp_path: Path) -> None:
    asked = ("--engine", "eager", "--precision", "fp32", "--precision", "bf16", "--minutes", "0.01")
    outcome, figures = measured(in_process, tmp_path / "gpu.json", *asked)
    assert outcome.code == 1
    assert "time was up" in outcome.error_line()
    assert figures["engines"] == []
    reasons = [entry["reason"] for entry in figures["left_out"]]
    assert reasons == ["the time was up while starting", "the time was up before it (--minutes gives more)"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_3_64x128x64", ATTENTION),
        ("void pytorch_flash::flash_fwd_kernel<Flash_fwd_kernel_traits<128, 64, 64, 4>>", ATTENTION),
        ("fmha_cutlassF_bf16_aligned_64x128_rf_sm80", ATTENTION),
        ("sm90_xmma_fprop_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc_tilesize128", CONVOLUTION),
        ("nvjet_tst_192x192_64x4_2x1_v_bz_coopB_bias_TNT", PRODUCTS),
        ("void cutlass::device_kernel<at::cuda::detail::enable_3x_kernel_for_sm9x<...>>", PRODUCTS),
        ("Memcpy DtoH (Device -> Pinned)", COPIES),
        ("void at::native::(anonymous namespace)::CatArrayBatchedCopy<...>", COPIES),
        ("triton_red_fused_addcmul_native_layer_norm_0", REST),
    ],
)
def test_kernels_are_told_apart_by_their_names(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_the_full_size_asks_for_a_gpu(in_process: Any) -> None:
    outcome = in_process("bench", "gpu", "--device", "cpu")
    assert outcome.code == 1
    assert "need a CUDA device" in outcome.error_line()


def test_the_documented_floor_is_what_the_command_prints(in_process: Any) -> None:
    outcome = in_process("bench", "floor")
    assert outcome.code == 0, outcome.err
    lines = {line[:32].strip(): line[32:].split() for line in outcome.out.splitlines()}
    docs = (Path(__file__).parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")
    chunk, speed, decode = re.search(
        r"floor of an H100 in bf16 is (\d+) ms .*\((\d+) frames/s\) and (\d+) ms for decoding", docs
    ).groups()  # type: ignore[union-attr]
    assert lines["chunk, mean"][0] == chunk
    assert lines["frames/s, student alone"][0] == speed
    assert lines["decoding a chunk"][0] == decode


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
    # Apart from a bound that is broken.
    impossible = in_process("bench", "deviation", "--device", "cpu", "--engine", "cuda-graph")
    assert impossible.code == 2
    assert "needs a CUDA device; possible on CPU" in impossible.error_line()


@pytest.mark.slow
def test_mini(in_process: Any, tmp_path: Path) -> None:
    kept = tmp_path / "cpu.json"
    outcome = in_process("bench", "cpu", "--shots", 6, "--threads", 1, "--json", kept)
    assert outcome.code == 0, outcome.err
    short, long = json.loads(kept.read_text(encoding="utf-8"))["runs"]
    assert (short["shots"], long["shots"]) == (5, 6)
    assert short["peak_memory_mib"] > 100
    assert short["frames_per_second"] > 1
