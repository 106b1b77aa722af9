# SPDX-License-Identifier: Apache-2.0
"""Stories rendered by worker processes into shared memory while a trainer runs."""

from __future__ import annotations

import mmap
import multiprocessing as mp
import queue
import signal
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from shotstream_training.data.rendered_story import RenderedStory, StoryRenderer
from shotstream_training.world.spec import FRAMES_PER_SHOT, HEIGHT, WIDTH

_ALONE_S = 2.0
"""How often a worker without work looks whether its trainer is still there."""

SHOT_SHAPE = (FRAMES_PER_SHOT, HEIGHT, WIDTH, 3)


class StoryProducer:
    """Renders stories number ``first_seed``, ``first_seed + 1``, ... in worker processes.

    Pictures travel through anonymous shared memory, so that the training process copies nothing but what it
    keeps and unpickles only captions; the memory is inherited by `fork`, which needs neither a shared-memory
    file system nor its quota. Start it before the process touches a GPU. Without `fork`, and with
    ``workers=0``, stories are rendered in the training process.

    Args:
        renderer: Makes a story from a seed.
        workers: Worker processes.
        first_seed: Number of the first story.
        slots: Stories that may wait to be fetched; bounds the shared memory.
    """

    def __init__(self, renderer: StoryRenderer, *, workers: int, first_seed: int = 0, slots: int = 0) -> None:
        self._renderer = renderer
        self._next_seed = first_seed
        self._processes: list[Any] = []
        if workers < 1 or "fork" not in mp.get_all_start_methods() or sys.platform == "darwin":
            return
        context = mp.get_context("fork")
        slots = slots or 2 * workers + 4
        shape = (slots, renderer.max_shots, renderer.frames, *SHOT_SHAPE[1:])
        self._memory = mmap.mmap(-1, int(np.prod(shape)))
        self._slots = np.frombuffer(self._memory, np.uint8).reshape(shape)
        self._free: Any = context.Queue()
        self._done: Any = context.Queue()
        for slot in range(slots):
            self._free.put(slot)
        for worker in range(workers):
            process = context.Process(
                target=_render_forever,
                args=(renderer, self._slots, self._free, self._done, first_seed + worker, workers),
                daemon=True,
            )
            process.start()
            self._processes.append(process)

    def stories(self, limit: int, *, wait_s: float = 0.0) -> Iterator[RenderedStory]:
        """Yields finished stories; the pictures of one are valid until the next is asked for.

        Args:
            limit: At most so many.
            wait_s: How long to wait for the first one; later ones are not waited for.

        Raises:
            RuntimeError: If a worker failed; the message holds its traceback.
        """
        if not self._processes:
            for _ in range(limit):
                yield self._renderer(self._next_seed)
                self._next_seed += 1
            return
        for number in range(limit):
            try:
                slot, spec, prompts = self._done.get(timeout=wait_s if number == 0 and wait_s else 1e-4)
            except queue.Empty:
                return
            if slot < 0:
                raise RuntimeError(f"a render worker failed:\n{prompts}")
            try:
                yield RenderedStory(spec, prompts, tuple(self._slots[slot, : len(spec.shots)]))
            finally:
                self._free.put(slot)

    def close(self) -> None:
        """Ends the workers."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(timeout=5.0)
        self._processes.clear()

    def __enter__(self) -> StoryProducer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _render_forever(
    renderer: StoryRenderer, slots: NDArray[np.uint8], free: Any, done: Any, seed: int, stride: int
) -> None:
    # Ctrl-C goes to the trainer, which ends the workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    try:
        while True:
            slot = _next_slot(free)
            if slot is None:
                return
            story = renderer(seed)
            for shot, frames in enumerate(story.shots):
                slots[slot, shot] = frames
            done.put((slot, story.spec, story.prompts))
            seed += stride
    except Exception:  # noqa: BLE001 - any failure must reach the trainer instead of starving it silently
        import traceback  # noqa: PLC0415

        done.put((-1, None, traceback.format_exc()))


def _next_slot(free: Any) -> int | None:
    """A free slot; None once the trainer is gone, which a kill does not let it tell."""
    trainer = mp.parent_process()
    while True:
        try:
            slot: int = free.get(timeout=_ALONE_S)
        except queue.Empty:
            if trainer is not None and not trainer.is_alive():
                return None
        else:
            return slot
