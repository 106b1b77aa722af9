# SPDX-License-Identifier: Apache-2.0
"""Building with TensorRT for RTX on a CPU, and what the build's own log says of the kernels."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.activation_ranges import ActivationRanges, range_names
from shotstream_runtime.engines.tensorrt.build import BuildOptions, build_plan
from shotstream_runtime.engines.tensorrt.build_log import BuildLog
from shotstream_runtime.engines.tensorrt.definition import Definition, define_student
from shotstream_runtime.engines.tensorrt.errors import BuildFailed
from shotstream_runtime.engines.tensorrt.executor import diagnosis
from shotstream_runtime.engines.tensorrt.making import SHARED_GPU_BYTES
from shotstream_runtime.engines.tensorrt.student_tensors import Pass, StudentTensors
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.weights.layouts import blank_student

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

ADA_AND_BLACKWELL = (89, 120)
PRODUCTS_PER_BLOCK = 6  # q k v in one, output; the same two for captions; two of the feed-forward
BORDER_PRODUCTS = 2  # patches, head


def two_layers() -> StudentConfig:
    """Real widths, so that kernels are chosen as for the published student."""
    return replace(StudentConfig(), num_layers=2, local_window_frames=6)


def random_weights(config: StudentConfig) -> dict[str, torch.Tensor]:
    """Small random weights in the type they are published in, without a float32 copy in between."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.empty(weight.shape, dtype=torch.bfloat16).normal_(std=0.02, generator=generator)
        for name, weight in blank_student(config).state_dict().items()
    }


def defined(config: StudentConfig, precision: Precision, log: BuildLog) -> tuple[Definition, StudentTensors]:
    tensors = StudentTensors(config, 60, 104, precision)
    ranges = ActivationRanges(
        weights_hash="0" * 64,
        stories=("none",),
        passes=1,
        largest=dict.fromkeys(range_names(config), 4.0),
    )
    return define_student(trt, log.logger(trt), tensors, random_weights(config), ranges), tensors


def built(
    config: StudentConfig, precision: Precision, targets: tuple[int, ...] = ADA_AND_BLACKWELL, **options: Any
) -> tuple[Any, BuildLog]:
    log = BuildLog()
    definition, tensors = defined(config, precision, log)
    plan = build_plan(definition, tensors.profiles(), BuildOptions(targets, **options), log)
    return plan, log


def check_kernels(log: BuildLog, layers: int, product_type: str, attention_type: str) -> None:
    """In each kind of pass: two attentions a block, each one kernel, and all products in the right type."""
    for kind in Pass:
        kernels = log.kernels(int(kind))
        flash = [kernel for kernel in kernels if kernel.flash_attention]
        assert len(flash) == 2 * layers
        for kernel in flash:
            assert [read.dtype for read in kernel.reads if len(read.shape) == 3] == [attention_type] * 3
        products = [kernel for kernel in kernels if kernel.matrix_product]
        assert len(products) == PRODUCTS_PER_BLOCK * layers + BORDER_PRODUCTS
        types = Counter(product_type in {read.dtype for read in kernel.reads} for kernel in products)
        assert types[True] >= PRODUCTS_PER_BLOCK * layers
        # A softmax of its own would mean scores written to memory.
        assert not [kernel for kernel in kernels if "Soft" in kernel.name or "Exp" in kernel.name]
    assert log.problems == []


def test_small_engine_in_bfloat16_has_fused_attention() -> None:
    config = two_layers()
    plan, log = built(config, Precision.BF16)
    check_kernels(log, config.num_layers, "BFloat16", "BFloat16")
    matrices = sum(
        w.nbytes for n, w in random_weights(config).items() if n.startswith("blocks") and w.ndim == 2
    )
    # One copy of the weights for both kinds of pass and both targets.
    assert plan.nbytes < 1.25 * matrices
    assert log.scratch_bytes() > 0


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.FP8])
def test_cache_is_written_where_it_lies_and_copied_once_to_be_read(precision: Precision) -> None:
    """What docs/engines.md tells of the cost: attention reads a copy that the builder makes of it."""
    config = replace(two_layers(), num_layers=1)
    _, log = built(config, precision)
    _, tensors = defined(config, precision, BuildLog())
    kernels = log.kernels(int(Pass.CHUNK))
    keys = tensors.slots + (0 if tensors.writes_in_place else tensors.tokens(Pass.CHUNK))
    copies = set()
    for part in ("keys", "values"):
        stored = f"{part}.0.stored"
        (writer,) = (kernel for kernel in kernels if stored in {write.name for write in kernel.writes})
        read = {read.name for read in writer.reads}
        assert (stored in read) == tensors.writes_in_place
        # In 8 bits what writes also joins the pass's own to the cache.
        copies |= {
            write.name
            for kernel in kernels
            for write in kernel.writes
            if {(stored if tensors.writes_in_place else f"{part}.0")} & {read.name for read in kernel.reads}
            and keys in write.shape
            and not write.name.endswith(".stored")
        }
    assert len(copies) == 2
    layers, item = StudentConfig().num_layers, 2 if tensors.writes_in_place else 1
    full = StudentTensors(StudentConfig(), 60, 104, precision)
    written = full.slots + (0 if tensors.writes_in_place else full.tokens(Pass.CHUNK))
    moved = layers * 2 * (full.slots + written) * config.dim * item
    assert moved == pytest.approx({Precision.BF16: 15.5e9, Precision.FP8: 8.2e9}[precision], rel=5e-3)


