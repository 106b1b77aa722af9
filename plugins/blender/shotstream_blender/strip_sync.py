# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts shots into the sequencer while they come, when nothing else holds it.

Called by the one timer. While Blender renders, saves, or the user drags something, strips wait.
"""

import contextlib

import bpy
from bpy.app.handlers import persistent

from . import compat, preferences, story, strip_content, strip_layout, strip_marks, strip_text, strips
from .children import Children, Order

_HOLDING_TOOLS = ("SEQUENCER_OT", "TRANSFORM_OT", "ANIM_OT", "MARKER_OT", "RENDER_OT")
"""A render of the viewport or the sequencer's preview is a tool too, and no job."""

children = Children("the strip's movie")
_pending: dict[str, str] = {}
"""Shots that wait, ID of the cut to ID of the story."""
_made: set[str] = set()
"""Shots whose movie was just made."""
_layouts: set[str] = set()
"""Stories that are laid out once nothing waits."""
_unremembered: dict[str, str] = {}
"""Shots whose strips are in no undo step yet, as those that wait; with no cut: what was laid out."""
_held: set[str] = set()
_colors: dict[str, tuple] = {}
_trouble = ""
_moved = 0


def may_touch() -> bool:
    """Whether strips may be changed now."""
    return not _held and not compat.is_rendering() and not _dragging()


def trouble() -> str:
    """Why the newest shot is not in the sequencer; empty if it is."""
    return _trouble


def say(text: str) -> None:
    """Tells the user why a shot is not in the sequencer; an empty text takes that back."""
    global _trouble  # noqa: PLW0603
    _trouble = text


def ask(story_uid: str, cut_uid: str) -> None:
    """Asks for the strips of a shot that is there."""
    _pending[cut_uid] = story_uid


def shot_ready(story_uid: str, cut_uid: str) -> None:
    """A shot's files are there."""
    found = story.find(story_uid)
    if cut_uid and found is not None and found[0].shotstream_strips.automatic:
        ask(story_uid, cut_uid)


def lay_out(scene: bpy.types.Scene) -> int:
    """Asks for the strips of every shot that was made, and for all of them to be laid out when they are
    there.

    Returns:
        How many are new or show something else.
    """
    held, count = scene.shotstream, 0
    say("")
    for shot in strip_layout.shots(held):
        if shot.cut.pictures and not _comes(shot) and not strips.is_current(scene, shot):
            ask(held.uid, shot.cut.uid)
            count += 1
    _layouts.add(held.uid)
    return count


def is_busy() -> bool:
    """Whether shots wait for their strips, or these for an undo step."""
    return bool(_pending) or bool(_layouts) or bool(_unremembered) or children.busy


def left() -> int:
    """How many shots wait for their strips."""
    return len(_pending) + children.left


def settle() -> None:
    """Does all that can be done now, for operators, which make an undo step of it."""
    while children.poll():
        pass
    if not may_touch():
        return
    for cut_uid, story_uid in list(_pending.items()):
        _put(story_uid, cut_uid)
    _lay_out_if_all_are_there()
    _unremembered.clear()
    color()


def step() -> bool:
    """Does one thing of what there is to do, for the timer; returns whether there was any.

    An undo step costs as much as the scene is large, so that it is one by itself.
    """
    if children.poll():
        return True
    if not may_touch():
        return False
    if _unremembered:
        _unremembered.clear()
        _remember()
        return True
    return any(_put(story_uid, cut_uid) for cut_uid, story_uid in list(_pending.items())) or (
        _lay_out_if_all_are_there()
    )


def _put(story_uid: str, cut_uid: str) -> bool:
    """Makes a shot's strips, or asks for their movie; returns whether it did either."""
    found = story.find(story_uid)
    if found is None:
        del _pending[cut_uid]
        return False
    scene, held = found
    shot = next((shot for shot in strip_layout.shots(held) if shot.cut.uid == cut_uid), None)
    if shot is None:
        del _pending[cut_uid]
        return False
    if _comes(shot):
        return False
    try:
        content = strips.wanted(scene, shot)
    except strip_content.NoContent as error:
        say(str(error))
        del _pending[cut_uid]
        return False
    existing = strip_marks.of_shot(scene, cut_uid)
    chosen = preferences.get().shot_files
    if strips.kind_of(existing, chosen) == "MOVIE" and not content.movie_exists:
        _make_movie(scene, shot, content)
        return True
    del _pending[cut_uid]
    say("")
    there = strips.put(scene, shot, content, chosen, again=cut_uid in _made)
    _made.discard(cut_uid)
    if not existing and strips.lies_above(scene, there[0]):
        say(f"{story.label(shot.cut)}: no room between its neighbours, it lies above them: Lay Out Strips")
    _unremembered[cut_uid] = story_uid
    return True


