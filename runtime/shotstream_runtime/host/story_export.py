# SPDX-License-Identifier: Apache-2.0
"""A take of a story in a journal: all its frames that are whole, and what is known of its beats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shotstream_bridge.version import __version__

from shotstream_runtime.journal.catalogue import StoryListing
from shotstream_runtime.journal.entries import Decided, StoryState
from shotstream_runtime.journal.story_reader import StoredStory, StoryReader

from .manifest import TakeModel
from .take import TakeRecorder
from .take_target import TakeTarget

_UNKNOWN_FPS = 16.0  # of a story whose records are lost; its frames are all there is


@dataclass(frozen=True, slots=True)
class ExportedStory:
    """What became of an export.

    Attributes:
        path: The pictures: a movie or a folder.
        frames: How many there are.
        damage: What was left out, one sentence each.
    """

    path: Path
    frames: int
    damage: list[str]


def export_story(listing: StoryListing, target: TakeTarget) -> ExportedStory:
    """Makes a take of a story.

    Args:
        listing: The story, as a journal lists it.
        target: Names of the take's files.

    Raises:
        TakeError: No frame is whole, or the take cannot be written.
    """
    story, reader = listing.story, StoryReader(listing.path)
    recorder = _recorder(target, listing)
    try:
        _tell_beats(recorder, story)
        frames = reader.frames(story) if story.chunks else reader.frames_without_records()
        for frame in frames:
            recorder.add_frame(
                frame.pixels,
                index=frame.index,
                shot=frame.shot,
                index_in_shot=frame.index_in_shot,
                chunk=frame.chunk,
                beat_id=frame.beat_id,
            )
        damage = [*story.damage, *reader.damage]
        manifest = recorder.finish(complete=story.state is StoryState.DRAINED and not damage)
    except BaseException:
        recorder.discard()
        raise
    return ExportedStory(target.pictures_path, manifest.frames, damage)


def _recorder(target: TakeTarget, listing: StoryListing) -> TakeRecorder:
    opening = listing.story.opening
    if opening is None:
        first = next(StoryReader(listing.path).frames_without_records(), None)
        height, width = (1, 1) if first is None else first.pixels.shape[:2]
        model = TakeModel(name="unknown", width=width, height=height)
        caption, seed, fps, title = "", 0, _UNKNOWN_FPS, f"Story {listing.number}"
    else:
        model = TakeModel(
            name=opening.model,
            weights_hash=opening.weights_hash,
            width=opening.width,
            height=opening.height,
        )
        caption, seed, fps = opening.global_caption, opening.seed, opening.fps
        title = opening.title or opening.story_id
    return TakeRecorder(
        target,
        title=title,
        global_caption=caption,
        seed=seed,
        model=model,
        fps=fps,
        product_version=__version__,
    )


def _tell_beats(recorder: TakeRecorder, story: StoredStory) -> None:
    for entry in story.beats:
        beat = entry.beat
        recorder.beat_submitted(beat.id, beat.text, beat.mode, str(beat.policy))
    for decision in story.decisions:
        if decision.kind is Decided.BEGUN:
            recorder.beat_scheduled(decision.beat_id, decision.shot or 0, decision.first_frame or 0)
        elif decision.kind in (Decided.ENDED, Decided.DROPPED):
            recorder.beat_done(decision.beat_id, str(decision.outcome), decision.frames or 0)
