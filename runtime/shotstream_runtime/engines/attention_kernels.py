# SPDX-License-Identifier: Apache-2.0
"""The attention kernels there are, as a table: which runs where, and which is taken."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.errors import EngineError

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``(query [b, n, heads, d], keys [b, m, heads, d], values) -> [b, n, heads x d]``, scale 1/sqrt(d)."""

_HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, slots=True)
class AttentionKernel:
    """One kernel.

    Attributes:
        name: As options name it.
        refusal: Why it does not run on a device in a type; none if it does.
        load: Gives the callable.
    """

    name: str
    refusal: Callable[[DeviceFacts, torch.dtype], str | None]
    load: Callable[[], Attend]


def _torch_attention(query: Tensor, keys: Tensor, values: Tensor, backend: SDPBackend | None) -> Tensor:
    parts = (query.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2))
    if backend is None:
        out = F.scaled_dot_product_attention(*parts)
    else:
        with sdpa_kernel(backend):
            out = F.scaled_dot_product_attention(*parts)
    joined: Tensor = out.transpose(1, 2).flatten(2)
    return joined


def _torch_kernel(backend: SDPBackend | None) -> Attend:
    return partial(_torch_attention, backend=backend)


def _load_fa3() -> Attend:
    run = importlib.import_module("flash_attn_interface").flash_attn_func

    def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        out = run(query, keys, values)
        # Some releases give the sums of the softmax as well.
        joined: Tensor = (out[0] if isinstance(out, tuple) else out).flatten(2)
        return joined

    return attend


def _refuse_fa3(device: DeviceFacts, dtype: torch.dtype) -> str | None:
    if device.capability is None or device.capability[0] != 9:
        return "FlashAttention 3 is for Hopper (SM90)"
    if "flash_attn_interface" not in device.packages:
        return "the package flash_attn_interface is not installed"
    return _refuse_wide(device, dtype)


def _refuse_cudnn(device: DeviceFacts, dtype: torch.dtype) -> str | None:
    if not device.at_least(8):
        return "cuDNN's attention needs SM80 or later"
    return _refuse_wide(device, dtype)


def _refuse_fa2(device: DeviceFacts, dtype: torch.dtype) -> str | None:
    if not device.at_least(8):
        return "FlashAttention 2 needs SM80 or later"
    return _refuse_wide(device, dtype)


def _refuse_wide(device: DeviceFacts, dtype: torch.dtype) -> str | None:
    del device
    return None if dtype in _HALF else f"takes 16-bit numbers, not {dtype}"


ATTENTION_KERNELS: tuple[AttentionKernel, ...] = (
    AttentionKernel("fa3", _refuse_fa3, _load_fa3),
    AttentionKernel("cudnn", _refuse_cudnn, lambda: _torch_kernel(SDPBackend.CUDNN_ATTENTION)),
    AttentionKernel("fa2", _refuse_fa2, lambda: _torch_kernel(SDPBackend.FLASH_ATTENTION)),
    # Torch's own choice; runs everywhere, in every type.
    AttentionKernel("sdpa", lambda _device, _dtype: None, lambda: _torch_kernel(None)),
)
"""Those first that are taken where they run."""


def runs_attention(kernel: AttentionKernel, place: torch.device, dtype: torch.dtype, head_dim: int) -> bool:
    """Whether a kernel really takes heads of this size: libraries refuse some only when they are called.

    Keys and values are the first part of a longer buffer, and no length is a power of two, as in a pass.
    """
    try:
        attend = kernel.load()
        query = torch.zeros(1, 120, 2, head_dim, device=place, dtype=dtype)
        keys, values = torch.zeros(2, 1, 600, 2, head_dim, device=place, dtype=dtype)[:, :, :360]
        attend(query, keys, values)
        if place.type == "cuda":
            # What a kernel does wrong is told late, and would be told of something else.
            torch.cuda.synchronize(place)
    except (RuntimeError, ImportError, AttributeError, TypeError):
        return False
    return True


def choose_attention(
    device: DeviceFacts,
    dtype: torch.dtype,
    name: str | None = None,
    works: Callable[[AttentionKernel], bool] = lambda kernel: True,
) -> AttentionKernel:
    """The kernel of a name, or the best that runs.

    Args:
        device: The device.
        dtype: Type of queries, keys and values.
        name: The kernel that is wanted.
        works: Tries a kernel that the device should run.

    Raises:
        EngineError: It does not run on this device in this type; lists those that do.
    """
    refusals = {kernel.name: kernel.refusal(device, dtype) for kernel in ATTENTION_KERNELS}
    usable = [kernel for kernel in ATTENTION_KERNELS if refusals[kernel.name] is None and works(kernel)]
    if name is None:
        return usable[0]
    for kernel in usable:
        if kernel.name == name:
            return kernel
    why = refusals.get(name, "unknown") or "does not take heads of this size here"
    raise EngineError(
        f"--attention {name}: {why}; possible on {device}: {', '.join(kernel.name for kernel in usable)}"
    )
