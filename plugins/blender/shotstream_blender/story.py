# SPDX-License-Identifier: GPL-3.0-or-later
"""The story as it is stored in the scene, so that a .blend carries it.

Names (stable; other modules and saved files rely on them):

``scene.shotstream`` (:class:`ShotStreamStory`)
    ``uid``, ``title``, ``global_caption``, ``seed``, ``beats``, ``active`` (index of the active beat),
    ``width``, ``height``, ``fps``, ``chunks_per_shot`` (of the model that made the newest shot; 0 before).
``scene.shotstream.beats[i]`` (:class:`ShotStreamBeat`)
    ``uid``, ``text``, ``mode`` (``cut``, ``continue``), ``policy`` (``auto``, ``queue``, ``replace``,
    ``interrupt``), ``chunks`` (0: see ``shot_chunks``), ``selected``, ``state`` (``draft``, ``queued``,
    ``generating``, ``done``, ``failed``), ``reason``, ``progress`` (0 to 1), ``shot`` (number in its take,
    -1), ``first_frame`` and ``frames`` (of this beat, in the take), ``shot_first_frame`` and ``shot_frames``
    (of the whole shot, in the take), ``made_text`` (the text it was made from), ``take`` (the take's folder),
    ``pictures`` (folder of PNG files, named by frame in the take: ``000081.png``), ``movie`` (the shot's
    movie, empty while it is being made). Paths may begin with ``//``: use ``bpy.path.abspath``.
Functions
    ``of(scene)``, ``find(uid)`` (scene and story of a story's uid), ``beat(story, uid)``,
    ``shot_beats(story, index)`` (a cut and the beats that continue it), ``each_shot(story)`` (all of them in
    order), ``shot_chunks(story, beats)`` (how long each beat is), ``changes(beats)`` and
    ``changed_since(story, index)`` (what their pictures do not show), ``active_beat(story)``, ``add_beat``,
    ``label(beat)``.
"""

import uuid

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import compat, strip_times

STATES = (
    ("draft", "Draft", "Not generated yet", "DOT", 0),
    ("queued", "Queued", "Waits for its turn; its text can still be changed", "TIME", 1),
    ("generating", "Generating", "Its frames are arriving", "REC", 2),
    ("done", "Done", "Its frames are on disk", "CHECKMARK", 3),
    ("failed", "Failed", "See the reason", "ERROR", 4),
)
MODES = (
    ("cut", "Cut", "Begins a new shot", "ADD", 0),
    ("continue", "Continue", "Goes on with the shot before under this text", "FORWARD", 1),
)
POLICIES = (
    ("auto", "Automatic", "A cut waits its turn; a continue redirects the running shot at its next chunk", 0),
    ("queue", "Queue", "After everything that waits", 1),
    ("replace", "Replace", "Drops the beats that wait; the running one finishes", 2),
    ("interrupt", "Interrupt", "Drops the beats that wait and takes over at the next chunk", 3),
)
MAX_CHUNKS, MAX_TEXT, MAX_CAPTION = 200, 2_000, 8_000
"""Of the protocol."""
_LABEL_CHARS = 40


def new_uid() -> str:
    """A name for a story or a beat that no other has."""
    return uuid.uuid4().hex[:12]


