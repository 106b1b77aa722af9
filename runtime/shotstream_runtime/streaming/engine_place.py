# SPDX-License-Identifier: Apache-2.0
"""What one story holds on the engine: its caches, the context in them, and the keys of its captions."""

from __future__ import annotations

from shotstream_runtime.engines import Engine, EngineSession
from shotstream_runtime.model import CaptionKeys
from shotstream_runtime.streaming.caption_keys import CaptionKeyCache, captions_kept
from shotstream_runtime.streaming.shot_context import ShotContext, latent_size
from shotstream_runtime.streaming.stage_times import Measure, Stage
from shotstream_runtime.weights.load import LoadedModel


class EnginePlace:
    """A story's place on the engine. It can be given up for want of memory, and is taken anew when needed.

    Args:
        model: The loaded model.
        engine: Executes its student.
        measure: Times stages.
    """

    def __init__(self, model: LoadedModel, engine: Engine, measure: Measure) -> None:
        self._model = model
        self._engine = engine
        self._measure = measure
        _, *self._size = latent_size(model)
        self._captions = CaptionKeyCache(captions_kept(model.student.config))
        self._in_cache: ShotContext | None = None
        self._opened: EngineSession | None = engine.open_session(*self._size)

    @property
    def session(self) -> EngineSession:
        """The caches; taken anew after they were given up."""
        if self._opened is None:
            self._opened = self._engine.open_session(*self._size)
        return self._opened

    @property
    def bytes(self) -> int:
        """Memory that it takes now."""
        return self._captions.bytes + (self._opened.bytes if self._opened is not None else 0)

    def prefill(self, context: ShotContext) -> None:
        """Brings a shot's context into the global cache, unless it is there."""
        if self._in_cache is context:
            return
        # A pass that fails half-way leaves neither the old context nor the new one.
        self._in_cache = None
        captions = [self.caption(prompt) for prompt in context.prompts]
        with self._measure(Stage.PREFILL):
            self.session.prefill(context.latents, context.shot_flags, captions)
        self._in_cache = context

    def caption(self, prompt: str) -> CaptionKeys:
        """The keys of a caption; computed at its first use."""
        return self._captions.get(
            prompt, lambda: self.session.prepare_caption(self._model.text.encode(prompt).embeds)
        )

    def give_up(self) -> None:
        """Frees all of it."""
        self._opened = None
        self._captions.clear()
        self._in_cache = None
