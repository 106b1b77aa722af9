# SPDX-License-Identifier: Apache-2.0
"""The engines that run on torch: `eager`, `compiled` and `cuda-graph`."""

from __future__ import annotations

from dataclasses import replace

import torch

from shotstream_runtime.engines.base import Engine
from shotstream_runtime.engines.cuda_graph.static_engine import StaticEngine
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.eager import EagerEngine
from shotstream_runtime.engines.engine_kind import EngineKind, EngineOptions
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.model.linear_storage import store_in_eight_bits
from shotstream_runtime.weights.load import LoadedModel

NATIVE_FP8 = (8, 9)
"""Compute capability from which on a GPU multiplies float8 matrices."""
_NO_4_BIT = "4-bit numbers need an engine of TensorRT for RTX"


def _eager_refusal(device: DeviceFacts, precision: Precision) -> str | None:
    del device
    return _NO_4_BIT if precision is Precision.NVFP4 else None


def _compiled_refusal(device: DeviceFacts, precision: Precision) -> str | None:
    if not device.compiler:
        missing = "Triton (part of PyTorch for CUDA on Linux)" if device.cuda else "a C++ compiler"
        return f"torch.compile needs {missing}"
    return _eager_refusal(device, precision)


def _cuda_graph_refusal(device: DeviceFacts, precision: Precision) -> str | None:
    if not device.cuda:
        return "needs a CUDA device"
    return _eager_refusal(device, precision)


def _build_eager(model: LoadedModel, options: EngineOptions) -> tuple[LoadedModel, Engine]:
    _store_weights(model, options)
    return model, EagerEngine(model.student)


def _build_compiled(model: LoadedModel, options: EngineOptions) -> tuple[LoadedModel, Engine]:
    return build_static(model, options, name="compiled", compiled=True, capture=False)


def _build_cuda_graph(model: LoadedModel, options: EngineOptions) -> tuple[LoadedModel, Engine]:
    compiler = DeviceFacts.of(model.student.device).compiler
    return build_static(model, options, name="cuda-graph", compiled=compiler, capture=True)


def build_static(
    model: LoadedModel, options: EngineOptions, *, name: str, compiled: bool, capture: bool
) -> tuple[LoadedModel, Engine]:
    """An engine over static buffers, compiled and captured or not; see `StaticEngine`."""
    _store_weights(model, options)
    engine = StaticEngine(
        model.student,
        name=name,
        compiled=compiled,
        capture=capture,
        attention=options.attention,
        cache_dtype=torch.float8_e4m3fn if options.eight_bit_cache else None,
        share_gpu=options.share_gpu,
        video=model.preview or model.video,
    )
    return replace(model, other_decoders=engine.decoders), engine


def _store_weights(model: LoadedModel, options: EngineOptions) -> None:
    """Puts the weights of the transformer's blocks into eight bits, where the precision says so."""
    if options.precision is Precision.FP8:
        native = DeviceFacts.of(model.student.device).at_least(*NATIVE_FP8)
        store_in_eight_bits(model.student.blocks, torch.float8_e4m3fn, native=native)


EAGER = EngineKind(
    name="eager",
    about="plain torch, runs everywhere",
    automatic=True,
    shares_gpu=False,
    refusal=_eager_refusal,
    build=_build_eager,
)
COMPILED = EngineKind(
    name="compiled",
    about="static buffers; torch.compile of what lies between matrix products and attention",
    automatic=False,
    eight_bit_cache=True,
    names_attention=True,
    first_wait="The first chunk waits for the compiler: a minute on a CPU, seconds at a later start",
    refusal=_compiled_refusal,
    build=_build_compiled,
)
CUDA_GRAPH = EngineKind(
    name="cuda-graph",
    about="the same with every chunk captured as one CUDA graph",
    automatic=True,
    captures=True,
    eight_bit_cache=True,
    names_attention=True,
    first_wait="The first story waits while kernels are compiled and its chunks are captured",
    refusal=_cuda_graph_refusal,
    build=_build_cuda_graph,
)
