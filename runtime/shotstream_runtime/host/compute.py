# SPDX-License-Identifier: Apache-2.0
"""Settings of the machine's arithmetic that a generating process makes once."""

from __future__ import annotations

import os

import torch
from shotstream_bridge.cores import usable_cores

from .errors import HostError

# More threads than this do not pay for small students: a pass then spends its time waiting for the slowest.
_MOST_DEFAULT_THREADS = 4


class ComputeError(HostError):
    """A device or thread setting that this machine cannot satisfy."""


def default_threads() -> int:
    """Threads for the arithmetic of one process: half of the usable cores, at least one, at most four.

    On machines whose cores are shared, one thread is often faster than two, since every parallel section
    waits for the last thread. ``OMP_NUM_THREADS`` overrides this.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return max(1, min(usable_cores() // 2, _MOST_DEFAULT_THREADS))


def set_threads(threads: int | None) -> int:
    """Sets the number of threads for arithmetic in this process; None takes `default_threads`."""
    wanted = default_threads() if threads is None else threads
    torch.set_num_threads(wanted)
    return wanted


def prepare_generating_thread() -> None:
    """Makes the calling thread flush denormal numbers to zero; the setting belongs to a thread.

    Denormals arise where attention weights vanish, and cost a hundred times an ordinary operation.
    """
    torch.set_flush_denormal(True)


def choose_device(wanted: str) -> torch.device:
    """Resolves a device name.

    Args:
        wanted: ``auto`` (CUDA if there is one), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ComputeError: There is no such device here.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise ComputeError(f"device {wanted!r} is unknown; use auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if not torch.cuda.is_available() or (device.index or 0) >= count:
            raise ComputeError(
                f"device {wanted!r} is not there: PyTorch {torch.__version__} sees {count} CUDA devices; "
                "use --device cpu, or see shotstream doctor"
            )
    elif device.type != "cpu":
        raise ComputeError(f"device {wanted!r} is not supported; use auto, cpu, cuda or cuda:N")
    return device
