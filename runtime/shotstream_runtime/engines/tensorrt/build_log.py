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
        """The product's logger, which writes here from now on.

        TensorRT knows one logger in a process and ignores others while anything of the first lives. So there
        is one, and it writes into the log that asked last.
        """
        logger = _LOGGERS.get(trt.__name__)
        if logger is None:
            logger = _LOGGERS[trt.__name__] = _make_logger(trt)
        logger.sink = self.lines
        return logger

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


_LOGGERS: dict[str, Any] = {}


def _make_logger(trt: Any) -> Any:
    base: Any = trt.ILogger

    class Logger(base):  # type: ignore[misc]
        """Appends what it is told to a list."""

        def __init__(self) -> None:
            base.__init__(self)
            self.sink: list[tuple[str, str]] = []

        def log(self, severity: Any, message: str) -> None:
            """Called by TensorRT, from any thread."""
            self.sink.append((severity.name, message))

    return Logger()


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
