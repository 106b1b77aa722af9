# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the sequencer's timing back into the story: the order of shots, how long they are, which are gone."""

from dataclasses import dataclass, field

import bpy

from . import compat, story, strip_layout, strip_marks, strip_times
from .strip_times import Piece


@dataclass
class Reading:
    """What the sequencer says of the story.

    Attributes:
        order: IDs of the shots' cuts, in the sequencer's order; those without a strip after the one they
            followed in the story.
        frames: How long each shot with strips is shown, in frames of the take.
        gone: Shots that were made and have no strip.
    """

    order: list[str] = field(default_factory=list)
    frames: dict[str, float] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)


def read(scene: bpy.types.Scene) -> Reading:
    """Reads the strips; changes nothing."""
    held = scene.shotstream
    fps, rate = held.fps or strip_times.FPS, compat.scene_rate(scene)
    pieces: dict[str, list[Piece]] = {}
    for strip in strip_marks.of_story(scene):
        start, uid = compat.content_start(strip), strip[strip_marks.BEAT]
        left, right = compat.left(strip), compat.right(strip)
        pieces.setdefault(uid, []).append(Piece(uid, left, left - start, right - start))
    shots = strip_layout.shots(held)
    known = {shot.cut.uid for shot in shots}
    placed = [uid for uid in strip_times.order_of(p for ps in pieces.values() for p in ps) if uid in known]
    reading = Reading(
        gone=[shot.cut.uid for shot in shots if shot.cut.pictures and shot.cut.uid not in pieces],
        frames={uid: strip_times.shown_length(pieces[uid]) * fps / rate for uid in placed},
    )
    reading.order = _with_the_others(placed, [shot.cut.uid for shot in shots])
    return reading


def apply(scene: bpy.types.Scene, reading: Reading, gone: str) -> list[str]:
    """Writes what was read into the story.

    Args:
        scene: Whose story it is.
        reading: Of :func:`read`.
        gone: What becomes of shots whose strips were removed: ``keep``, ``draft`` or ``remove``.

    Returns:
        What changed, a line each.
    """
    held = scene.shotstream
    fps = held.fps or strip_times.FPS
    shots = {shot.cut.uid: shot for shot in strip_layout.shots(held)}
    said = []
    for number, uid in enumerate(reading.order, start=1):
        if uid in reading.frames:
            said += _shorten(held, shots[uid], reading.frames[uid], fps, number)
    active = story.active_beat(held)
    active_uid = active.uid if active else ""
    lines = {uid: [item.uid for item in shot.beats] for uid, shot in shots.items()}
    if reading.order != list(shots):
        said.append("order of the shots")
        # Its first beat begins the story whatever it says; elsewhere that must be written down.
        held.beats[0].mode = "cut"
        _reorder(held, [uid for cut in reading.order for uid in lines[cut]])
    for cut in reading.gone:
        said += _drop(held, lines[cut], gone)
    index = next((n for n, item in enumerate(held.beats) if item.uid == active_uid), 0)
    held.active = index
    return said


def _with_the_others(placed: list[str], order: list[str]) -> list[str]:
    """Shots that have no strip stay behind the shot that they followed."""
    result = list(placed)
    there = set(placed)
    for index, uid in enumerate(order):
        if uid in there:
            continue
        before = order[index - 1] if index else None
        result.insert(result.index(before) + 1 if before is not None else 0, uid)
    return result


def _shorten(
    held: story.ShotStreamStory, shot: strip_layout.Shot, frames: float, fps: float, number: int
) -> list[str]:
    """Gives a shot the whole number of chunks that is nearest to its length in the sequencer."""
    now = story.shot_chunks(held, shot.beats)
    if shot.cut.pictures:
        now = [
            strip_times.chunks_of(item.frames, begins_shot=item.uid == shot.cut.uid)
            if item.frames
            else chunks
            for item, chunks in zip(shot.beats, now, strict=True)
        ]
    # Half a frame more or less is no wish to have another length.
    if abs(frames - shot.frames) < 1.0:
        return []
    wanted = max(len(now), strip_times.chunks_of(round(frames), begins_shot=True))
    wanted = min(wanted, story.MAX_CHUNKS)
    chunks = strip_times.divide_chunks(wanted, now)
    if [item.chunks for item in shot.beats] == chunks:
        return []
    for item, value in zip(shot.beats, chunks, strict=True):
        item.chunks = value
    seconds, rounded = frames / fps, strip_times.shot_frames(chunks) / fps
    return [f"shot {number}: {seconds:.2f} s, nearest are {wanted} chunks = {rounded:.2f} s"]


def _reorder(held: story.ShotStreamStory, uids: list[str]) -> None:
    for to, uid in enumerate(uids):
        at = next(index for index, item in enumerate(held.beats) if item.uid == uid)
        if at != to:
            held.beats.move(at, to)


def _drop(held: story.ShotStreamStory, uids: list[str], gone: str) -> list[str]:
    name = ""
    for uid in uids:
        index = next(index for index, item in enumerate(held.beats) if item.uid == uid)
        item = held.beats[index]
        name = name or story.label(item)
        if item.state in {"queued", "generating"} or gone == "keep":
            return []
        if gone == "remove":
            held.beats.remove(index)
        else:
            story.clear_result(item)
    return [f"{name}: removed" if gone == "remove" else f"{name}: a draft again"]
