# SPDX-License-Identifier: Apache-2.0
"""What TensorRT says while it builds, and the kernels it says it has made.

Without a GPU an engine cannot be opened, so the inspector is out of reach; but a verbose build with detailed
profiling lists every fused kernel with the tensors it reads and writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_KERNEL = re.compile(
    r"^Name: (?P<name>.+?), LayerType: (?P<kind>\w+), Inputs: \[(?P<tensors>.*), TacticName: "
)
_PROFILE = re.compile(r"_myl(\d+)_\d+$")
_READ = re.compile(r"Name: ([^{}]+?), Dimensions: \[([\d,]*)\].*?Datatype: (\w+)")
_NO_KERNELS = {"signal", "wait"}


@dataclass(frozen=True, slots=True)
class KernelTensor:
    """A tensor that a kernel reads or writes.

    Attributes:
        name: As TensorRT has it.
        shape: Its dimensions.
        dtype: Its type, in TensorRT's words: ``BFloat16``, ``FP8``.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel of a built engine.

    Attributes:
        name: As TensorRT has it.
        kind: ``gemm``, ``kgen``, ``runtime_fusion``...
        profile: The optimisation profile that it belongs to.
        reads: Tensors that it reads, constants included.
        writes: Tensors that it writes.
    """

    name: str
    kind: str
    profile: int
    reads: tuple[KernelTensor, ...]
    writes: tuple[KernelTensor, ...]

    @property
    def flash_attention(self) -> bool:
        """Whether it is a whole attention: scores, softmax and values in one kernel."""
        return "_mha" in self.name

    @property
    def matrix_product(self) -> bool:
        """Whether it multiplies by a matrix of weights."""
        return self.kind == "gemm" or "Fc" in self.name or "Dot" in self.name


@dataclass(slots=True, eq=False)
class BuildLog:
    """Collects what a build says.

    Attributes:
        lines: Severity and text, in order.
    """

    lines: list[tuple[str, str]] = field(default_factory=list)

    def logger(self, trt: Any) -> Any:
        """A logger of the product's own type that writes here."""
        log = self

        class Logger(trt.ILogger):  # type: ignore[misc]
            """Hands every line on."""

            def __init__(self) -> None:
                trt.ILogger.__init__(self)

            def log(self, severity: Any, message: str) -> None:
                """Called by TensorRT, from any thread."""
                log.lines.append((severity.name, message))

        return Logger()

    @property
    def problems(self) -> list[str]:
        """Errors and warnings."""
        return [text for severity, text in self.lines if severity in {"INTERNAL_ERROR", "ERROR", "WARNING"}]

    @property
    def errors(self) -> list[str]:
        """Errors alone."""
        return [text for severity, text in self.lines if severity in {"INTERNAL_ERROR", "ERROR"}]

    def kernels(self, profile: int | None = None) -> list[Kernel]:
        """The kernels of a build with detailed profiling; of one optimisation profile, or of all."""
        text = "\n".join(line for _, line in self.lines)
        found = (_kernel(line) for line in text.splitlines())
        return [kernel for kernel in found if kernel and profile in (None, kernel.profile)]

    def scratch_bytes(self) -> int:
        """Memory that an execution context needs beside inputs, outputs and weights; 0 if it was not told."""
        return self._number(r"^Total Activation Memory: (\d+) bytes")

    def _number(self, pattern: str) -> int:
        found = (re.match(pattern, text) for _, text in self.lines)
        return max((int(match[1]) for match in found if match), default=0)


def _kernel(line: str) -> Kernel | None:
    match = _KERNEL.match(line)
    if match is None or match["kind"] in _NO_KERNELS:
        return None
    reads, _, writes = match["tensors"].partition("Outputs: [")
    profile = _PROFILE.search(match["name"])
    return Kernel(
        name=match["name"],
        kind=match["kind"],
        profile=int(profile[1]) if profile else 0,
        reads=_tensors(reads),
        writes=_tensors(writes),
    )


def _tensors(text: str) -> tuple[KernelTensor, ...]:
    return tuple(
        KernelTensor(name, tuple(int(dim) for dim in dims.split(",") if dim), dtype)
        for name, dims, dtype in _READ.findall(text)
    )
