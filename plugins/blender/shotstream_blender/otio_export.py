# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sequencer's strips are in an OpenTimelineIO timeline."""

import json
import os
from dataclasses import replace
from pathlib import Path

import bpy

from . import compat, otio_timeline, story, strip_layout, strip_marks, strip_times
from .otio_timeline import Clip, Media
from .strip_layout import Shot


def document(scene: bpy.types.Scene) -> dict:
    """The timeline of a scene's story: its strips as they lie; without strips, its shots as they will be."""
    held, rate = scene.shotstream, compat.scene_rate(scene)
    shots = {shot.cut.uid: shot for shot in strip_layout.shots(held)}
    channels: dict[int, list[Clip]] = {}
    strips = sorted(strip_marks.of_story(scene), key=compat.left)
    for strip in strips:
        channels.setdefault(strip.channel, []).append(_clip(scene, strip, shots.get(strip[strip_marks.BEAT])))
    if not channels:
        channels[0] = [_expected(scene, shot) for shot in shots.values()]
    # A timeline begins at 0, a scene at its first frame.
    begin = min([scene.frame_start, *(compat.left(strip) for strip in strips)])
    tracks = [
        [replace(clip, start=clip.start - begin) for clip in clips] for _, clips in sorted(channels.items())
    ]
    notes = {
        "story": held.uid,
        "global_caption": held.global_caption,
        "seed": held.seed,
        "fps": held.fps or strip_times.FPS,
        "beats": [_beat(item) for item in held.beats],
    }
    return otio_timeline.timeline(held.title or "Story", rate, tracks, notes)


def write(scene: bpy.types.Scene, path: Path) -> int:
    """Writes the timeline whole or not at all; returns the number of clips.

    Raises:
        OSError: It cannot be written.
    """
    made = document(scene)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, path)
    children = [child for track in made["tracks"]["children"] for child in track["children"]]
    return sum(child["OTIO_SCHEMA"].startswith("Clip") for child in children)


def _clip(scene: bpy.types.Scene, strip, shot: Shot | None) -> Clip:
    start, left, right = compat.content_start(strip), compat.left(strip), compat.right(strip)
    held, rate = scene.shotstream, compat.scene_rate(scene)
    if strip.type == "IMAGE":
        folder = Path(os.path.abspath(bpy.path.abspath(strip.directory)))
        first = int(strip.elements[0].filename.split(".")[0])
        last = int(strip.elements[-1].filename.split(".")[0])
        media = Media(folder, held.fps or strip_times.FPS, last - first + 1, first)
    else:
        path = Path(os.path.abspath(bpy.path.abspath(strip.filepath)))
        media = Media(path, rate, compat.content_length(strip))
    shown = range(left - start, right - start)
    return Clip(
        name=strip.name,
        start=left,
        trimmed=left - start,
        length=right - left,
        media=media,
        notes=_notes(shot),
        markers=() if shot is None else _markers(shot, held.fps or strip_times.FPS, rate, shown),
    )


def _expected(scene: bpy.types.Scene, shot: Shot) -> Clip:
    fps, rate = scene.shotstream.fps or strip_times.FPS, compat.scene_rate(scene)
    start = scene.frame_start + strip_times.scene_frames(shot.start, fps, rate)
    end = scene.frame_start + strip_times.scene_frames(shot.start + shot.frames, fps, rate)
    return Clip(story.label(shot.cut), start, 0, end - start, None, _notes(shot))


def _markers(shot: Shot, fps: float, rate: float, shown: range) -> tuple[tuple[str, int, int], ...]:
    """The beats of a shot that a strip shows, where it does.

    Args:
        shot: The shot.
        fps: Frames a second of the take.
        rate: Frames a second of the scene.
        shown: The content's scene frames that the strip shows; it may hold the first and the last picture.
    """
    beats = [item for item in shot.beats if story.in_shot(shot.cut, item)]
    marks = []
    for item in beats:
        offset = item.first_frame - shot.cut.first_frame
        first = strip_times.scene_frames(offset, fps, rate)
        end = strip_times.scene_frames(offset + item.frames, fps, rate)
        first = shown.start if item == beats[0] else max(first, shown.start)
        end = shown.stop if item == beats[-1] else min(end, shown.stop)
        if end > first:
            marks.append((item.made_text or item.text, first, end - first))
    return tuple(marks)


def _notes(shot: Shot | None) -> dict:
    if shot is None:
        return {}
    return {"shot": shot.cut.shot, "beats": [item.uid for item in shot.beats], "take": shot.cut.take}


def _beat(item: story.ShotStreamBeat) -> dict:
    return {"id": item.uid, "text": item.text, "mode": item.mode, "chunks": item.chunks, "state": item.state}