class ShotStreamBeat(bpy.types.PropertyGroup):
    """One beat: what is to be seen, and what has become of it."""

    uid: StringProperty(name="ID", description="Names the beat in takes and on strips")
    text: StringProperty(name="Text", description="What is seen; up to 2,000 characters")
    mode: EnumProperty(name="Mode", description="How the beat enters the story", items=MODES, default="cut")
    policy: EnumProperty(
        name="Policy",
        description="What Direct does to the beats before this one",
        items=POLICIES,
        default="auto",
    )
    chunks: IntProperty(
        name="Chunks",
        description="How long the beat lasts, in chunks of frames; 0: its share of a shot's usual length, "
        "about five seconds",
        min=0,
        max=MAX_CHUNKS,
    )
    selected: BoolProperty(name="Selected", description="Generate Selected takes this beat")
    state: EnumProperty(
        name="State", description="What has become of the beat", items=STATES, default="draft"
    )
    reason: StringProperty(name="Reason", description="Why the beat failed, or what is to be known of it")
    progress: FloatProperty(
        name="Progress", description="Share of its frames received", min=0, max=1, subtype="FACTOR"
    )
    shot: IntProperty(name="Shot", description="Number of the shot in its take, from 0", default=-1, min=-1)
    first_frame: IntProperty(name="First Frame", description="Its first frame in the take, from 0", min=0)
    frames: IntProperty(name="Frames", description="How many frames of the take are this beat's", min=0)
    shot_first_frame: IntProperty(
        name="Shot's First Frame", description="The shot's first frame in the take", min=0
    )
    shot_frames: IntProperty(name="Shot's Frames", description="How many frames the whole shot has", min=0)
    made_text: StringProperty(name="Made From", description="The text that the frames were made from")
    take: StringProperty(
        name="Take", description="Folder of the take", subtype="DIR_PATH", options=compat.PATH_OPTIONS
    )
    pictures: StringProperty(
        name="Pictures",
        description="Folder of the take's PNG files",
        subtype="DIR_PATH",
        options=compat.PATH_OPTIONS,
    )
    movie: StringProperty(
        name="Movie", description="The shot as a movie", subtype="FILE_PATH", options=compat.PATH_OPTIONS
    )


class ShotStreamStory(bpy.types.PropertyGroup):
    """A story: what holds for every shot, and its beats."""

    uid: StringProperty(name="ID", description="Names the story")
    title: StringProperty(name="Title", description="For people, and for the names of folders", maxlen=200)
    global_caption: StringProperty(
        name="Caption",
        description="Who, where and in which style; holds for every shot. Up to 8,000 characters",
    )
    seed: IntProperty(name="Seed", description="Another seed makes other pictures of the same beats", min=0)
    beats: CollectionProperty(type=ShotStreamBeat)
    active: IntProperty(name="Active Beat", description="The beat shown below the list", min=0)
    width: IntProperty(name="Width", description="Pixels, as the server's model makes them", min=0)
    height: IntProperty(name="Height", description="Pixels, as the server's model makes them", min=0)
    fps: FloatProperty(name="Rate", description="Frames per second, as the server's model makes them", min=0)
    chunks_per_shot: IntProperty(
        name="Chunks per Shot", description="How long the server's model usually makes a shot", min=0
    )


CLASSES = (ShotStreamBeat, ShotStreamStory)


def register() -> None:
    """Gives every scene a story."""
    bpy.types.Scene.shotstream = PointerProperty(type=ShotStreamStory)


def unregister() -> None:
    """Takes the property away; what is stored stays in the file."""
    del bpy.types.Scene.shotstream


def of(scene: bpy.types.Scene) -> ShotStreamStory:
    """The story of a scene, with an ID. Writes to the scene: not for drawing code.

    A copy of a scene is another story, of the same beats.
    """
    story = scene.shotstream
    if not story.uid or find(story.uid)[0] != scene:
        story.uid = new_uid()
    for item in story.beats:
        if not item.uid:
            item.uid = new_uid()
    return story


def find(uid: str) -> tuple[bpy.types.Scene, ShotStreamStory] | None:
    """The scene that holds a story. Never keep what it returns over an undo or the loading of a file."""
    for scene in bpy.data.scenes:
        if scene.shotstream.uid == uid:
            return scene, scene.shotstream
    return None


def beat(story: ShotStreamStory, uid: str) -> ShotStreamBeat | None:
    """The beat of an ID."""
    return next((item for item in story.beats if item.uid == uid), None)


def active_beat(story: ShotStreamStory) -> ShotStreamBeat | None:
    """The beat shown below the list."""
    return story.beats[story.active] if 0 <= story.active < len(story.beats) else None


