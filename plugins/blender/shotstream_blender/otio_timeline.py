# SPDX-License-Identifier: GPL-3.0-or-later
"""The story's strips as an OpenTimelineIO timeline, written as its JSON, which needs no package.

Schemas: https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-serialized-schema.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Media:
    """What a clip shows.

    Attributes:
        path: A movie, or a folder of pictures named ``000000.png`` and on.
        rate: Its frames a second.
        frames: How many it has.
        first: Number of the first picture; None: a movie.
    """

    path: Path
    rate: float
    frames: int
    first: int | None = None


@dataclass(frozen=True)
class Clip:
    """A strip.

    Attributes:
        name: For people.
        start: Where it begins in the timeline, in scene frames.
        trimmed: Scene frames of its content that are cut off at its beginning; negative: held.
        length: Scene frames.
        media: None: not generated yet.
        notes: For programs that know ShotStream.
        markers: Name, scene frame in the content, and length of each beat.
    """

    name: str
    start: int
    trimmed: int
    length: int
    media: Media | None
    notes: Json = field(default_factory=dict)
    markers: tuple[tuple[str, int, int], ...] = ()


def timeline(name: str, rate: float, tracks: list[list[Clip]], notes: Json) -> Json:
    """A timeline.

    Args:
        name: The story's title.
        rate: Frames a second of the scene.
        tracks: Clips of each track from below, by start, none over another.
        notes: The story.
    """
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "global_start_time": None,
        "metadata": {"shotstream": notes},
        "tracks": {
            **_item("Stack.1", "tracks", None),
            "children": [_track(number, clips, rate) for number, clips in enumerate(tracks, start=1)],
        },
    }


def _track(number: int, clips: list[Clip], rate: float) -> Json:
    children: list[Json] = []
    at = 0
    for clip in clips:
        if clip.start > at:
            children.append({**_item("Gap.1", "", _range(0, clip.start - at, rate))})
        children.append(_clip(clip, rate))
        at = clip.start + clip.length
    name = "Shots" if number == 1 else f"Shots {number}"
    return {**_item("Track.1", name, None), "kind": "Video", "children": children}


def _clip(clip: Clip, rate: float) -> Json:
    item = _item("Clip.2", clip.name, _range(clip.trimmed, clip.length, rate))
    item["metadata"] = {"shotstream": clip.notes}
    item["markers"] = [
        {
            "OTIO_SCHEMA": "Marker.2",
            "metadata": {},
            "name": name,
            "color": "GREEN",
            "comment": "",
            "marked_range": _range(first, length, rate),
        }
        for name, first, length in clip.markers
    ]
    return {
        **item,
        "media_references": {"DEFAULT_MEDIA": _media(clip)},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _media(clip: Clip) -> Json:
    media = clip.media
    base: Json = {"metadata": {}, "name": clip.name, "available_image_bounds": None}
    if media is None:
        return {"OTIO_SCHEMA": "MissingReference.1", **base, "available_range": None}
    if media.first is None:
        return {
            "OTIO_SCHEMA": "ExternalReference.1",
            **base,
            "available_range": _range(0, media.frames, media.rate),
            "target_url": media.path.as_uri(),
        }
    return {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        **base,
        "available_range": _range(0, media.frames, media.rate),
        "target_url_base": media.path.as_uri() + "/",
        "name_prefix": "",
        "name_suffix": ".png",
        "start_frame": media.first,
        "frame_step": 1,
        "rate": media.rate,
        "frame_zero_padding": 6,
        "missing_frame_policy": "hold",
    }


def _item(schema: str, name: str, source: Json | None) -> Json:
    return {
        "OTIO_SCHEMA": schema,
        "metadata": {},
        "name": name,
        "source_range": source,
        "effects": [],
        "markers": [],
        "enabled": True,
        "color": None,
    }


def _range(first: int, length: int, rate: float) -> Json:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(first)},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(length)},
    }
