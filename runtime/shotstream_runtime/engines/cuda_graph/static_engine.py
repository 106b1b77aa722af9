# SPDX-License-Identifier: Apache-2.0
"""The engines over static buffers: `compiled`, and `cuda-graph`, which is the same captured."""

from __future__ import annotations

import threading
import weakref

import torch

from shotstream_runtime.codecs.frame_decoder import StepwiseDecoder
from shotstream_runtime.engines.attention_kernels import choose_attention, runs_attention
from shotstream_runtime.engines.cuda_graph.graphs import make_lane
from shotstream_runtime.engines.cuda_graph.pointwise import Pointwise
from shotstream_runtime.engines.cuda_graph.static_decoder import StaticDecoders
from shotstream_runtime.engines.cuda_graph.static_session import CLEAN_TIME, StaticBuffers, StaticSession
from shotstream_runtime.engines.cuda_graph.static_student import StaticStudent
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.model import FlowSchedule, Student


class StaticEngine:
    """Runs a student over static buffers.

    The buffers of a story that ended wait for the next one, with their graphs: at most one set per size.

    Args:
        student: The student; its weights become views of joined ones.
        name: As on the command line.
        compiled: Whether what lies between matrix products is compiled.
        capture: Whether passes become CUDA graphs; on a GPU only.
        attention: Attention kernel by name; none takes the best one.
        cache_dtype: Type of the dual caches; the student's by default.
        share_gpu: Streams of the lowest priority, so that graphics go first.
        video: The decoder that is to run over static buffers too, see `decoders`.

    Raises:
        EngineError: The attention kernel does not run here.
    """

    def __init__(
        self,
        student: Student,
        *,
        name: str,
        compiled: bool,
        capture: bool,
        attention: str | None = None,
        cache_dtype: torch.dtype | None = None,
        share_gpu: bool = False,
        video: StepwiseDecoder | None = None,
    ) -> None:
        self.name = name
        self.student = student
        kernel = choose_attention(
            DeviceFacts.of(student.device),
            student.dtype,
            attention,
            lambda kernel: runs_attention(kernel, student.device, student.dtype, student.config.head_dim),
        )
        self.attention = kernel.name
        self.schedule = FlowSchedule(student.config.timestep_shift, student.config.denoising_steps)
        self._passes = StaticStudent(
            student, kernel.load(), Pointwise.compiled() if compiled else Pointwise()
        )
        self._passes.prepare((*self.schedule.steps, CLEAN_TIME))
        self._cache_dtype = cache_dtype or student.dtype
        device = student.device
        self._lane = make_lane(device, share_gpu=share_gpu, capture=capture)
        self.decoders: StaticDecoders | None = None
        if video is not None:
            self.decoders = StaticDecoders(
                video,
                make_lane(device, share_gpu=share_gpu, capture=capture, joins=False),
                make_lane(device, share_gpu=share_gpu, joins=False),
                ahead=student.config.frames_per_chunk,
            )
        self._idle: dict[tuple[int, int, int], StaticBuffers] = {}
        # A session may end on any thread, and in the middle of anything: reentrant.
        self._handing_over = threading.RLock()

    def open_session(self, height: int, width: int, batch: int = 1) -> StaticSession:
        """Opens a session for latents of ``height x width``.

        Raises:
            ValueError: If the latent size is not a multiple of the student's patch.
        """
        session = StaticSession(self._take((height, width, batch)))
        weakref.finalize(session, self._give_back, session._buffers).atexit = False
        return session

    def session_bytes(self, height: int, width: int, batch: int = 1) -> int:
        """See `Engine.session_bytes`."""
        return self._make((height, width, batch), torch.device("meta")).bytes

    @property
    def idle_bytes(self) -> int:
        """Memory of the buffers that wait for the next session, or shot."""
        decoders = self.decoders.idle_bytes if self.decoders is not None else 0
        with self._handing_over:
            # A list, as a session may end in the middle of this and add its own.
            return decoders + sum(buffers.bytes for buffers in list(self._idle.values()))

    def release_idle(self) -> None:
        """Frees them."""
        with self._handing_over:
            self._idle.clear()
        if self.decoders is not None:
            self.decoders.release_idle()

    def _take(self, size: tuple[int, int, int]) -> StaticBuffers:
        with self._handing_over:
            waiting = self._idle.pop(size, None)
        if waiting is not None:
            return waiting
        buffers = self._make(size)
        if self._lane.captures:
            with torch.inference_mode():
                buffers.prepare()
        return buffers

    def _make(self, size: tuple[int, int, int], device: torch.device | None = None) -> StaticBuffers:
        height, width, batch = size
        return StaticBuffers(
            self._passes,
            self.schedule,
            self._lane,
            height=height,
            width=width,
            batch=batch,
            cache_dtype=self._cache_dtype,
            device=device,
        )

    def _give_back(self, buffers: StaticBuffers) -> None:
        with self._handing_over:
            self._idle.setdefault(buffers.size, buffers)
