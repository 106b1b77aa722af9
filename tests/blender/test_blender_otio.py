# SPDX-License-Identifier: Apache-2.0
"""Timelines of the extension as the opentimelineio package reads them."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import opentimelineio as otio
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def otio_timeline() -> ModuleType:
    path = REPOSITORY / "plugins" / "blender" / "shotstream_blender" / "otio_timeline.py"
    spec = importlib.util.spec_from_file_location("shotstream_otio_timeline", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def written(made: dict[str, Any], folder: Path) -> Any:
    """Read by the package, written by it and read again."""
    (folder / "one.otio").write_text(json.dumps(made), encoding="utf-8")
    timeline = otio.adapters.read_from_file(str(folder / "one.otio"))
    otio.adapters.write_to_file(timeline, str(folder / "two.otio"))
    again = otio.adapters.read_from_file(str(folder / "two.otio"))
    assert timeline.is_equivalent_to(again)
    return again


def test_movies_pictures_and_what_is_not_there_yet(otio_timeline: ModuleType, tmp_path: Path) -> None:
    clip, media = otio_timeline.Clip, otio_timeline.Media
    tracks = [
        [
            clip(
                "Opening", 0, 4, 20, media(tmp_path / "000 a.mp4", 24.0, 32), {"beats": ["a"]}, (("b", 0, 8),)
            ),
            clip("Close", 30, 0, 13, media(tmp_path / "frames", 16.0, 9, first=21)),
        ],
        [clip("Later", 10, 0, 122, None)],
    ]
    timeline = written(
        otio_timeline.timeline("The fox", 24.0, tracks, {"global_caption": "Ein Füchschen"}), tmp_path
    )
    assert isinstance(timeline, otio.schema.Timeline)
    assert timeline.name == "The fox"
    assert timeline.metadata["shotstream"]["global_caption"] == "Ein Füchschen"
    assert timeline.duration() == otio.opentime.RationalTime(132, 24)
    first, second = timeline.video_tracks()
    opening, gap, close = first
    assert isinstance(gap, otio.schema.Gap)
    assert gap.duration() == otio.opentime.RationalTime(10, 24)
    assert close.range_in_parent().start_time == otio.opentime.RationalTime(30, 24)
    assert opening.source_range.start_time == otio.opentime.RationalTime(4, 24)
    assert opening.media_reference.target_url == (tmp_path / "000 a.mp4").as_uri()
    assert opening.markers[0].marked_range.duration == otio.opentime.RationalTime(8, 24)
    assert opening.metadata["shotstream"]["beats"][0] == "a"
    pictures = close.media_reference
    assert isinstance(pictures, otio.schema.ImageSequenceReference)
    assert pictures.number_of_images_in_sequence() == 9
    assert pictures.target_url_for_image_number(8) == (tmp_path / "frames").as_uri() + "/000029.png"
    # The last of its 13 frames of 24 a second shows the last of 9 pictures of 16.
    assert pictures.frame_for_time(otio.opentime.RationalTime(12, 24)) == 29
    assert isinstance(second[0], otio.schema.Gap)
    assert second[1].media_reference.is_missing_reference
