# SPDX-License-Identifier: Apache-2.0
"""Running a piece of work over static buffers: directly, or as a CUDA graph captured once and replayed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch

Work = Callable[[], None]
"""Reads and writes static buffers only, allocates nothing that outlives it, and never waits for a value."""


class GraphSet(Protocol):
    """The pieces of work over one set of static buffers, each with a key."""

    def run(self, key: Hashable, work: Work) -> None:
        """Does the work; what a key stands for must not change."""
        ...


class Lane(Protocol):
    """Where work is done in order; another lane's work may be done at the same time.

    Whoever calls from the device's current stream sees what was written before, and is seen.
    """

    def graphs(self) -> GraphSet:
        """For work over a set of static buffers."""
        ...

    def entered(self) -> AbstractContextManager[object]:
        """For work that is no graph: done in this lane's order."""
        ...


class DirectLane:
    """Work is done at once, as the CPU does it anyway; the same code without graphs."""

    def graphs(self) -> GraphSet:
        """See `Lane.graphs`."""
        return _Direct()

    def entered(self) -> AbstractContextManager[object]:
        """See `Lane.entered`."""
        return nullcontext()


class _Direct:
    def run(self, key: Hashable, work: Work) -> None:
        del key
        work()


class CudaLane:
    """A CUDA stream, and a memory pool which all graphs captured on it share.

    Sharing is safe as the stream replays one graph at a time and whatever outlives a graph lies in static
    buffers outside the pool.

    Args:
        device: The device.
        priority: Of the stream; lower numbers go first.
        capture: Whether work becomes graphs.
    """

    def __init__(self, device: torch.device, *, priority: int = 0, capture: bool = True) -> None:
        self._stream = torch.cuda.Stream(device, priority=priority)
        self._pool = torch.cuda.graph_pool_handle()
        self._capture = capture

    def graphs(self) -> GraphSet:
        """See `Lane.graphs`."""
        return _Captured(self._stream, self._pool) if self._capture else _OnStream(self._stream)

    def entered(self) -> AbstractContextManager[object]:
        """See `Lane.entered`."""
        return _Joined(self._stream)


class _Joined:
    """The stream as the current one: after what was queued before, and before what is queued later."""

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self._stream = stream
        self._current = torch.cuda.current_stream(stream.device)
        self._context = torch.cuda.stream(stream)

    def __enter__(self) -> None:
        self._stream.wait_stream(self._current)
        self._context.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._context.__exit__(None, None, None)
        self._current.wait_stream(self._stream)


class _OnStream:
    def __init__(self, stream: torch.cuda.Stream) -> None:
        self._stream = stream

    def run(self, key: Hashable, work: Work) -> None:
        del key
        with _Joined(self._stream):
            work()


class _Captured:
    """Graphs by key. The first time the work is done as it stands, which is its warm-up, and captured."""

    def __init__(self, stream: torch.cuda.Stream, pool: Any) -> None:
        self._stream, self._pool = stream, pool
        self._graphs: dict[Hashable, torch.cuda.CUDAGraph] = {}

    def run(self, key: Hashable, work: Work) -> None:
        graph = self._graphs.get(key)
        with _Joined(self._stream):
            if graph is not None:
                graph.replay()
                return
            # The result of this time; libraries choose their kernels and take their memory here.
            work()
        self._stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        # Captions are encoded on another thread meanwhile, which may take memory: only this one is watched.
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
            work()
        self._graphs[key] = graph
