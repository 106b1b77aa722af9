# SPDX-License-Identifier: Apache-2.0
"""Sampling stories: casts that can be confused, cuts that change framing, place and action, captions."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .captions import Grammar, Mention
from .palette import OUTFIT_HUE
from .spec import (
    ACCESSORIES,
    ACTIONS,
    CAMERAS,
    CHUNK_FRAMES,
    CLOSE_ACTIONS,
    COLOURS,
    FIRST_CHUNK_FRAMES,
    FRAMES_PER_SHOT,
    FRAMINGS,
    KINDS,
    SETTINGS,
    TIMES,
    BeatSpec,
    CharacterSpec,
    ShotSpec,
    StorySpec,
)

Split = Literal["train", "held_out", "novel"]

_MIN_OUTFIT_DISTANCE = 45.0
_UNWEARABLE = {"fox": {"orange"}, "bear": {"orange"}, "penguin": {"orange"}}
"""Coats that would melt into the wearer's own fur or feathers."""
_TRAIN_SEEDS = 1 << 31
_FIXED_SEED = 5
"""Of fixed staging: the subject starts left of the middle, with room to walk to the right."""


def story_rng(seed: int, split: Split = "train") -> np.random.Generator:
    """The generator of story number `seed` of a split; splits share no story."""
    return np.random.default_rng([{"train": 0, "held_out": 1, "novel": 2}[split], seed])


def is_novel(who: CharacterSpec) -> bool:
    """True for the (kind, coat) pairs that training never shows: one coat colour of ten for each kind."""
    return (3 * KINDS.index(who.kind) + COLOURS.index(who.coat)) % 10 == 7


def hue_distance(a: float, b: float) -> float:
    """Degrees between two hues, 0..180."""
    return abs((a - b + 180.0) % 360.0 - 180.0)


def _far(a: str, b: str) -> bool:
    return hue_distance(OUTFIT_HUE[a], OUTFIT_HUE[b]) >= _MIN_OUTFIT_DISTANCE


def _character(rng: np.random.Generator, *, novel: bool, kind: str | None = None) -> CharacterSpec:
    while True:
        who = CharacterSpec(
            kind or KINDS[int(rng.integers(len(KINDS)))],
            COLOURS[int(rng.integers(len(COLOURS)))],
            ACCESSORIES[int(rng.integers(len(ACCESSORIES)))],
            COLOURS[int(rng.integers(len(COLOURS)))],
        )
        worn = _UNWEARABLE.get(who.kind, set())
        if who.coat in worn or who.accessory_colour in worn or not _far(who.coat, who.accessory_colour):
            continue
        if is_novel(who) == novel:
            return who


def _cast(rng: np.random.Generator, size: int, *, novel: bool) -> tuple[CharacterSpec, ...]:
    first = _character(rng, novel=novel)
    if size == 1:
        return (first,)
    same_kind, same_colours = rng.uniform() < 0.35, rng.uniform() < 0.3
    while True:
        second = _character(rng, novel=False, kind=first.kind if same_kind else None)
        if same_kind:
            if _far(first.coat, second.coat):
                return first, second
        elif second.kind != first.kind:
            if not same_colours:
                return first, second
            twin = CharacterSpec(second.kind, first.coat, first.accessory, first.accessory_colour)
            worn = _UNWEARABLE.get(twin.kind, set())
            if not is_novel(twin) and not {twin.coat, twin.accessory_colour} & worn:
                return first, twin


def _change_frame(rng: np.random.Generator, frames: int) -> int | None:
    """A chunk boundary with enough frames on either side to see both actions, or None if there is none."""
    options = [f for f in range(FIRST_CHUNK_FRAMES, frames, CHUNK_FRAMES) if f >= 21 and frames - f >= 24]
    return options[int(rng.integers(len(options)))] if options else None


def _choose(rng: np.random.Generator, options: tuple[str, ...], but: str | None = None) -> str:
    left = [o for o in options if o != but]
    return left[int(rng.integers(len(left)))]


