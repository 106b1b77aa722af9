# SPDX-License-Identifier: GPL-3.0-or-later
"""A take that was made elsewhere as beats of the scene's story, and then as strips."""

import json
import os
import re
from pathlib import Path

import bpy

from . import paths, preferences, story, strip_sync, strip_times, take_files, take_reading
from .children import Order
from .take_reading import BeatPart, CannotRead, Manifest, ShotPart

_OWN_ID = re.compile(r"^([0-9a-f]{12})(?:-\d+)?$")


def import_take(scene: bpy.types.Scene, path: Path, *, replace: bool) -> tuple[int, bool]:
    """Adds a take's beats to a scene's story and asks for their strips.

    A take with a movie gets its pictures taken out first, in the background: its strips appear when they are
    there.

    Args:
        scene: The scene.
        path: Of the take's folder, or of its manifest.
        replace: Whether the story's beats are removed first.

    Returns:
        How many shots there are, and whether the story's caption and seed are the take's.

    Raises:
        CannotRead: It is no take, or its pictures are not there.
        OSError: The folder for its pictures cannot be made.
    """
    path = (path / take_files.MANIFEST if path.is_dir() else path).resolve()
    manifest, folder = take_reading.read(path), path.parent
    pictures = _pictures_of(manifest, path)
    held = story.of(scene)
    if replace:
        held.beats.clear()
    same, before = _take_terms(held, manifest), len(held.beats)
    cuts = []
    by_id = {beat.id: beat for beat in manifest.beats}
    for shot in sorted(manifest.shots, key=lambda shot: shot.first_frame):
        beats = [by_id[name] for name in shot.beats if name in by_id]
        if not beats or not shot.frames:
            continue
        items = [_add(held, manifest, shot, beat, folder, pictures, first=beat is beats[0]) for beat in beats]
        cuts.append((items[0], shot))
    held.active = min(before, max(0, len(held.beats) - 1))
    _ask_for_strips(held, manifest, folder, pictures, cuts)
    return len(cuts), same


def _pictures_of(manifest: Manifest, path: Path) -> Path:
    folder = path.parent
    if manifest.pictures is not None:
        pictures = folder / manifest.pictures
        if not pictures.is_dir():
            raise CannotRead(f"{pictures}: the take's pictures are not there")
        return pictures
    if not (folder / manifest.movie).is_file():
        raise CannotRead(f"{folder / manifest.movie}: the take's movie is not there")
    own = take_files.new_folder(preferences.takes_folder(), manifest.title or folder.name)
    # A take of its own, whose pictures come from the movie.
    told = json.loads(path.read_bytes())
    told.update(movie=None, contact_sheet=None, pictures=take_files.FRAMES)
    (own / take_files.MANIFEST).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return own / take_files.FRAMES


def _take_terms(held: story.ShotStreamStory, manifest: Manifest) -> bool:
    """Gives the story what holds for all of the take, unless it has beats of another."""
    if not held.beats:
        held.title = (manifest.title or "")[:200]
        held.global_caption, held.seed = manifest.global_caption, manifest.seed % 2**31
    held.width, held.height, held.fps = manifest.model.width, manifest.model.height, manifest.fps
    return held.global_caption == manifest.global_caption and held.seed == manifest.seed


def _add(
    held: story.ShotStreamStory,
    manifest: Manifest,
    shot: ShotPart,
    beat: BeatPart,
    folder: Path,
    pictures: Path,
    *,
    first: bool,
) -> story.ShotStreamBeat:
    item = story.add_beat(held, beat.text, mode="cut" if first else "continue")
    known = _OWN_ID.match(beat.id)
    if known and story.beat(held, known[1]) is None:
        item.uid = known[1]
    item.shot, item.shot_first_frame = shot.shot, shot.first_frame
    item.shot_frames = manifest.length_of(shot)
    item.first_frame = shot.first_frame if beat.first_frame is None else beat.first_frame
    item.frames = beat.frames
    item.chunks = min(story.MAX_CHUNKS, strip_times.chunks_of(beat.frames, begins_shot=first))
    item.made_text, item.state = beat.text, "done"
    item.reason = beat.reason or ""
    item.take = paths.relative(str(folder if manifest.pictures is not None else pictures.parent))
    item.pictures = paths.relative(str(pictures))
    return item


def _ask_for_strips(
    held: story.ShotStreamStory, manifest: Manifest, folder: Path, pictures: Path, cuts: list
) -> None:
    for item, shot in cuts:
        uid, story_uid = item.uid, held.uid
        if manifest.pictures is not None:
            strip_sync.ask(story_uid, uid)
            continue

        def done(why: str, uid: str = uid, story_uid: str = story_uid) -> None:
            if why:
                strip_sync.say(f"The pictures of {folder.name} could not be taken from its movie: {why}")
            else:
                strip_sync.ask(story_uid, uid)

        order = {
            "source": os.fspath(folder / manifest.movie),
            "first": shot.first_frame,
            "first_name": shot.first_frame,
            "count": manifest.length_of(shot),
            "pictures": os.fspath(pictures),
            "width": manifest.model.width,
            "height": manifest.model.height,
            "fps": manifest.fps,
        }
        strip_sync.children.ask(Order(f"pictures {uid}", order, done))
