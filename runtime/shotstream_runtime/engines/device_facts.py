# SPDX-License-Identifier: Apache-2.0
"""What of a device decides which engines run on it. Plain values: any device can be described anywhere."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass, field
from typing import Self

import torch

_ASKED_PACKAGES = ("triton", "tensorrt", "tensorrt_rtx", "flash_attn_interface")
_COMPILERS = ("c++", "g++", "clang++", "cl")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """A device and the software that can use it.

    Attributes:
        type: ``cpu`` or ``cuda``.
        name: For people.
        capability: CUDA compute capability, ``(9, 0)`` for SM90; none on a CPU.
        memory_bytes: Memory of a GPU, all of it; 0 on a CPU.
        compiler: Whether ``torch.compile`` finds what it needs: Triton for a GPU, a C++ compiler for a CPU.
        packages: Which of the optional packages are installed.
    """

    type: str
    name: str
    capability: tuple[int, int] | None = None
    memory_bytes: int = 0
    compiler: bool = False
    packages: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, device: torch.device) -> Self:
        """The facts of a device of this machine."""
        packages = frozenset(name for name in _ASKED_PACKAGES if importlib.util.find_spec(name) is not None)
        if device.type != "cuda":
            found = any(shutil.which(name) for name in _COMPILERS)
            return cls(type=device.type, name="CPU", compiler=found, packages=packages)
        properties = torch.cuda.get_device_properties(device)
        return cls(
            type="cuda",
            name=properties.name,
            capability=(properties.major, properties.minor),
            memory_bytes=properties.total_memory,
            compiler="triton" in packages,
            packages=packages,
        )

    @property
    def cuda(self) -> bool:
        """Whether it is a CUDA device."""
        return self.type == "cuda"

    def at_least(self, major: int, minor: int = 0) -> bool:
        """Whether it is a CUDA device of this compute capability or a later one."""
        return self.capability is not None and self.capability >= (major, minor)

    @property
    def target(self) -> int | None:
        """Compute capability as one number, 90 for SM90; none on a CPU."""
        return None if self.capability is None else self.capability[0] * 10 + self.capability[1]

    def __str__(self) -> str:
        return self.name if self.target is None else f"{self.name} (SM{self.target})"
