# SPDX-License-Identifier: Apache-2.0
# Copyright the ShotStream authors.
"""Makes a Level Sequence of a take: a media track that plays its frames, and a mark for each shot.

In the editor: ``Tools > Import Take...``, the Blueprint node ``Import Take To Sequence``, or here::

    import shotstream_import
    shotstream_import.import_take("D:/takes/The_fox/take_001", "/Game/Cinematics")
"""

from __future__ import annotations

from typing import TypeVar

import unreal
from shotstream_takes import CannotImport, Plan, Take, plan_import, read_take

_Asset = TypeVar("_Asset", bound=unreal.Object)


def import_take(path: str, package_path: str) -> str:
    """Makes the assets of a take: Level Sequence, media source and media texture. They are not saved yet.

    Args:
        path: The take's folder, or its manifest.
        package_path: Where the assets go: ``/Game/Cinematics``.

    Returns:
        The sequence's object path.

    Raises:
        CannotImport: The take cannot be read, or the editor does not make an asset.
    """
    take = read_take(path)
    plan = plan_import(take)
    for warning in plan.warnings:
        unreal.log_warning(f"ShotStream: {path}: {warning}")
    sequence = _make_sequence(take, plan, package_path)
    made: str = sequence.get_path_name()
    unreal.log(f"ShotStream: {path}: {plan.length} frames, {len(plan.marks)} shots in {made}")
    return made


def _make_sequence(take: Take, plan: Plan, package_path: str) -> unreal.LevelSequence:
    rate = unreal.FrameRate(take.fps.numerator, take.fps.denominator)
    source = _make_source(take, plan, rate, package_path)
    texture = _make_asset(
        package_path, f"{plan.name}_Texture", unreal.MediaTexture, unreal.MediaTextureFactoryNew()
    )
    sequence = _make_asset(package_path, plan.name, unreal.LevelSequence, unreal.LevelSequenceFactoryNew())
    sequence.set_display_rate(rate)
    sequence.set_playback_start(0)
    sequence.set_playback_end(plan.length)
    sequence.set_view_range_end(float(plan.length / take.fps))
    sequence.set_work_range_end(float(plan.length / take.fps))
    section = sequence.add_track(unreal.MovieSceneMediaTrack).add_section()
    section.set_range(0, plan.length)
    section.set_editor_property("media_source", source)
    section.set_editor_property("media_texture", texture)
    for frame, label in plan.marks:
        mark = unreal.MovieSceneMarkedFrame(frame_number=unreal.FrameNumber(frame), label=label)
        sequence.add_marked_frame_to_sequence(mark, unreal.MovieSceneTimeUnit.DISPLAY_RATE)
    return sequence


def _make_source(take: Take, plan: Plan, rate: unreal.FrameRate, package_path: str) -> unreal.MediaSource:
    if take.pictures is None:
        movie = _make_asset(
            package_path, f"{plan.name}_Movie", unreal.FileMediaSource, unreal.FileMediaSourceFactoryNew()
        )
        movie.set_file_path(plan.media.as_posix())
        return movie
    pictures = _make_asset(
        package_path, f"{plan.name}_Frames", unreal.ImgMediaSource, unreal.ImgMediaSourceFactoryNew()
    )
    # The folder of the file that it is given. Both keep paths below the project's Content relative to it.
    pictures.set_sequence_path(plan.media.as_posix())
    pictures.set_editor_property("frame_rate_override", rate)
    # A frame that is missing stays one, so that those after it keep their time.
    pictures.set_editor_property("fill_gaps_in_sequence", True)
    return pictures


def _make_asset(package_path: str, name: str, asset_class: type[_Asset], factory: unreal.Factory) -> _Asset:
    """A new asset; one that is there keeps its name, and this one gets a number."""
    tools = unreal.AssetToolsHelpers.get_asset_tools()
    package, unique = tools.create_unique_asset_name(f"{package_path.rstrip('/')}/{name}", "")
    asset = tools.create_asset(unique, package.rsplit("/", 1)[0], asset_class, factory)
    if not isinstance(asset, asset_class):
        raise CannotImport(f"{package_path}: {unique} cannot be made; is it a folder as /Game/Cinematics?")
    return asset