def _lay_out_if_all_are_there() -> bool:
    """Lays out the stories that were to be; returns whether any was."""
    global _moved  # noqa: PLW0603
    if not _layouts or _pending or children.busy:
        return False
    _moved = 0
    while _layouts:
        found = story.find(_layouts.pop())
        if found is not None:
            _moved += strips.lay_out(found[0])
            strip_text.put_all(found[0])
            _unremembered[""] = found[1].uid
    return True


def moved() -> int:
    """How many shots the last laying out has moved."""
    return _moved


def _comes(shot: strip_layout.Shot) -> bool:
    """Whether frames of a shot are arriving: what the story says of its files is of two shots until then."""
    return any(item.state == "generating" for item in shot.beats)


def _make_movie(scene: bpy.types.Scene, shot: strip_layout.Shot, content: strip_content.Content) -> None:
    cut_uid = shot.cut.uid
    story_uid = _pending.pop(cut_uid)

    def done(why: str) -> None:
        if why:
            say(why)
        else:
            _made.add(cut_uid)
            ask(story_uid, cut_uid)

    held = scene.shotstream
    order = {
        "show": content.pictures,
        "pictures": content.folder,
        "movie": content.movie,
        "width": held.width,
        "height": held.height,
        "fps": content.rate,
    }
    children.ask(Order(cut_uid, order, done))


def color() -> bool:
    """Gives strips the colours of their states, if they may be touched; returns whether any changed."""
    changed = False
    if not may_touch():
        return False
    for scene in bpy.data.scenes:
        held = scene.shotstream
        if scene.sequence_editor is None or not held.beats:
            continue
        now = tuple(
            (
                item.uid,
                item.state,
                item.mode,
                item.text == item.made_text,
                item.state == "done" and (item.take, item.shot, item.first_frame, item.frames),
            )
            for item in held.beats
        )
        if _colors.get(held.uid) != now:
            _colors[held.uid] = now
            changed |= strips.color_all(scene)
    return changed


def _remember() -> None:
    """Makes what happened a step of its own: an undo of something else does not take strips away."""
    if _tools():
        return  # in the middle of a stroke there can be no step; the tool's own one holds the strips too
    with contextlib.suppress(RuntimeError):
        bpy.ops.ed.undo_push(message="ShotStream: Shot into the Sequencer")


def _dragging() -> bool:
    """Whether a tool runs that keeps pointers to strips, or renders them."""
    return any(name.startswith(_HOLDING_TOOLS) for name in _tools())


def _tools() -> list[str]:
    """The tools that run now, by their IDs."""
    windows = [window for manager in bpy.data.window_managers for window in manager.windows]
    return [tool.bl_idname for window in windows for tool in getattr(window, "modal_operators", ())]


# --- what Blender tells ---------------------------------------------------------------------------


@persistent
def _render_begins(*_: object) -> None:
    _held.add("render")


@persistent
def _render_ends(*_: object) -> None:
    _held.discard("render")


@persistent
def _save_begins(*_: object) -> None:
    _held.add("save")


@persistent
def _save_ends(*_: object) -> None:
    _held.discard("save")


@persistent
def _another_file(*_: object) -> None:
    _held.clear()
    _colors.clear()
    _unremembered.clear()
    say("")
    for cut_uid, story_uid in list(_pending.items()):
        if story.find(story_uid) is None:
            del _pending[cut_uid]


@persistent
def _undone(*_: object) -> None:
    # The colours may be those of before, and strips that were in no undo step yet are gone.
    _colors.clear()
    for cut_uid, story_uid in _unremembered.items():
        if cut_uid:
            ask(story_uid, cut_uid)
        else:
            _layouts.add(story_uid)
    _unremembered.clear()


_HANDLERS = (
    ("render_init", _render_begins),
    ("render_complete", _render_ends),
    ("render_cancel", _render_ends),
    ("save_pre", _save_begins),
    ("save_post", _save_ends),
    ("save_post_fail", _save_ends),
    ("load_post", _another_file),
    ("undo_post", _undone),
    ("redo_post", _undone),
)


def register() -> None:
    """Listens to Blender and to the studio."""
    from . import live  # it calls this module

    for name, function in _HANDLERS:
        if hasattr(bpy.app.handlers, name):
            getattr(bpy.app.handlers, name).append(function)
    live.studio().shot_ready.append(shot_ready)


def unregister() -> None:
    """Listens no more."""
    children.stop()
    _pending.clear()
    _made.clear()
    _layouts.clear()
    _unremembered.clear()
    _held.clear()
    _colors.clear()
    for name, function in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name, [])
        if function in handlers:
            handlers.remove(function)
