# SPDX-License-Identifier: Apache-2.0
"""What a piece of work spends its time on, by kind of kernel: what a share of the floor is lost to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch.profiler import ProfilerActivity, profile

ATTENTION, CONVOLUTION, PRODUCTS = "attention", "convolutions", "matrix products"
COPIES, REST = "copies", "everything else"

# In this order: the name of an attention kernel also says that it multiplies, that of a convolution too.
_SIGNS: Final = {
    ATTENTION: ("attention", "flash", "fmha", "sdpa", "_mha"),
    CONVOLUTION: ("conv", "fprop", "winograd"),
    PRODUCTS: ("gemm", "nvjet", "cutlass", "cublas", "matmul", "::mm", "::addmm", "::linear", "_scaled_mm"),
    COPIES: ("memcpy", "memset", "copy", "catarray", "::cat"),
}


def kind_of(kernel: str) -> str:
    """The kind of a kernel (on a CPU: of an operation), by its name."""
    name = kernel.lower()
    return next((kind for kind, signs in _SIGNS.items() if any(sign in name for sign in signs)), REST)


def kernel_times(work: Callable[[], Any], device: torch.device) -> dict[str, float] | None:
    """Milliseconds by kind of kernel, the largest first. Kernels on several streams may overlap.

    Args:
        work: Done once, for the profiler to see; best done before, so that nothing is compiled any more.
        device: Where.

    Returns:
        None where the profiler sees nothing of the device, as in some containers.
    """
    on_gpu = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as seen:
        work()
        if on_gpu:
            torch.cuda.synchronize(device)
    spent: dict[str, float] = {}
    for entry in seen.key_averages():
        # Operations of the host are listed with the time of their kernels, which are listed themselves.
        if on_gpu and entry.device_type.name != "CUDA":
            continue
        microseconds = entry.self_device_time_total if on_gpu else entry.self_cpu_time_total
        kind = kind_of(entry.key)
        spent[kind] = spent.get(kind, 0.0) + microseconds / 1e3
    return dict(sorted(spent.items(), key=lambda item: -item[1])) or None
