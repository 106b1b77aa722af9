# SPDX-License-Identifier: Apache-2.0
"""Running plans on a GPU: the only part that calls CUDA.

Written against the API of TensorRT 11 and of TensorRT for RTX 1.7. It needs a GPU, which the rest does not.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shotstream_runtime.engines.cuda_graph.graphs import Lane

from .build_log import BuildLog
from .decoder_network import DecoderTensors
from .errors import EngineUnusable, TensorRtError
from .products import Product
from .student_tensors import Pass

_SHOWN_ERRORS = 3
_SETTLED_RUNS = 8
"""Passes after which every kernel of a chunk has been compiled."""
_logger = logging.getLogger(__name__)


class KernelCache:
    """Kernels that were compiled for this GPU at the first run, kept in a file: compiling takes a while.

    TensorRT itself checks that they are of this GPU, driver and version, and else compiles anew.

    Args:
        file: Where they are kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._cache: Any = None

    def attach(self, config: Any) -> None:
        """Gives a runtime configuration of TensorRT for RTX the kernels that there are."""
        if self._cache is None:
            self._cache = config.create_runtime_cache()
            if self._file.is_file():
                self._cache.deserialize(self._file.read_bytes())
        config.set_runtime_cache(self._cache)

    def save(self) -> None:
        """Writes them; without the file only time is lost."""
        if self._cache is None:
            return
        partial = self._file.with_suffix(".partial")
        try:
            partial.write_bytes(bytes(self._cache.serialize()))
            partial.replace(self._file)
        except OSError as error:
            _logger.warning("compiled kernels cannot be kept in %s: %s", self._file, error)


class GpuPlace:
    """Where plans run: a GPU, a lane of it, and what plans that run one after another there share.

    Args:
        device: The GPU.
        lane: Where passes are done. A stream of its own: TensorRT waits for the whole device on the default
            one, which cannot be captured either.
        kernels: Kernels compiled earlier.

    Attributes:
        scratch: Memory that a pass takes on the way; as large as the largest plan needs.
    """

    def __init__(self, device: torch.device, lane: Lane, kernels: KernelCache) -> None:
        self.device, self.lane, self.kernels = device, lane, kernels
        self.scratch = torch.empty(1, dtype=torch.uint8, device=device)

    def reserve(self, size: int) -> None:
        """Makes the scratch memory as large as this at least."""
        if size > self.scratch.numel():
            self.scratch = torch.empty(size, dtype=torch.uint8, device=self.device)