def test_small_engine_in_fp8_has_native_products_and_attention() -> None:
    config = two_layers()
    _, log = built(config, Precision.FP8)
    check_kernels(log, config.num_layers, "FP8", "FP8")


def test_small_engine_in_nvfp4_is_native_on_blackwell_alone() -> None:
    config = replace(two_layers(), num_layers=1)
    _, log = built(config, Precision.NVFP4, (120,))
    check_kernels(log, 1, "FP4E2M1", "FP8")
    with pytest.raises(BuildFailed, match=r"sm89.*fp4"):
        built(config, Precision.NVFP4, ADA_AND_BLACKWELL)


def test_attention_without_a_kernel_fails_instead_of_growing() -> None:
    """In float32 no target has one; scores in memory would take 9 GB at full size."""
    with pytest.raises(BuildFailed, match=r"Attention operation was not supported by a dedicated kernel"):
        built(replace(two_layers(), num_layers=1), Precision.FP32)


def test_limit_on_shared_memory_reaches_the_kernels() -> None:
    """48 KiB is the least that kernels can be made for, and the most that leaves room for graphics."""
    config = replace(two_layers(), num_layers=1)
    _, log = built(config, Precision.BF16, shared_memory_bytes=SHARED_GPU_BYTES)
    check_kernels(log, 1, "BFloat16", "BFloat16")
    with pytest.raises(BuildFailed, match=r"smem_limit"):
        built(config, Precision.BF16, shared_memory_bytes=SHARED_GPU_BYTES - 1)


def test_type_that_a_target_does_not_have_fails_with_its_words() -> None:
    with pytest.raises(BuildFailed, match=r"could not build the network: .*"):
        built(replace(two_layers(), num_layers=1), Precision.FP8, (80, 89))


def test_stopped_build_ends() -> None:
    log, told = BuildLog(), []
    definition, tensors = defined(replace(two_layers(), num_layers=1), Precision.BF16, log)

    def stop(phase: str, fraction: float) -> bool:
        told.append((phase, fraction))
        return len(told) < 20

    with pytest.raises(BuildFailed, match="stopped"):
        build_plan(definition, tensors.profiles(), BuildOptions(ADA_AND_BLACKWELL), log, stop)
    assert all(0 <= fraction <= 1 for _, fraction in told)


def test_ctrl_c_ends_a_build() -> None:
    log = BuildLog()
    definition, tensors = defined(replace(two_layers(), num_layers=1), Precision.BF16, log)

    def interrupt(phase: str, fraction: float) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_plan(definition, tensors.profiles(), BuildOptions(ADA_AND_BLACKWELL), log, interrupt)


def test_ctrl_c_in_the_logger_ends_a_build() -> None:
    """TensorRT prints what its logger raises and goes on building."""

    class Interrupting(list[tuple[str, str]]):
        heard = 0

        def append(self, line: tuple[str, str]) -> None:
            self.heard += 1
            if self.heard == 50:
                os.kill(os.getpid(), signal.SIGINT)
            super().append(line)

    log = BuildLog()
    definition, tensors = defined(replace(two_layers(), num_layers=1), Precision.BF16, log)
    phases: list[str] = []

    def on(phase: str, fraction: float) -> bool:
        phases.append(phase)
        return True

    log.lines = Interrupting()
    log.logger(trt)
    with pytest.raises(KeyboardInterrupt):
        build_plan(definition, tensors.profiles(), BuildOptions(ADA_AND_BLACKWELL), log, on)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    interrupted = len(phases)
    log.lines = []
    log.logger(trt)
    build_plan(definition, tensors.profiles(), BuildOptions(ADA_AND_BLACKWELL), log, on)
    # It was not built to its end.
    assert interrupted < (len(phases) - interrupted) / 2


def test_plan_that_does_not_fit_is_diagnosed_in_words() -> None:
    """TensorRT's own check runs without a GPU, for which it asks first."""
    runtime = trt.Runtime(BuildLog().logger(trt))
    validity, diagnostics = runtime.get_engine_validity(b"\0" * 4096)
    assert validity == trt.EngineValidity.INVALID
    assert diagnosis(trt, diagnostics) == "it is damaged"
    kinds = trt.EngineInvalidityDiagnostics
    both = int(kinds.VERSION_MISMATCH) | int(kinds.UNSUPPORTED_CC)
    assert diagnosis(trt, both) == (
        "it was built with another version of TensorRT for RTX, it was not built for this GPU"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "kind"), [(Precision.BF16, "BFloat16"), (Precision.FP8, "FP8")])
def test_full_student(precision: Precision, kind: str) -> None:
    """All 30 layers of the published student, the whole window."""
    config = StudentConfig()
    plan, log = built(config, precision)
    check_kernels(log, 30, kind, kind)
    weights = {Precision.BF16: 2.51e9, Precision.FP8: 1.27e9}[precision]
    assert 0.95 * weights < plan.nbytes < 1.1 * weights
