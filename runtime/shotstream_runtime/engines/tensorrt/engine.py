# SPDX-License-Identifier: Apache-2.0
"""The engine that runs a plan, behind the interface that all engines share."""

from __future__ import annotations

from shotstream_runtime.model import FlowSchedule

from .prepared_student import PreparedStudent
from .products import Product
from .session import PassExecutor, TensorRtSession
from .student_tensors import StudentTensors


class TensorRtEngine:
    """Runs a student's plan; see `Engine`.

    Args:
        product: Whose plan it is.
        student: What is computed outside the network.
        tensors: The border of the network.
        executor: Runs the network.
    """

    def __init__(
        self, product: Product, student: PreparedStudent, tensors: StudentTensors, executor: PassExecutor
    ) -> None:
        self.name = product.value
        self._student = student
        self._tensors = tensors
        self._executor = executor
        config = tensors.config
        self._schedule = FlowSchedule(config.timestep_shift, config.denoising_steps)

    @property
    def idle_bytes(self) -> int:
        """Memory that is kept for the next session: none."""
        return 0

    def release_idle(self) -> None:
        """Frees that memory."""

    def session_bytes(self, height: int, width: int, batch: int = 1) -> int:
        """Memory on the device that a session holds, what its context pass takes for a moment included."""
        del height, width, batch
        return self._tensors.buffer_bytes

    def open_session(self, height: int, width: int, batch: int = 1) -> TensorRtSession:
        """Opens a session for latents of ``height x width``.

        Raises:
            ValueError: If the plan was built for another size, or more than one clip at once is asked for.
        """
        built = self._tensors.height, self._tensors.width
        if (height, width) != built:
            raise ValueError(f"latents of {height}x{width}; this engine was built for {built[0]}x{built[1]}")
        if batch != 1:
            raise ValueError(f"batch={batch}: a TensorRT engine generates one clip at a time")
        return TensorRtSession(self._student, self._schedule, self._tensors, self._executor)
