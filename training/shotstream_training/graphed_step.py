# SPDX-License-Identifier: Apache-2.0
"""A training step as a CUDA graph: small networks are bound by launches, not by arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor], dict[str, Tensor]]

WARM_UP_STEPS = 3


class GraphedStep:
    """Runs a step, captured once per input shape; plain calls where there is no GPU or the capture fails.

    The step does everything on the device: loss, gradients, optimiser (with ``capturable=True`` and a tensor
    learning rate). It draws its noise from the default generator, which a graph advances correctly.

    Args:
        step: Takes inputs and returns named scalars.
        clear_gradients: Sets all gradients to none; called before each capture, so that a graph owns its own.
        device: Where the inputs live.
    """

    def __init__(self, step: Step, clear_gradients: Callable[[], None], device: torch.device) -> None:
        self._step = step
        self._clear = clear_gradients
        self._capture_works = device.type == "cuda"
        self._graphs: dict[torch.Size, tuple[torch.cuda.CUDAGraph, Tensor, dict[str, Tensor]]] = {}

    def __call__(self, inputs: Tensor) -> dict[str, Tensor]:
        """One step; the returned scalars are the caller's to keep."""
        if not self._capture_works:
            return self._step(inputs)
        if inputs.shape not in self._graphs:
            try:
                self._capture(inputs)
            except Exception as error:  # noqa: BLE001 - capture may fail in any way; plain calls always work
                print(f"going on without CUDA graphs: {type(error).__name__}: {str(error)[:400]}", flush=True)
                self._capture_works = False
                torch.cuda.synchronize()
                self._clear()
                return self._step(inputs)
        graph, static, values = self._graphs[inputs.shape]
        static.copy_(inputs)
        graph.replay()
        return {name: value.clone() for name, value in values.items()}

    def _capture(self, inputs: Tensor) -> None:
        static = inputs.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                self._step(static)
        torch.cuda.current_stream().wait_stream(side)
        self._clear()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            values = self._step(static)
        self._graphs[inputs.shape] = (graph, static, values)
