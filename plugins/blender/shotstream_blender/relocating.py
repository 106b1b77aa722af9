# SPDX-License-Identifier: GPL-3.0-or-later
"""What is named by path stays found when a file is saved elsewhere, and takes that were made before the first
save go where the user's files are.

Blender keeps the paths of strips right, but not those in the story's properties.
"""

import os
import shutil
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from . import live, paths, preferences, story, strip_marks, strip_sync, take_files
from .session import Session
from .studio import Studio

_PATHS = ("take", "pictures", "movie")
_before: list[tuple[str, str, dict[str, str]]] = []
"""Of a save that may turn out to be one of a copy: story, beat, and the paths that it had."""


@persistent
def save_begins(path: str = "", *_: object) -> None:
    """A file is about to be written.

    Args:
        path: The file; empty for the startup file.
    """
    _before.clear()
    if not path:
        return
    bring_home(live.studio(), os.path.dirname(path))
    start = os.path.dirname(path)
    if bpy.data.filepath and os.path.samefile(os.path.dirname(bpy.data.filepath), start):
        return
    for scene in bpy.data.scenes:
        for item in scene.shotstream.beats:
            had = {name: getattr(item, name) for name in _PATHS if getattr(item, name)}
            if had:
                _before.append((scene.shotstream.uid, item.uid, had))
            for name, value in had.items():
                if value.startswith("//") or not bpy.data.filepath:
                    setattr(item, name, paths.relative(os.path.abspath(bpy.path.abspath(value)), start))


@persistent
def save_ends(path: str = "", *_: object) -> None:
    """It was written, or not: of a copy the file that is open keeps its own paths."""
    if path == bpy.data.filepath:
        _before.clear()
    for story_uid, uid, had in _before:
        found = story.find(story_uid)
        item = story.beat(found[1], uid) if found else None
        for name, value in had.items() if item is not None else ():
            setattr(item, name, value)
    _before.clear()


def bring_home(studio: Studio, start: str) -> None:
    """Moves takes out of Blender's folder for the extension, which goes when the extension does.

    Args:
        studio: What it writes now it goes on to write in the new place.
        start: The folder that the .blend is saved in.
    """
    wanted = preferences.get().folder.strip()
    root = preferences.unsaved_folder()
    if not wanted.startswith("//") or not root.is_dir():
        return
    away = _away(studio, root)
    if not away:
        return
    home = Path(os.path.abspath(os.path.join(start, wanted[2:])))
    # Windows moves no folder with a file in it that is open.
    for holder in (studio.finisher, strip_sync.children, *studio.sessions):
        holder.let_go()
    places = {str(path): str(_move(path, home / path.relative_to(root))) for path in away}
    for place in places.values():
        # Of a child that was ended in the middle of a picture.
        for part in (Path(place) / take_files.FRAMES).glob("*.part"):
            part.unlink(missing_ok=True)
    for session in studio.sessions:
        for old, new in places.items():
            session.moved(Path(old), Path(new))
    for children in (studio.finisher, strip_sync.children):
        children.moved(lambda path: _new_place(path, places) or path)
    for scene in bpy.data.scenes:
        for item in scene.shotstream.beats:
            for name in _PATHS:
                setattr(item, name, _elsewhere(getattr(item, name), places))
        for strip in strip_marks.of_story(scene):
            _point(strip, places)


def _away(studio: Studio, root: Path) -> list[Path]:
    """Takes, and movies of strips beside them, that lie in a folder and that stories name, or that are being
    made for them.
    """
    made = [
        session.take.folder for session in studio.sessions if session.take is not None and _is_here(session)
    ]
    found = [path for path in made if path.is_relative_to(root)]
    for scene in bpy.data.scenes:
        takes = [item.take for item in scene.shotstream.beats]
        for name in (*takes, *(_path_of(strip) for strip in strip_marks.of_story(scene))):
            path = Path(os.path.abspath(bpy.path.abspath(name)))
            known = any(path.is_relative_to(other) for other in found)
            if name and not known and path.is_relative_to(root) and path.exists():
                found.append(path)
    return found


def _point(strip, places: dict[str, str]) -> None:
    """Has a strip show the same file in its new place."""
    made, now = strip.get(strip_marks.MADE, ""), _path_of(strip)
    for old, new in places.items():
        if made.startswith(old + os.sep):
            strip[strip_marks.MADE] = new + made[len(old) :]
    if now and _elsewhere(now, places) != now:
        setattr(strip, "filepath" if strip.type == "MOVIE" else "directory", _elsewhere(now, places))


def _path_of(strip) -> str:
    if strip.type == "MOVIE":
        return strip.filepath
    return strip.directory if strip.type == "IMAGE" else ""


def _is_here(session: Session) -> bool:
    """Whether a session's story is in this file."""
    return story.find(session.run.terms.story_uid) is not None


def _move(path: Path, to: Path) -> Path:
    number = 1
    stem = to
    while to.exists():
        number += 1
        to = stem.with_name(f"{stem.name}_{number}")
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(path, to)
    except OSError:
        # On another disk, or a movie is open on Windows.
        if path.is_dir():
            shutil.copytree(path, to)
            shutil.rmtree(path, ignore_errors=True)
        else:
            shutil.copyfile(path, to)
    return to


def _new_place(path: str, places: dict[str, str]) -> str | None:
    """Where a file lies now, absolute; None if it was not moved."""
    for old, new in places.items():
        if Path(path).is_relative_to(old):
            return new + path[len(old) :]
    return None


def _elsewhere(value: str, places: dict[str, str]) -> str:
    """The same for a path as the scene stores it."""
    now = _new_place(os.path.abspath(bpy.path.abspath(value)), places) if value else None
    return paths.relative(now) if now else value


_HANDLERS = (
    ("save_pre", save_begins),
    ("save_post", save_ends),
    ("save_post_fail", save_ends),
)


def register() -> None:
    """Listens to Blender."""
    for name, function in _HANDLERS:
        getattr(bpy.app.handlers, name).append(function)


def unregister() -> None:
    """Listens no more."""
    _before.clear()
    for name, function in _HANDLERS:
        if function in getattr(bpy.app.handlers, name):
            getattr(bpy.app.handlers, name).remove(function)