class OpenedPlan:
    """A plan on a GPU, with an execution context for each of its optimisation profiles.

    Args:
        product: The product that built it.
        plan: The plan.
        place: Where it runs.
        captured: For each profile, whether its passes are captured as a CUDA graph: that pays where the
            buffers stay.

    Raises:
        EngineUnusable: It does not fit this GPU, driver or version.
        TensorRtError: There is no memory for it.
    """

    def __init__(self, product: Product, plan: bytes, place: GpuPlace, captured: Sequence[bool]) -> None:
        self._trt = product.load()
        self._product = product
        self._place = place
        self._log = BuildLog()
        # Kept: an engine may not outlive what it was opened with.
        self._runtime = runtime = self._trt.Runtime(self._log.logger(self._trt))
        if product is Product.TENSORRT_RTX:
            refuse_unfit(self._trt, runtime, plan)
        with torch.cuda.device(place.device):
            self._engine = runtime.deserialize_cuda_engine(plan)
            if self._engine is None:
                raise EngineUnusable(f"TensorRT cannot open the engine: {self._said()}")
            place.reserve(self._engine.device_memory_size_v2)
            self._contexts = [self._make_context(index, capture) for index, capture in enumerate(captured)]
            # What a context does to become that of its profile is done before a pass, on whatever stream.
            torch.cuda.current_stream().synchronize()
        self._addresses: list[dict[str, int]] = [{} for _ in captured]
        self._scratches: list[Tensor | None] = [None for _ in captured]

    def run(self, profile: int, buffers: Mapping[str, Tensor]) -> None:
        """Queues a pass, after what torch's current stream has queued before and before what it will.

        Args:
            profile: The optimisation profile.
            buffers: Every input and output by name.

        Raises:
            TensorRtError: TensorRT refused it.
        """
        context, known = self._contexts[profile], self._addresses[profile]
        for name, buffer in buffers.items():
            address = buffer.data_ptr()
            # An address that stays leaves what was captured valid.
            if known.get(name) != address:
                if not context.set_tensor_address(name, address):
                    raise TensorRtError(f"TensorRT does not take a buffer for {name}: {self._said()}")
                known[name] = address
        scratch = self._place.scratch
        if self._scratches[profile] is not scratch:
            context.set_device_memory(scratch.data_ptr(), scratch.numel())
            self._scratches[profile] = scratch
        with self._place.lane.entered():
            if not context.execute_async_v3(torch.cuda.current_stream(self._place.device).cuda_stream):
                raise TensorRtError(f"a pass failed in TensorRT: {self._said()}")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Inputs and outputs of a plan whose dimensions are all fixed, by name."""
        names = (self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors))
        return {name: tuple(self._engine.get_tensor_shape(name)) for name in names}

    def _make_context(self, profile: int, capture: bool) -> Any:
        trt = self._trt
        config = self._engine.create_runtime_config()
        allocation = trt.ExecutionContextAllocationStrategy
        config.set_execution_context_allocation_strategy(allocation.USER_MANAGED)
        if self._product is Product.TENSORRT_RTX:
            self._place.kernels.attach(config)
            specialisation = trt.DynamicShapesKernelSpecializationStrategy
            config.dynamic_shapes_kernel_specialization_strategy = specialisation.EAGER
            strategy = trt.CudaGraphStrategy
            config.cuda_graph_strategy = strategy.WHOLE_GRAPH_CAPTURE if capture else strategy.DISABLED
        context = self._engine.create_execution_context(config)
        if context is None:
            raise TensorRtError(f"no execution context (is there memory left?): {self._said()}")
        if not context.set_optimization_profile_async(profile, torch.cuda.current_stream().cuda_stream):
            raise TensorRtError(f"the engine's profile {profile} cannot be taken: {self._said()}")
        for index in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(index)
            varies = -1 in tuple(self._engine.get_tensor_shape(name))
            if varies and self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
                # A profile has one shape for each input.
                shape = tuple(self._engine.get_tensor_profile_shape(name, profile)[1])
                if not context.set_input_shape(name, shape):
                    raise TensorRtError(f"{name} cannot have the shape {shape}: {self._said()}")
        return context

    def _said(self) -> str:
        errors = [" ".join(text.split()) for text in self._log.errors[-_SHOWN_ERRORS:]]
        return "; ".join(errors) or "it does not say why"


class StudentExecutor:
    """Runs the student's plan; see `PassExecutor`.

    The context pass has other buffers each time, so only the chunk's pass is captured.

    Args:
        product: The product that built the plan.
        plan: The plan.
        place: Where it runs; its kernels are saved once all are there.
    """

    def __init__(self, product: Product, plan: bytes, place: GpuPlace) -> None:
        captured = [kind is Pass.CHUNK for kind in Pass]
        self._plan = OpenedPlan(product, plan, place, captured)
        self._kernels = place.kernels
        self._runs = 0

    def run(self, kind: Pass, buffers: Mapping[str, Tensor]) -> None:
        """See `PassExecutor.run`.

        Raises:
            TensorRtError: TensorRT refused it.
        """
        self._plan.run(int(kind), buffers)
        self._runs += 1
        if self._runs == _SETTLED_RUNS:
            self._kernels.save()


class DecoderExecutor:
    """Runs the decoder's plans; see `StepExecutor`.

    Args:
        product: The product that built them.
        first: Plan for a shot's first latent.
        later: Plan for the others.
        place: Where they run.

    Attributes:
        first: Border of the network for a shot's first latent.
        later: Border of the network for the others.
    """

    def __init__(self, product: Product, first: bytes, later: bytes, place: GpuPlace) -> None:
        # Frames go into new memory each time.
        self._plans = {
            is_first: OpenedPlan(product, plan, place, [False])
            for is_first, plan in ((True, first), (False, later))
        }
        self.first, self.later = (DecoderTensors.of_plan(plan.shapes()) for plan in self._plans.values())

    def run_step(self, first: bool, buffers: Mapping[str, Tensor]) -> None:
        """See `StepExecutor.run_step`.

        Raises:
            TensorRtError: TensorRT refused it.
        """
        self._plans[first].run(0, buffers)


def refuse_unfit(trt: Any, runtime: Any, plan: bytes) -> None:
    """Asks TensorRT for RTX whether a plan fits this machine.

    Raises:
        EngineUnusable: It does not; says why.
    """
    validity, diagnostics = runtime.get_engine_validity(plan)
    if validity == trt.EngineValidity.INVALID:
        raise EngineUnusable(f"the engine does not fit this machine: {diagnosis(trt, diagnostics)}")


def diagnosis(trt: Any, diagnostics: int) -> str:
    """What keeps an engine from running here, in words.

    Args:
        trt: The product's Python API.
        diagnostics: Bits of `EngineInvalidityDiagnostics`.
    """
    words = {
        "VERSION_MISMATCH": "it was built with another version of TensorRT for RTX",
        "UNSUPPORTED_CC": "it was not built for this GPU",
        "OLD_CUDA_DRIVER": "the NVIDIA driver is too old for it",
        "OLD_CUDA_RUNTIME": "the CUDA runtime is too old for it",
        "INSUFFICIENT_GPU_MEMORY": "the GPU has too little memory for it",
        "MALFORMED_ENGINE": "it is damaged",
        "CUDA_ERROR": "the NVIDIA driver or the CUDA runtime does not work",
    }
    kinds = trt.EngineInvalidityDiagnostics
    found = [text for name, text in words.items() if int(diagnostics) & int(getattr(kinds, name))]
    return ", ".join(found) or f"TensorRT does not say why (code {int(diagnostics)})"
