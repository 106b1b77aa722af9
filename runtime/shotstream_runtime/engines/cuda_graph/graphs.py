# SPDX-License-Identifier: Apache-2.0
"""Running a piece of work over static buffers: directly, or as a CUDA graph captured once and replayed."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor

LOW_PRIORITY = 0
HIGH_PRIORITY = -1
"""Of CUDA streams: a lower number goes first; what others do on the GPU has `LOW_PRIORITY` by default."""

Work = Callable[[], None]
"""Reads and writes static buffers only, keeps nothing that it allocates, and never waits for a value."""

_CAPTURES = threading.RLock()
"""A capture begins with waiting for the whole device, which must not happen during another one."""


class GraphSet(Protocol):
    """The pieces of work over one set of static buffers, each with a key."""

    def run(self, key: Hashable, work: Work) -> None:
        """Does the work; what a key stands for must not change."""
        ...


class Mark(Protocol):
    """A point in a lane's order."""

    def wait(self) -> None:
        """Blocks the host until everything before it is done."""
        ...


class Lane(Protocol):
    """Where work is done in order; another lane's work may be done at the same time.

    Attributes:
        captures: Whether work becomes graphs, which is worth preparing for.
    """

    captures: bool

    def graphs(self) -> GraphSet:
        """For work over a set of static buffers."""
        ...

    def entered(self) -> AbstractContextManager[None]:
        """For work that is no graph: done in this lane's order."""
        ...

    def mark(self) -> Mark:
        """The point after everything queued so far."""
        ...

    def follow(self, mark: Mark) -> None:
        """What is queued from now on is done after a point of any lane."""
        ...

    def uses(self, tensor: Tensor) -> None:
        """A tensor of another lane is read here: its memory is not given out before that is done."""
        ...


class DirectLane:
    """Work is done at once, as the CPU does it anyway; the same code without graphs."""

    captures = False

    def graphs(self) -> GraphSet:
        """See `Lane.graphs`."""
        return _Direct()

    def entered(self) -> AbstractContextManager[None]:
        """See `Lane.entered`."""
        return nullcontext()

    def mark(self) -> Mark:
        """See `Lane.mark`."""
        return _Done()

    def follow(self, mark: Mark) -> None:
        """See `Lane.follow`."""

    def uses(self, tensor: Tensor) -> None:
        """See `Lane.uses`."""


class _Direct:
    def run(self, key: Hashable, work: Work) -> None:
        del key
        work()


class _Done:
    def wait(self) -> None:
        """Everything is."""


class CudaLane:
    """A CUDA stream, and a memory pool which all graphs captured on it share.

    Sharing is safe as the stream replays one graph at a time and whatever outlives a graph lies in static
    buffers outside the pool.

    Args:
        device: The device.
        priority: Of the stream; lower numbers go first.
        capture: Whether work becomes graphs.
        joins: Whether what is queued on the caller's current stream later waits for this lane. Otherwise
            only those see its results who follow a mark of it.
    """

    def __init__(
        self, device: torch.device, *, priority: int = 0, capture: bool = True, joins: bool = True
    ) -> None:
        self.captures = capture
        self._stream = torch.cuda.Stream(device, priority=priority)
        self._pool: Any = torch.cuda.graph_pool_handle()
        self._alive: weakref.WeakSet[torch.cuda.CUDAGraph] = weakref.WeakSet()
        self._joins = joins
        # Stories are opened on one thread while another generates; a capture must have the stream alone.
        self._one_at_a_time = threading.RLock()

    def graphs(self) -> GraphSet:
        """See `Lane.graphs`."""
        return _Captured(self)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """See `Lane.entered`; after what the current stream has queued before."""
        with self._one_at_a_time:
            current = torch.cuda.current_stream(self._stream.device)
            self._stream.wait_stream(current)
            with torch.cuda.stream(self._stream):
                yield
            if self._joins:
                current.wait_stream(self._stream)

    def mark(self) -> Mark:
        """See `Lane.mark`."""
        return _CudaMark(self._stream)

    def follow(self, mark: Mark) -> None:
        """See `Lane.follow`."""
        if isinstance(mark, _CudaMark):
            self._stream.wait_event(mark.event)

    def uses(self, tensor: Tensor) -> None:
        """See `Lane.uses`."""
        tensor.record_stream(self._stream)

    def capture(self, work: Work) -> torch.cuda.CUDAGraph:
        """Captures work that has been done once before, so that libraries have made their choices."""
        with _CAPTURES, self._one_at_a_time:
            self._stream.synchronize()
            if not self._alive:
                # The allocator gives a pool back with its last graph, and refuses to capture into it then.
                self._pool = torch.cuda.graph_pool_handle()
            graph = torch.cuda.CUDAGraph()
            # Captions are encoded on another thread meanwhile, which may take memory: only this one is
            # watched for what a capture forbids.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ):
                work()
            self._alive.add(graph)
            return graph


class _CudaMark:
    def __init__(self, stream: torch.cuda.Stream) -> None:
        # Waited for without spinning: the host's threads have other things to do.
        self.event = torch.cuda.Event(blocking=True)
        self.event.record(stream)

    def wait(self) -> None:
        self.event.synchronize()


class _Captured:
    """Graphs by key. The first time, the work is done as it stands, which is its warm-up, and captured."""

    def __init__(self, lane: CudaLane) -> None:
        self._lane = lane
        self._graphs: dict[Hashable, torch.cuda.CUDAGraph] = {}

    def run(self, key: Hashable, work: Work) -> None:
        graph = self._graphs.get(key)
        with self._lane.entered():
            if graph is not None:
                graph.replay()
                return
            work()
        if self._lane.captures:
            self._graphs[key] = self._lane.capture(work)


def make_lane(device: torch.device, *, share_gpu: bool, capture: bool = False, joins: bool = True) -> Lane:
    """A lane of a device.

    Args:
        device: The device; on a CPU, work is done at once.
        share_gpu: The lowest priority, so that graphics go first.
        capture: See `CudaLane`.
        joins: See `CudaLane`.
    """
    if device.type != "cuda":
        return DirectLane()
    priority = LOW_PRIORITY if share_gpu else HIGH_PRIORITY
    return CudaLane(device, priority=priority, capture=capture, joins=joins)
