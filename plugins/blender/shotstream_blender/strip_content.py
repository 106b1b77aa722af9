# SPDX-License-Identifier: GPL-3.0-or-later
"""What a shot's strip shows: a movie at the scene's rate, or the take's pictures, and how one replaces
another.

Blender's Python interface plays every movie picture for one scene frame, whatever the rates. So a movie of
another rate than the scene's is made once more with its pictures held as long as they last (see
:mod:`.children`), and an image sequence names each picture as often as it is shown.
"""

import os
from dataclasses import dataclass

import bpy

from . import compat, paths, preferences, story, strip_times, take_files


@dataclass(frozen=True)
class Content:
    """What is to be shown.

    Attributes:
        made: Tells one content from another.
        length: Scene frames.
        pictures: Names of PNG files, one for each scene frame.
        folder: Theirs; absolute.
        movie: The movie at the scene's rate, absolute; where it is, or is to be made.
        movie_exists: Whether it is there.
        rate: Of the scene.
    """

    made: str
    length: int
    pictures: list[str]
    folder: str
    movie: str
    movie_exists: bool
    rate: float


class NoContent(Exception):
    """The shot has no files."""


def content_of(
    held: story.ShotStreamStory, cut: story.ShotStreamBeat, rate: float, length: int | None = None
) -> Content:
    """What a shot shows.

    Args:
        held: The story.
        cut: The shot's first beat.
        rate: Of the scene.
        length: Scene frames; None: what is nearest to its time.

    Raises:
        NoContent: Its pictures are not there.
    """
    fps, frames = held.fps or strip_times.FPS, cut.shot_frames
    folder = bpy.path.abspath(cut.pictures) if cut.pictures else ""
    if not folder or frames < 1:
        raise NoContent(f"{story.label(cut)}: the shot was not generated yet")
    if cut.first_frame != cut.shot_first_frame:
        raise NoContent(f"{story.label(cut)}: it was made as a part of the shot before; generate it")
    names = _pictures(folder, cut.shot_first_frame, frames)
    if not names:
        raise NoContent(f"{story.label(cut)}: there are no pictures in {folder}")
    length = length or max(1, strip_times.scene_frames(frames, fps, rate))
    shown = [names[k] for k in strip_times.shown(length, frames, fps, rate)]
    own = bpy.path.abspath(cut.movie) if cut.movie else ""
    if strip_times.same_rate(fps, rate) and own and os.path.exists(own):
        movie = own
    else:
        # A name of its own: a program that shows a file keeps it from being replaced on Windows.
        name = f"{cut.shot:03d}_{frames}_at_{strip_times.rate_name(rate)}fps_{length}.mp4"
        movie = os.path.join(_movies_folder(held, cut), name)
    # Takes of other titles and folders have the same names.
    made = f"{os.path.abspath(folder)}/{cut.shot}/{cut.shot_first_frame}/{frames}"
    return Content(made, length, shown, folder, movie, os.path.exists(movie), rate)


def put_pictures(strip, content: Content) -> None:
    """Makes an image strip show a shot."""
    strip.directory = paths.relative(content.folder)
    elements = strip.elements
    while len(elements) > len(content.pictures):
        elements.pop(len(elements) - 1)
    for index, name in enumerate(content.pictures):
        if index < len(elements):
            elements[index].filename = name
        else:
            elements.append(name)


def new_strip(editor: bpy.types.SequenceEditor, content: Content, kind: str, channel: int, first: int):
    """Makes a strip of a shot.

    Args:
        editor: Of the scene.
        content: What it shows.
        kind: ``MOVIE`` or ``IMAGE``.
        channel: Where it goes.
        first: The scene frame that it begins at.
    """
    strips = compat.strips(editor)
    if kind == "MOVIE":
        return strips.new_movie("shot", paths.relative(content.movie), channel, first, fit_method="FIT")
    path = paths.relative(os.path.join(content.folder, content.pictures[0]))
    strip = strips.new_image("shot", path, channel, first, fit_method="FIT")
    put_pictures(strip, content)
    return strip


def has_file(strip) -> bool:
    """Whether the movie, or the folder of pictures, that a strip shows is there."""
    named = strip.filepath if strip.type == "MOVIE" else strip.directory
    return os.path.exists(bpy.path.abspath(named))


def replace(strip, content: Content, limit: int, scale: float = 1.0) -> None:
    """Makes a strip show another shot. Its place, trims, transform, name, modifiers and the rest stay.

    Where it was not trimmed at its end, it becomes as long as the new content, but not longer than there is
    room.

    Args:
        strip: The strip.
        content: What it is to show.
        limit: The first frame on its channel behind it that is taken.
        scale: Scene frames of now for each of those that the trims were made in.
    """
    start, first, end = compat.content_start(strip), compat.left(strip), compat.right(strip)
    whole = compat.content_length(strip)
    trimmed, shown = first - start, end - start
    # Blender moves a strip that touches another to a channel of its own choice: it goes out of the way first.
    channel, strip.channel = strip.channel, compat.ASIDE
    if strip.type == "MOVIE":
        strip.filepath = paths.relative(content.movie)
    else:
        put_pictures(strip, content)
    compat.move_content(strip, start)
    length = compat.content_length(strip)
    first = start + round(trimmed * scale)
    if shown == whole:
        end = min(start + length, limit)
    else:
        end = start + round(shown * scale)
        if shown < whole:
            # Trimmed: stays where it is, unless there is no picture left to show there.
            end = min(end, start + length)
    compat.set_handles(strip, first, max(first + 1, end))
    strip.channel = channel


def _movies_folder(held: story.ShotStreamStory, cut: story.ShotStreamBeat) -> str:
    """Where a shot's movies go: beside its others, but not into a take that was made elsewhere."""
    own = os.path.join(bpy.path.abspath(cut.take), take_files.SHOTS)
    if cut.take and os.path.isdir(own):
        return own
    return str(preferences.takes_folder() / "strips" / held.uid / cut.uid)


def _pictures(folder: str, first: int, frames: int) -> list[str]:
    """The file of each picture; one that was lost shows the one before."""
    try:
        there = set(os.listdir(folder))
    except OSError:
        return []
    names: list[str] = []
    for index in range(first, first + frames):
        name = f"{index:06d}.png"
        if name in there:
            names.append(name)
        elif names:
            names.append(names[-1])
    missing = frames - len(names)
    return [names[0]] * missing + names if names else []
