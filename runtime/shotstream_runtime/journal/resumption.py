# SPDX-License-Identifier: Apache-2.0
"""From a story's journal to the past with which its stream goes on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from shotstream_runtime.streaming.replay import ReplayStep, StoryPast
from shotstream_runtime.streaming.shot_frames import HistoryFrame

from .entries import AcceptedBeat, Decided, Decision, Opening, Wish, promised_chunks
from .errors import JournalError
from .state_files import read_history, read_latents
from .story_folder import StoryFolder
from .story_reader import StoredStory

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resumption:
    """How a story goes on.

    Attributes:
        opening: How it was opened.
        past: For its stream. Its last shots come again from there, with all that is told of them.
        first_frame: Index of the first frame that comes again.
        first_shot: The shot that comes again first.
        over: Beats that ended before that.
        again: Beats that took effect in what comes again, in order.
        waiting: Beats that have not taken effect, in the order of acceptance.
        withdrawn: Those of them that were taken back.
        ending: What its client asked for: to drain or to stop it.
    """

    opening: Opening
    past: StoryPast
    first_frame: int
    first_shot: int
    over: Sequence[AcceptedBeat]
    again: Sequence[AcceptedBeat]
    waiting: Sequence[AcceptedBeat]
    withdrawn: frozenset[str]
    ending: Wish | None


def plan_resumption(folder: StoryFolder, story: StoredStory, context_frames: int) -> Resumption:
    """Finds out how a story goes on.

    It begins at the last shot of whose predecessors all condition frames are there. Where some are damaged
    it begins at its first frame: every chunk can be generated again from the seed and the decisions.

    Args:
        folder: The story's files.
        story: Its records.
        context_frames: Condition frames of the model, and as many shots can be asked for them.

    Raises:
        JournalError: The records that say what was asked or decided are damaged.
    """
    if story.opening is None or story.damage:
        what = story.damage[0] if story.damage else "how it was opened is lost"
        raise JournalError(folder.path, f"the story cannot go on: {what}; shotstream stories export saves it")
    begun = [entry for entry in story.decisions if entry.kind is Decided.BEGUN]
    shot = len(story.shots)
    if shot and not any(entry.shot == shot for entry in begun):
        shot -= 1  # the next one has not begun: this one may still be continued
    try:
        history = _read_history(folder, shot, context_frames)
    except JournalError as error:
        _log.warning("%s; the whole story is generated again from its seed", error)
        shot, history = 0, {}
    lengths = [entry.frames for entry in story.shots[:shot]]
    beats = {entry.beat.id: entry for entry in story.beats}
    first = next((place for place, d in enumerate(story.decisions) if _begins(d, shot)), None)
    decisions = [] if first is None else story.decisions[first:]
    first_chunk = decisions[0].chunk if decisions else 0
    steps, again = _steps(folder, decisions, beats)
    ended = {d.beat_id for d in story.decisions if d.kind in (Decided.ENDED, Decided.DROPPED)}
    cancelled = {wish.beat_id for wish in story.wishes if wish.wish is Wish.CANCEL and wish.beat_id}
    coming = {entry.beat.id for entry in again}
    over = [entry for name, entry in beats.items() if name in ended and name not in coming]
    waiting = [entry for name, entry in beats.items() if name not in ended and name not in coming]
    past = StoryPast(
        shot_lengths=lengths,
        history=history,
        first_chunk=first_chunk,
        steps=steps,
        chunks=promised_chunks(story.decisions),
        latents=_read_latents(folder, story, first_chunk),
        withdrawn=frozenset((cancelled & coming) - ended),
    )
    endings = [wish.wish for wish in story.wishes if wish.wish is not Wish.CANCEL]
    return Resumption(
        opening=story.opening,
        past=past,
        first_frame=sum(lengths),
        first_shot=shot,
        over=over,
        again=again,
        waiting=waiting,
        withdrawn=frozenset(cancelled),
        ending=Wish.STOP if Wish.STOP in endings else Wish.DRAIN if endings else None,
    )


def _begins(decision: Decision, shot: int) -> bool:
    return decision.kind is Decided.BEGUN and decision.shot == shot


def _steps(
    folder: StoryFolder, decisions: Sequence[Decision], beats: dict[str, AcceptedBeat]
) -> tuple[list[ReplayStep], list[AcceptedBeat]]:
    steps: list[ReplayStep] = []
    again: list[AcceptedBeat] = []
    for decision in decisions:
        if decision.kind is Decided.BEGUN:
            entry = beats.get(decision.beat_id)
            if entry is None:
                raise JournalError(folder.path, f"the story cannot go on: beat {decision.beat_id!r} is lost")
            steps.append(ReplayStep(decision.chunk, entry.beat))
            again.append(entry)
        elif decision.kind is Decided.ENDED and decision.outcome == "cancelled":
            steps.append(ReplayStep(decision.chunk, None))
        elif decision.kind is Decided.ENDED and decision.outcome == "failed":
            steps.append(ReplayStep(decision.chunk, None, "failed"))
    return steps, again


def _read_history(folder: StoryFolder, shots: int, context_frames: int) -> dict[int, dict[int, HistoryFrame]]:
    first = max(0, shots - context_frames)
    return {shot: read_history(folder.history(shot)) for shot in range(first, shots)}


def _read_latents(folder: StoryFolder, story: StoredStory, first_chunk: int) -> list[Tensor]:
    latents: list[Tensor] = []
    for entry in story.chunks:
        if entry.number < first_chunk:
            continue
        path = folder.latents(entry.shot, entry.chunk)
        if entry.number != first_chunk + len(latents) or not path.exists():
            break
        try:
            latents.append(read_latents(path))
        except JournalError as error:
            _log.warning("%s; chunk %d is generated again", error, entry.number)
            break
    return latents
