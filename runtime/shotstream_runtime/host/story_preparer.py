# SPDX-License-Identifier: Apache-2.0
"""The captions' thread: opens streams and encodes captions, in the order in which requests came."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial

from shotstream_bridge.errors import ErrorCode
from shotstream_bridge.log_context import log_context, note_log_ids
from shotstream_bridge.messages import BeatOutcome

from shotstream_runtime.engines import Engine
from shotstream_runtime.streaming.beats import BeatRefused
from shotstream_runtime.streaming.replay import StoryPast
from shotstream_runtime.streaming.stage_times import StageTimes
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel

from .announcer import Announcer
from .compute import prepare_generating_thread
from .hosted_story import HostedStory
from .stream_beats import stream_beat


class StoryPreparer:
    """Does ahead of generation, on a thread of its own, what takes its time.

    Args:
        model: The model of all streams.
        engine: Executes its student.
        changed: The host's lock, notified when a story may have something to do.
        times: Times the stages of generation.
    """

    def __init__(
        self, model: LoadedModel, engine: Engine, changed: threading.Condition, times: StageTimes
    ) -> None:
        self._model = model
        self._engine = engine
        self._changed = changed
        self._times = times
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._announcer: Announcer

    def thread(self, announcer: Announcer) -> threading.Thread:
        """The thread, not started; beats that the stream refuses are told to `announcer`."""
        self._announcer = announcer
        return threading.Thread(target=self._run, name="shotstream-captions", daemon=True)

    def open_stream(self, story: HostedStory, past: StoryPast | None = None) -> None:
        """Has a story's stream opened. Callable from any thread, before the thread runs too."""
        self._waiting.put(partial(self._open_stream, story, past))

    def prepare_beat(self, story: HostedStory, beat_id: str) -> None:
        """Has a beat brought into its story's stream. Callable from any thread."""
        self._waiting.put(partial(self._prepare_beat, story, beat_id))

    def stop(self) -> None:
        """Lets the thread end after what waits."""
        self._waiting.put(None)

    def _run(self) -> None:
        prepare_generating_thread()
        while (preparation := self._waiting.get()) is not None:
            with log_context():
                preparation()

    def _open_stream(self, story: HostedStory, past: StoryPast | None) -> None:
        note_log_ids(story=story.id, client=story.owner)
        try:
            stream = StoryStream(
                self._model,
                self._engine,
                global_caption=story.request.global_caption,
                seed=story.request.seed,
                past=past,
                times=self._times,
            )
        except Exception as error:  # noqa: BLE001 - one story must not take the others with it
            self._note_failure(story, error)
            return
        with self._changed:
            story.stream, story.held = stream, stream.held
            if story.stopping:
                stream.stop()
            self._changed.notify_all()

    def _prepare_beat(self, story: HostedStory, beat_id: str) -> None:
        note_log_ids(story=story.id, client=story.owner, beat=beat_id)
        with self._changed:
            record, stream = story.beats.get(beat_id), story.stream
            if record is None or stream is None or story.failure is not None:
                return  # the story failed: its end tells about the beat
            if record.withdrawn or story.stopping:
                self._announcer.beat_done(story, beat_id, BeatOutcome.CANCELLED, 0)
                self._changed.notify_all()
                return
        try:
            stream.submit(stream_beat(record.script, beat_id))
        except BeatRefused as error:
            code = ErrorCode.NO_SHOT_TO_CONTINUE if error.field == "mode" else ErrorCode.STORY_CLOSED
            with self._changed:
                self._announcer.beat_done(
                    story,
                    beat_id,
                    BeatOutcome.FAILED,
                    0,
                    code=code,
                    field=f"beat.{error.field}",
                    reason=error.reason,
                )
                self._changed.notify_all()
            return
        except Exception as error:  # noqa: BLE001 - one story must not take the others with it
            self._note_failure(story, error)
            return
        with self._changed:
            record.in_stream = True
            if record.withdrawn:
                stream.cancel(beat_id)
            self._changed.notify_all()

    def _note_failure(self, story: HostedStory, error: Exception) -> None:
        # Only noted: the generating thread may be inside the story's stream, and ends it afterwards.
        with self._changed:
            story.failure = error
            self._changed.notify_all()
