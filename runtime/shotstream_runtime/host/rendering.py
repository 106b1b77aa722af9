# SPDX-License-Identifier: Apache-2.0
"""Generating a written story in this process, without sockets."""

from __future__ import annotations

from collections.abc import Sequence

from shotstream_bridge.story import BeatScript, StoryScript

from shotstream_runtime.engines import Engine
from shotstream_runtime.streaming.events import (
    BeatDone,
    BeatScheduled,
    CaptionNoticed,
    ChunkFinished,
    ChunkStarted,
    FramesReady,
    ShotFinished,
)
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel

from .observers import StoryObserver
from .script_pacing import Cue, ScriptPacing
from .stream_beats import stream_beat


def render_story(
    model: LoadedModel, engine: Engine, story: StoryScript, seed: int, observer: StoryObserver
) -> None:
    """Generates a story to its end.

    Args:
        model: The model.
        engine: Executes its student.
        story: The story; its beats go out as `ScriptPacing` says.
        seed: Seed to use.
        observer: Hears of beats and frames as they happen.

    Raises:
        BeatRefused: A beat cannot enter the story.
    """
    stream = StoryStream(model, engine, global_caption=story.global_caption, seed=seed)
    pacing = ScriptPacing(story.beats)
    shown: set[str] = set()

    def send(scripts: Sequence[BeatScript]) -> None:
        for script in scripts:
            beat = stream_beat(script, str(script.id))
            observer.beat_submitted(beat.id, beat.text, beat.mode, str(beat.policy))
            stream.submit(beat)

    send(pacing.start())
    while not stream.idle:
        for event in stream.advance():
            match event:
                case FramesReady():
                    for offset, pixels in enumerate(event.pixels):
                        observer.add_frame(
                            pixels,
                            index=event.first_index + offset,
                            shot=event.shot,
                            index_in_shot=event.first_index_in_shot + offset,
                            chunk=event.chunk,
                            beat_id=event.beat_id,
                        )
                    if event.beat_id not in shown:
                        shown.add(event.beat_id)
                        send(pacing.on(event.beat_id, Cue.FIRST_FRAME))
                case BeatScheduled():
                    observer.beat_scheduled(event.beat_id, event.shot, event.first_frame)
                case BeatDone():
                    observer.beat_done(event.beat_id, event.outcome, event.frames)
                    send(pacing.on(event.beat_id, Cue.DONE))
                case CaptionNoticed():
                    observer.notice(event.notice.code, event.notice.text, event.beat_id)
                case ChunkStarted() | ChunkFinished() | ShotFinished():
                    pass
