# SPDX-License-Identifier: Apache-2.0
"""Which engine and precision are taken, on devices that are described rather than there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from shotstream_runtime.cli import options
from shotstream_runtime.engines import EngineError, Precision
from shotstream_runtime.engines.attention_kernels import ATTENTION_KERNELS, choose_attention, runs_attention
from shotstream_runtime.engines.choice import AUTO, choose_engine, without_effect
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.kinds import ENGINE_KINDS

CPU = DeviceFacts(type="cpu", name="CPU")


def test_the_command_line_names_every_engine_and_precision() -> None:
    assert {name.value for name in options.EngineName} == {AUTO, *(kind.name for kind in ENGINE_KINDS)}
    assert [name.value for name in options.PrecisionName] == [precision.value for precision in Precision]
    assert [name.value for name in options.AttentionName] == [kernel.name for kernel in ATTENTION_KERNELS]
    assert get_args(options.EngineOption)[0] is options.EngineName


def test_a_cpu_gets_eager_in_float32() -> None:
    choice = choose_engine(CPU)
    assert (choice.kind.name, choice.precision) == ("eager", Precision.FP32)
    assert "eager in fp32 on CPU" in choice.reason


def test_what_is_not_possible_is_refused_with_what_is() -> None:
    with pytest.raises(EngineError, match=r"--engine teager: unknown; use auto, .*eager"):
        choose_engine(CPU, "teager")
    with pytest.raises(EngineError, match=r"nvfp4.*possible on CPU: .*eager \(fp32, bf16"):
        choose_engine(CPU, "eager", Precision.NVFP4)
    with pytest.raises(
        EngineError, match=r"^--precision nvfp4: no engine is picked .*possible on CPU: .*eager"
    ):
        choose_engine(CPU, AUTO, Precision.NVFP4)


H100 = DeviceFacts(type="cuda", name="H100", capability=(9, 0), memory_bytes=80 << 30, compiler=True)
TURING = DeviceFacts(type="cuda", name="RTX 2080", capability=(7, 5), memory_bytes=8 << 30)


def test_a_gpu_gets_graphs_in_bfloat16_and_mini_float32() -> None:
    choice = choose_engine(H100)
    assert (choice.kind.name, choice.precision) == ("cuda-graph", Precision.BF16)
    assert choose_engine(H100, small=True).precision is Precision.FP32
    assert "not cuda-graph: needs a CUDA device" in choose_engine(CPU).reason


def test_an_engine_that_cannot_run_there_says_what_it_lacks() -> None:
    with pytest.raises(EngineError, match=r"--engine cuda-graph: needs a CUDA device; possible on CPU"):
        choose_engine(CPU, "cuda-graph")
    with pytest.raises(EngineError, match=r"torch\.compile needs Triton"):
        choose_engine(TURING, "compiled")
    with pytest.raises(EngineError, match=r"torch\.compile needs a C\+\+ compiler"):
        choose_engine(CPU, "compiled")


def test_attention_kernels_are_taken_by_device_and_type() -> None:
    hopper = replace(H100, packages=frozenset({"flash_attn_interface"}))
    assert choose_attention(hopper, torch.bfloat16).name == "fa3"
    assert choose_attention(H100, torch.bfloat16).name == "cudnn"
    assert choose_attention(H100, torch.bfloat16, "fa2").name == "fa2"
    assert choose_attention(H100, torch.float32).name == "sdpa"
    assert choose_attention(TURING, torch.bfloat16).name == "sdpa"
    with pytest.raises(EngineError, match=r"fa3: .*not installed; possible on H100.*cudnn, fa2, sdpa"):
        choose_attention(H100, torch.bfloat16, "fa3")
    with pytest.raises(EngineError, match="--attention fa9: unknown"):
        choose_attention(CPU, torch.float32, "fa9")


def test_a_kernel_that_only_seems_to_run_is_passed_over() -> None:
    broken = {"cudnn"}
    works = choose_attention(H100, torch.bfloat16, works=lambda kernel: kernel.name not in broken)
    assert works.name == "fa2"
    with pytest.raises(EngineError, match="cudnn: does not take heads of this size here"):
        choose_attention(H100, torch.bfloat16, "cudnn", lambda kernel: kernel.name not in broken)
    cpu = torch.device("cpu")
    assert [k.name for k in ATTENTION_KERNELS if runs_attention(k, cpu, torch.float32, 32)] == ["fa2", "sdpa"]


COMPILING_CPU = replace(CPU, compiler=True)


def test_a_cache_in_eight_bits_is_asked_of_engines_that_have_one() -> None:
    assert choose_engine(H100, eight_bit_cache=True).kind.name == "cuda-graph"
    choice = choose_engine(COMPILING_CPU, eight_bit_cache=True)
    assert (choice.kind.name, choice.precision) == ("compiled", Precision.FP32)
    assert "not eager: keeps no cache in 8 bits" in choice.reason
    assert choose_engine(COMPILING_CPU).kind.name == "eager"


def test_a_refusal_names_what_was_asked_for_and_lists_only_what_fits_it() -> None:
    def refusal(device: DeviceFacts, *asked: Any, cache: bool = True) -> str:
        with pytest.raises(EngineError) as refused:
            choose_engine(device, *asked, eight_bit_cache=cache)
        return str(refused.value)

    eager = "--engine eager --eight-bit-cache: keeps no cache in 8 bits; possible on CPU: "
    assert refusal(COMPILING_CPU, "eager") == eager + "compiled (fp32, bf16, fp8)"
    # The precision belongs to what was asked for only where it was named.
    named = refusal(COMPILING_CPU, "eager", Precision.BF16)
    assert named.startswith("--engine eager --precision bf16 --eight-bit-cache: ")
    assert named.endswith("possible on CPU: compiled (bf16)")
    assert refusal(COMPILING_CPU, "cuda-graph", Precision.FP8, cache=False).endswith(
        "possible on CPU: eager (fp8); compiled (fp8)"
    )
    nobody = refusal(CPU)
    assert nobody.startswith("--eight-bit-cache: no engine is picked (not cuda-graph: needs a CUDA device; ")
    assert "not compiled: torch.compile needs a C++ compiler" in nobody
    assert nobody.endswith("possible on CPU without --eight-bit-cache: eager (fp32, bf16, fp8)")


def test_options_that_change_nothing_are_told() -> None:
    def told(device: DeviceFacts, engine: str) -> tuple[str, ...]:
        choice = choose_engine(device, engine)
        return without_effect(choice, device, attention="sdpa", share_gpu=True)

    assert told(H100, "cuda-graph") == ()
    assert told(COMPILING_CPU, "compiled") == ("--share-gpu has no effect on CPU",)
    own = "--attention sdpa has no effect: eager has an attention of its own"
    assert told(CPU, "eager") == (own, "--share-gpu has no effect on CPU")
    assert told(H100, "eager") == (own, "--share-gpu has no effect with eager")
    assert without_effect(choose_engine(CPU), CPU, attention=None, share_gpu=False) == ()


def test_fp8_that_saves_no_time_is_told() -> None:
    def told(device: DeviceFacts) -> tuple[str, ...]:
        return without_effect(
            choose_engine(device, precision=Precision.FP8), device, attention=None, share_gpu=False
        )

    assert told(CPU) == ("fp8 saves memory and no time on CPU: weights are spread for each use",)
    assert told(H100) == ()
