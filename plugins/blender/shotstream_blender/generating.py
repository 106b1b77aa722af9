# SPDX-License-Identifier: GPL-3.0-or-later
"""What Generate, Regenerate, Direct and Stop do: from the scene's story to the story on the server."""

from . import live, story
from .run import StoryRun
from .written import Terms

HISTORY_SHOTS = 6
"""Shots that a new one can see, as many as there are condition frames."""


class CannotGenerate(Exception):
    """Something in the story must be changed first."""


def generate_all(held: story.ShotStreamStory) -> None:
    """Makes every beat, as a new story on the server.

    Raises:
        CannotGenerate: A beat has no text, or there is none.
    """
    beats = list(held.beats)
    _check(held, beats)
    _queue(_begin(held), held, beats)


def generate(held: story.ShotStreamStory, beats: list[story.ShotStreamBeat]) -> None:
    """Makes some beats; the others are their history.

    If the story is open on the server, its shots are the history as they are. Otherwise the shots before the
    first of these beats, six at most, are made again for that, and not kept.

    Raises:
        CannotGenerate: A beat has no text, or there is none.
    """
    _check(held, beats)
    history = made_again(held, beats[0])
    run = live.studio().run
    if not is_open(held):
        run = _begin(held)
        run.add(_asked(held, history), recorded=False)
    _queue(run, held, beats)


def is_open(held: story.ShotStreamStory) -> bool:
    """Whether the story is open on the server, with the shots that were made in it."""
    run = live.studio().run
    return run is not None and run.end is None and run.terms == terms_of(held)


def made_again(held: story.ShotStreamStory, first: story.ShotStreamBeat) -> list[story.ShotStreamBeat]:
    """The beats of the shots that are made again, and not kept, before a shot can be: its history. None if
    the story is open on the server.
    """
    index = next(index for index, item in enumerate(held.beats) if item.uid == first.uid)
    return [] if is_open(held) else _before(held, index)


def direct(held: story.ShotStreamStory, item: story.ShotStreamBeat) -> None:
    """Sends a beat into the running story at once, by its own policy.

    Raises:
        CannotGenerate: It has no text, or no story runs.
    """
    _check(held, [item])
    run = live.studio().run
    if run is None or run.end is not None or run.terms.story_uid != held.uid:
        raise CannotGenerate("This story is not open on the server: Generate opens it")
    policy = None if item.policy == "auto" else item.policy
    run.direct(item.uid, item.text, _mode(held, item), policy, item.chunks)
    _mark_queued([item])
    live.ensure_timer()


def stop() -> None:
    """The running beat ends at its next chunk; those that wait are taken back."""
    run = live.studio().run
    if run is not None:
        run.stop()
    live.ensure_timer()


def terms_of(held: story.ShotStreamStory) -> Terms:
    """What holds for the whole story on the server."""
    return Terms(held.uid, held.global_caption, held.seed)


def shots_of(held: story.ShotStreamStory, uids: set[str]) -> list[story.ShotStreamBeat]:
    """The beats of every shot that one of these belongs to, in order: a shot is made as a whole."""
    wanted = (shot for shot in story.each_shot(held) if any(item.uid in uids for item in shot))
    return [item for shot in wanted for item in shot]


def _begin(held: story.ShotStreamStory) -> StoryRun:
    """Begins another story on the server, which ends the one before: never one that is under way."""
    run = live.studio().run
    if run is not None and run.running:
        raise CannotGenerate(f"{whose(run, held)} is being generated: wait for it, or Stop it first")
    return live.studio().begin(terms_of(held), held.title)


def whose(run: StoryRun, held: story.ShotStreamStory) -> str:
    """The story that runs, in words, as seen from another one or itself."""
    found = story.find(run.terms.story_uid)
    if found is None or found[0].shotstream == held:
        return "This story"
    return f"The story of the scene {found[0].name!r}"


def _queue(run: StoryRun, held: story.ShotStreamStory, beats: list[story.ShotStreamBeat]) -> None:
    run.add(_asked(held, beats))
    _mark_queued(beats)
    live.studio().message = ""
    live.ensure_timer()


def _asked(held: story.ShotStreamStory, beats: list[story.ShotStreamBeat]) -> list[tuple[str, str, str, int]]:
    """ID, text, mode and chunks of beats, whole shots of them."""
    wanted = {item.uid for item in beats}
    asked = []
    for shot in story.each_shot(held):
        for item, chunks in zip(shot, story.shot_chunks(held, shot), strict=True):
            if item.uid in wanted:
                asked.append((item.uid, item.text, _mode(held, item), chunks))
    return asked


def _mode(held: story.ShotStreamStory, item: story.ShotStreamBeat) -> str:
    return "cut" if item.uid == held.beats[0].uid else item.mode


def _mark_queued(beats: list[story.ShotStreamBeat]) -> None:
    for item in beats:
        if item.state == "failed":
            item.reason = ""
        item.state, item.progress = "queued", 0.0


def _before(held: story.ShotStreamStory, index: int) -> list[story.ShotStreamBeat]:
    before: list[story.ShotStreamBeat] = []
    first = index
    for _ in range(HISTORY_SHOTS):
        if first == 0:
            break
        shot = story.shot_beats(held, first - 1)
        before = shot + before
        first -= len(shot)
    return [item for item in before if item.text.strip()]


def _check(held: story.ShotStreamStory, beats: list[story.ShotStreamBeat]) -> None:
    if not beats:
        raise CannotGenerate("There is no beat to generate: add one, or select some")
    if not held.uid:
        held.uid = story.new_uid()
    for number, item in enumerate(held.beats, start=1):
        if any(item.uid == other.uid for other in beats) and not item.text.strip():
            raise CannotGenerate(f"Beat {number} has no text: say what is to be seen")