def sample_story(
    rng: np.random.Generator,
    shots: int = 5,
    *,
    frames: int = FRAMES_PER_SHOT,
    split: Split = "train",
    two_characters: float = 0.4,
    continue_beats: float = 0.22,
    moving_camera: float = 0.4,
    fixed_staging: bool = False,
    named_globally: float = 0.65,
) -> StorySpec:
    """Draws a story.

    Args:
        rng: use `story_rng(seed, split)`, so that held-out stories are never trained on.
        shots: how many. frames: pixel frames of each.
        split: `novel` dresses the first character in a pair of kind and coat that the other splits leave out.
        two_characters: share of stories with a cast of two.
        continue_beats: share of shots whose caption changes.
        moving_camera: share of shots with a pan or a push-in.
        fixed_staging: captions then tell all there is to see: places, facing and scenery follow from framing,
            setting and action, where they are otherwise drawn for every shot.
        named_globally: share of stories whose global caption says who it is; else only the first shot's does.

    Raises:
        ValueError: `shots` or `frames` is not positive.
    """
    if shots < 1 or frames < 1:
        raise ValueError(f"shots and frames must be 1 or more, got shots={shots}, frames={frames}")
    grammar = Grammar(rng)
    cast = _cast(rng, 2 if rng.uniform() < two_characters else 1, novel=split == "novel")
    setting, time = _choose(rng, SETTINGS), TIMES[int(rng.choice(3, p=(0.5, 0.25, 0.25)))]
    identity_global, place_global = rng.uniform() < named_globally, rng.uniform() < 0.5
    people = [grammar.person(who) for who in cast]
    pronouns = {who: "she" if who.kind == "girl" else grammar.pick(("it", "he", "she")) for who in cast}
    overview = grammar.overview(
        people, grammar.place(setting) + grammar.time(time) if place_global else "", identity=identity_global
    )
    out: list[ShotSpec] = []
    framing: str | None = None
    action: str | None = None
    for index in range(shots):
        named = index == 0 and not place_global
        time_before = time
        if index > 0 and rng.uniform() < 0.25:
            setting, named = _choose(rng, SETTINGS, setting), True
            if rng.uniform() < 0.3:
                time = _choose(rng, TIMES, time)
        framing = _choose(rng, FRAMINGS, framing if rng.uniform() < 0.8 else None)
        both = len(cast) == 2 and framing != "close" and (rng.uniform() < 0.65 or index == 0)
        if len(cast) == 2 and index == 0 and not both:
            framing, both = _choose(rng, ("wide", "medium")), True
        members = (0, 1) if both else (int(rng.integers(len(cast))),)
        camera = CAMERAS[int(rng.choice(3, p=(1 - moving_camera, moving_camera / 2, moving_camera / 2)))]
        allowed = CLOSE_ACTIONS if framing == "close" else ACTIONS
        action = _choose(rng, allowed, action)
        place = ""
        if named or rng.uniform() < 0.25:
            # A place named again keeps its time of day; a new one says it unless it is plain daylight.
            said = named or rng.uniform() < 0.4
            place = grammar.place(setting) + (grammar.time(time, must=time != time_before) if said else "")
        introduce = index == 0 and not identity_global
        told = [people[i] for i in members] if introduce else _names(grammar, cast, members, pronouns, index)
        mentions, actions, written = _doing(grammar, rng, told, members, action, allowed)
        caption = grammar.shot(mentions, written, framing, camera, place)
        beats = [BeatSpec(0, actions, caption)]
        change = _change_frame(rng, frames)
        if change is not None and rng.uniform() < continue_beats:
            action = _choose(rng, allowed, action)
            # Nobody has been named to a first shot's second caption if the first one held the identity.
            told = _names(grammar, cast, members, pronouns, index, by_name=introduce)
            mentions, actions, written = _doing(
                grammar, rng, told, members, action, allowed, by_name=introduce
            )
            beats.append(BeatSpec(change, actions, grammar.turn(mentions, written)))
        seed = int(rng.integers(_TRAIN_SEEDS))
        seed = _FIXED_SEED if fixed_staging else seed
        out.append(ShotSpec(members, setting, time, framing, camera, tuple(beats), frames, seed))
    seed = int(rng.integers(_TRAIN_SEEDS))
    return StorySpec(_FIXED_SEED if fixed_staging else seed, cast, overview, tuple(out))


def _names(
    grammar: Grammar,
    cast: tuple[CharacterSpec, ...],
    members: tuple[int, ...],
    pronouns: dict[CharacterSpec, str],
    index: int,
    *,
    by_name: bool = False,
) -> list[str]:
    """How a later caption calls its cast members: pronouns where nobody can be confused."""
    if len(cast) == 1 and not by_name and (grammar.chance(0.5) if index else grammar.chance(0.25)):
        return [pronouns[cast[0]]]
    return [grammar.short_name(cast[i], cast) for i in members]


def _doing(
    grammar: Grammar,
    rng: np.random.Generator,
    told: list[str],
    members: tuple[int, ...],
    action: str,
    allowed: tuple[str, ...],
    *,
    by_name: bool = False,
) -> tuple[list[Mention], tuple[str, ...], tuple[str, ...]]:
    """Who is mentioned, what each cast member does, and the actions in the order they are written."""
    if len(members) == 1:
        return [Mention(told[0], plural=False)], (action,), (action,)
    if rng.uniform() < 0.4:
        named = " and ".join(told)
        free = not by_name and not told[0].startswith(("a ", "an ")) and grammar.chance(0.5)
        text = grammar.pick(("they", "both")) if free else named
        return [Mention(text, plural=True)], (action, action), (action,)
    other = "stand" if rng.uniform() < 0.6 or action == "stand" else _choose(rng, allowed, action)
    if action == "stand":
        other = _choose(rng, allowed, "stand")
    lead = int(rng.integers(2))
    actions = (action, other) if lead == 0 else (other, action)
    mentions = [Mention(told[lead], plural=False), Mention(told[1 - lead], plural=False)]
    return mentions, actions, (action, other)


def shot_captions(spec: StorySpec, shot_index: int) -> list[tuple[int, str]]:
    """The captions of a shot: (first pixel frame, caption), later ones starting at chunk boundaries."""
    return [(beat.first_frame, beat.caption) for beat in spec.shots[shot_index].beats]