def shot_beats(story: ShotStreamStory, index: int) -> list[ShotStreamBeat]:
    """The shot that a beat belongs to: its cut and the beats that continue it.

    Args:
        story: The story.
        index: Any beat of the shot. The first beat of a story counts as a cut, whatever it says.
    """
    beats = list(story.beats)
    first = index
    while first > 0 and beats[first].mode == "continue":
        first -= 1
    last = first + 1
    while last < len(beats) and beats[last].mode == "continue":
        last += 1
    return beats[first:last]


def each_shot(story: ShotStreamStory) -> list[list[ShotStreamBeat]]:
    """The beats of every shot in order, each as :func:`shot_beats` gives them."""
    shots: list[list[ShotStreamBeat]] = []
    for item in story.beats:
        if shots and item.mode == "continue":
            shots[-1].append(item)
        else:
            shots.append([item])
    return shots


def shot_chunks(story: ShotStreamStory, beats: list[ShotStreamBeat], of_shot: int = 0) -> list[int]:
    """How many chunks each beat of a shot has or will have.

    Args:
        story: The story.
        beats: Of :func:`shot_beats`.
        of_shot: Chunks of a shot as the server's model usually makes it; 0: of the one that made the newest.
    """
    usual = of_shot or story.chunks_per_shot or strip_times.CHUNKS
    return strip_times.share_chunks([item.chunks for item in beats], usual)


def in_shot(cut: ShotStreamBeat, item: ShotStreamBeat) -> bool:
    """Whether a beat's pictures are a part of those of a cut's shot."""
    return (item.take, item.shot) == (cut.take, cut.shot)


def changes(beats: list[ShotStreamBeat]) -> list[str]:
    """What of a shot its pictures do not show, for each of its beats; empty where all is well or under way.

    Args:
        beats: Of :func:`shot_beats`.
    """
    cut = beats[0]
    said = []
    for item in beats:
        text = ""
        if item.state == "done":
            if item.made_text.strip() != item.text.strip():
                text = "Text changed since"
            elif not in_shot(cut, item) or (item == cut and item.first_frame != item.shot_first_frame):
                text = "Made as a part of another shot"
            elif item.chunks and not item.reason and item.chunks != _chunks_made(item):
                text = "Length changed since"
        said.append(text)
    whole = all(item.state == "done" for item in beats) and not any(said)
    if whole and sum(item.frames for item in beats) != cut.shot_frames:
        said[0] = "Made with beats that are not in its shot now"
    return said


def _chunks_made(item: ShotStreamBeat) -> int:
    begins = item.first_frame == item.shot_first_frame
    return strip_times.chunks_of(item.frames, begins_shot=begins)


def changed_since(story: ShotStreamStory, index: int) -> str:
    """What of a beat its pictures do not show, in words; see :func:`changes`."""
    beats, uid = shot_beats(story, index), story.beats[index].uid
    own = next(number for number, item in enumerate(beats) if item.uid == uid)
    return changes(beats)[own]


def add_beat(
    story: ShotStreamStory, text: str = "", *, mode: str = "cut", index: int | None = None
) -> ShotStreamBeat:
    """Adds a beat.

    Args:
        story: The story.
        text: What is seen.
        mode: ``cut`` or ``continue``.
        index: Where it goes; None: to the end.
    """
    item = story.beats.add()
    item.uid, item.text, item.mode = new_uid(), text, mode
    at = len(story.beats) - 1
    if index is not None and index < at:
        story.beats.move(at, index)
        at = index
    story.active = at
    return story.beats[at]


def clear_result(item: ShotStreamBeat) -> None:
    """Makes a beat a draft again; files stay where they are."""
    for name in ("state", "reason", "progress", "shot", "first_frame", "frames", "shot_first_frame"):
        item.property_unset(name)
    for name in ("shot_frames", "made_text", "take", "pictures", "movie"):
        item.property_unset(name)


def label(item: ShotStreamBeat) -> str:
    """A short name for lists and strips."""
    line = " ".join(item.text.split())
    if len(line) <= _LABEL_CHARS:
        return line or "(empty)"
    return line[:_LABEL_CHARS].rsplit(" ", 1)[0] + "…"
