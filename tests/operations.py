# SPDX-License-Identifier: Apache-2.0
"""Listening in on what torch computes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

# Operations that make the host wait for a value of the device.
WAITS = ("aten._local_scalar_dense.default", "aten.nonzero.default", "aten.equal.default")


class Operations(TorchDispatchMode):
    """Notes what is computed while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.shapes: dict[str, list[tuple[int, ...]]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.counts[str(func)] += 1
        self.shapes.setdefault(str(func), []).append(tuple(getattr(out, "shape", ())))
        return out
