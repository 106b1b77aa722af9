# SPDX-License-Identifier: GPL-3.0-or-later
"""Where strips go: on a channel of their own, at their time in the story, and never onto another strip."""

from dataclasses import dataclass

import bpy

from . import compat, story, strip_marks, strip_times

CHANNEL_NAME, TEXT_CHANNEL_NAME = "ShotStream", "ShotStream Beats"


@dataclass(frozen=True)
class Shot:
    """A shot of the story.

    Attributes:
        beats: Its cut and what continues it.
        start: When it begins, in frames of the take.
        frames: How long it lasts: as it was made, or as it will be.
    """

    beats: list[story.ShotStreamBeat]
    start: int
    frames: int

    @property
    def cut(self) -> story.ShotStreamBeat:
        """Its first beat."""
        return self.beats[0]


def shots(held: story.ShotStreamStory) -> list[Shot]:
    """The shots of a story in order."""
    found: list[Shot] = []
    start = 0
    for beats in story.each_shot(held):
        made = beats[0].shot_frames if beats[0].pictures else 0
        frames = made or strip_times.shot_frames(story.shot_chunks(held, beats))
        found.append(Shot(beats, start, frames))
        start += frames
    return found


def place_of(scene: bpy.types.Scene, held: story.ShotStreamStory, shot: Shot) -> tuple[int, int]:
    """Where a new strip goes in time: behind the strip of the nearest shot before it, with room for those
    between.

    Returns:
        Its first scene frame and its length.
    """
    fps, rate = held.fps or strip_times.FPS, compat.scene_rate(scene)
    begin, from_frame = scene.frame_start, 0
    for before in shots(held):
        if before.cut.uid == shot.cut.uid:
            break
        strips = strip_marks.of_shot(scene, before.cut.uid)
        if strips:
            begin = max(compat.right(strip) for strip in strips)
            from_frame = before.start + before.frames
    at = strip_times.scene_frames(from_frame, fps, rate)
    first = begin + strip_times.scene_frames(shot.start, fps, rate) - at
    end = begin + strip_times.scene_frames(shot.start + shot.frames, fps, rate) - at
    return first, max(1, end - first)


def channel_of(scene: bpy.types.Scene) -> int:
    """The story's channel: where its strips are, the one that was asked for, or the lowest that is empty."""
    used: dict[int, int] = {}
    for strip in strip_marks.of_story(scene):
        home = strip.get(strip_marks.HOME, strip.channel)
        used[home] = used.get(home, 0) + 1
    if used:
        return max(used, key=lambda channel: used[channel])
    if scene.shotstream_strips.channel:
        return scene.shotstream_strips.channel
    taken = {strip.channel for strip in compat.strips(scene.sequence_editor)}
    # One is left for sound or pictures that are laid under the story.
    return next(channel for channel in range(2, compat.ASIDE) if channel not in taken)


def free_channel(scene: bpy.types.Scene, channel: int, first: int, end: int, beside=None) -> int:
    """The channel, or the nearest above it, that is empty in a range of frames.

    Args:
        scene: Whose sequencer it is.
        channel: The one that is wanted.
        first: The range's first frame.
        end: The frame after its last one.
        beside: A strip whose neighbours count; None: those at the top level.
    """
    editor = scene.sequence_editor
    taken = {
        strip.channel
        for strip in (compat.strips(editor) if beside is None else compat.siblings(editor, beside))
        if compat.left(strip) < end and compat.right(strip) > first
    }
    return next((n for n in range(channel, compat.ASIDE) if n not in taken), compat.ASIDE - 1)


def limit_after(scene: bpy.types.Scene, strip) -> int:
    """The first frame on a strip's channel behind it that another strip takes."""
    end = compat.right(strip)
    starts = [
        compat.left(other)
        for other in compat.siblings(scene.sequence_editor, strip)
        if other.channel == strip.channel and other != strip and compat.left(other) >= end
    ]
    return min(starts, default=10**6)


def name_channel(scene: bpy.types.Scene, channel: int, name: str) -> None:
    """Names a channel that has no name yet."""
    channels = scene.sequence_editor.channels
    if channel < len(channels) and channels[channel].name == f"Channel {channel}":
        channels[channel].name = name
