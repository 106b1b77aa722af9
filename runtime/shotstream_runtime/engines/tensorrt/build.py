# SPDX-License-Identifier: Apache-2.0
"""Building a defined network into a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .build_log import BuildLog
from .definition import Definition
from .errors import BuildFailed
from .held_interrupt import HeldInterrupt, held_interrupt

Progress = Callable[[str, float], bool]
"""Told the phase and the fraction of it that is done; false stops the build."""

_SHOWN_PROBLEMS = 3


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How a network is built.

    Attributes:
        targets: Compute capabilities (major x 10 + minor); none: the GPU at hand.
        shared_memory_bytes: Most shared memory that a kernel may take; none: all there is. With 48 KiB,
            kernels and a game's graphics run on a multiprocessor together.
    """

    targets: tuple[int, ...] = ()
    shared_memory_bytes: int | None = None


def build_plan(
    definition: Definition,
    profiles: Sequence[Mapping[str, tuple[int, ...]]],
    options: BuildOptions,
    log: BuildLog,
    progress: Progress = lambda phase, fraction: True,
) -> Any:
    """Builds a network.

    Args:
        definition: The network.
        profiles: For each optimisation profile the shapes of the inputs whose dimensions differ.
        options: How.
        log: Where the definition's logger writes.
        progress: Told how far it is.

    Returns:
        The plan, a buffer of bytes.

    Raises:
        BuildFailed: TensorRT gave up, or was stopped; has its words.
        KeyboardInterrupt: Ctrl-C was pressed meanwhile; it stops the build.
        BaseException: What `progress` raised; likewise.
    """
    trt = definition.trt
    config = definition.builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if options.targets:
        # The number first: a capability beyond it is refused.
        config.num_compute_capabilities = len(options.targets)
        for index, target in enumerate(options.targets):
            config.set_compute_capability(getattr(trt.ComputeCapability, f"SM{target}"), index)
    if options.shared_memory_bytes is not None:
        pool = trt.MemoryPoolType.TACTIC_SHARED_MEMORY
        config.set_memory_pool_limit(pool, options.shared_memory_bytes)
    for shapes in profiles:
        profile = definition.builder.create_optimization_profile()
        for name, shape in shapes.items():
            profile.set_shape(name, shape, shape, shape)
        config.add_optimization_profile(profile)
    with held_interrupt() as interrupt:
        monitor = _monitor(trt, progress, interrupt)
        config.progress_monitor = monitor
        plan = definition.builder.build_serialized_network(definition.network, config)
    if monitor.raised is not None:
        raise monitor.raised
    if monitor.stopped:
        raise BuildFailed("the build was stopped")
    if plan is None:
        said = "; ".join(log.errors[-_SHOWN_PROBLEMS:]) or "it does not say why"
        raise BuildFailed(f"TensorRT could not build the network: {said}")
    return plan


def _monitor(trt: Any, progress: Progress, interrupt: HeldInterrupt) -> Any:
    """Hands TensorRT's phases on."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Called from TensorRT's threads."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.stopped = False
            self.raised: BaseException | None = None
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str, num_steps: int) -> None:
            """A phase begins."""
            del parent_phase
            self._steps[phase_name] = num_steps
            self._tell(phase_name, 0.0)

        def step_complete(self, phase_name: str, step: int) -> bool:
            """A step is done; false stops the build."""
            self._tell(phase_name, (step + 1) / max(1, self._steps.get(phase_name, 1)))
            return not (self.stopped or interrupt.came)

        def phase_finish(self, phase_name: str) -> None:
            """A phase is done."""
            self._tell(phase_name, 1.0)

        def _tell(self, phase: str, fraction: float) -> None:
            # An exception must not go through TensorRT's own frames.
            try:
                self.stopped |= not progress(phase, min(1.0, fraction))
            except BaseException as error:  # noqa: BLE001
                self.stopped, self.raised = True, error

    return Monitor()
