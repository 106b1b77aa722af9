# SPDX-License-Identifier: Apache-2.0
"""The story in the scene: writing, ordering, saving, undoing."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest
from blender_side import Hand, module

TEXT = """# A note, not a beat.
Wide shot: the fox walks
in the forest.

> Now it jumps.

continue: And sleeps.


Close shot: the fox at the beach.
"""


def texts(hand: Hand) -> list[str]:
    return [item.text for item in hand.story.beats]


def test_beats_are_added_moved_duplicated_and_removed(hand: Hand) -> None:
    for text in ("one", "two", "three"):
        bpy.ops.shotstream.beat_add(text=text)
    assert texts(hand) == ["one", "two", "three"]
    hand.story.active = 2
    hand.story.beats[2].chunks = 4
    bpy.ops.shotstream.beat_move(direction="UP")
    assert texts(hand) == ["one", "three", "two"]
    assert hand.story.active == 1
    bpy.ops.shotstream.beat_duplicate()
    assert texts(hand) == ["one", "three", "three", "two"]
    assert hand.story.beats[2].chunks == 4
    assert len({item.uid for item in hand.story.beats}) == 4
    hand.story.active = 0
    bpy.ops.shotstream.beat_remove()
    assert texts(hand) == ["three", "three", "two"]
    assert bpy.ops.shotstream.beat_move(direction="UP") == {"CANCELLED"}


def test_beats_from_a_text(hand: Hand) -> None:
    assert not bpy.ops.shotstream.beats_from_text.poll()
    bpy.data.texts.new("script").write(TEXT)
    bpy.ops.shotstream.beats_from_text(text="script")
    assert [(item.text, item.mode) for item in hand.story.beats] == [
        ("Wide shot: the fox walks in the forest.", "cut"),
        ("Now it jumps.", "continue"),
        ("And sleeps.", "continue"),
        ("Close shot: the fox at the beach.", "cut"),
    ]
    bpy.ops.shotstream.beats_from_text(text="script", replace=True)
    assert len(hand.story.beats) == 4
    with pytest.raises(RuntimeError, match="no text named 'gone'"):
        bpy.ops.shotstream.beats_from_text(text="gone")


def test_beats_from_markers_last_until_the_next(hand: Hand) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.frame_end = 24 * 10
    scene.timeline_markers.new("the fox at the beach", frame=1 + 24 * 5)
    scene.timeline_markers.new("the fox in the forest", frame=1)
    bpy.ops.shotstream.beats_from_markers()
    assert texts(hand) == ["the fox in the forest", "the fox at the beach"]
    # 5 s of 16 frames are 80; 9 + 6 * 12 = 81.
    assert [item.chunks for item in hand.story.beats] == [7, 7]
    # One without a name of its own ends the beat before it; two at one frame share the time; after the end
    # there is no other length than the usual.
    for name, frame in (("", 61), ("F_97", 97), ("a", 145), ("b", 145), ("c", 999)):
        scene.timeline_markers.new(name, frame=frame)
    bpy.ops.shotstream.beats_from_markers(replace=True)
    assert texts(hand) == ["the fox in the forest", "the fox at the beach", "a", "b", "c"]
    assert [item.chunks for item in hand.story.beats] == [4, 2, 24, 24, 0]
    for marker in scene.timeline_markers:
        marker.name = ""
    with pytest.raises(RuntimeError, match="No marker has a name"):
        bpy.ops.shotstream.beats_from_markers(replace=True)
    assert len(hand.story.beats) == 5


def test_beats_that_do_not_say_share_a_shots_usual_length(hand: Hand) -> None:
    hand.write("a", "> b", "> c", "d", chunks=0)

    def chunks(of_shot: int = 0) -> list[int]:
        beats = hand.story_module.shot_beats(hand.story, 0)
        return hand.story_module.shot_chunks(hand.story, beats, of_shot)

    assert chunks() == [3, 2, 2]
    assert chunks(10) == [4, 3, 3]
    hand.story.beats[1].chunks = 5
    assert chunks() == [1, 5, 1]
    hand.story.beats[1].chunks = 1
    assert chunks() == [3, 1, 3]
    # Room that is kept in the sequencer for shots that are not there yet is as long.
    assert [shot.frames for shot in module("strip_layout").shots(hand.story)] == [81, 81]


def test_titles_name_folders_in_any_script(tmp_path: Path) -> None:
    new_folder = module("take_files").new_folder
    names = {"Raten/Ü: *?": "Raten_Ü", "東京 の 夜": "東京_の_夜", "../..": "story"}
    for title, name in names.items():
        assert new_folder(tmp_path, title) == tmp_path / name / "take_001"
    # However a system writes an Ü, it is one title.
    assert new_folder(tmp_path, "Raten U\u0308") == tmp_path / "Raten_Ü" / "take_002"


def test_a_shot_is_its_cut_and_what_continues_it(hand: Hand) -> None:
    hand.write("a", "> b", "c", "> d", "> e")
    shots = [[item.text for item in hand.story_module.shot_beats(hand.story, n)] for n in range(5)]
    assert shots == [["a", "b"], ["a", "b"], ["c", "d", "e"], ["c", "d", "e"], ["c", "d", "e"]]


def test_a_file_carries_its_story(hand: Hand, tmp_path: Path) -> None:
    hand.write("Füchse im Schnee. " * 100, "> b")
    hand.story.beats[0].policy = "interrupt"
    uid, long = hand.story.uid, hand.story.beats[0].text
    path = str(tmp_path / "story.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True)
    assert not hand.story.beats
    assert hand.story.uid != uid
    bpy.ops.wm.open_mainfile(filepath=path)
    assert hand.story.uid == uid
    # Nothing of a long text is lost, whatever it is written in.
    assert hand.story.beats[0].text == long
    assert (hand.story.beats[0].policy, hand.story.beats[1].mode) == ("interrupt", "continue")


def test_beats_under_way_when_a_file_was_saved_are_not_when_it_is_opened(hand: Hand, tmp_path: Path) -> None:
    hand.write("a", "b")
    hand.story.beats[0].state = "generating"
    hand.story.beats[1].state = "queued"
    path = str(tmp_path / "story.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert hand.states == ["draft", "draft"]


def test_a_copy_of_a_scene_is_another_story(hand: Hand) -> None:
    hand.write("a", "b")
    original = bpy.context.scene
    uid = hand.story.uid
    bpy.ops.scene.new(type="FULL_COPY")
    assert bpy.context.scene != original
    assert hand.story.uid != uid
    assert texts(hand) == ["a", "b"]
    assert hand.story_module.of(original).uid == uid
    with pytest.raises(RuntimeError, match="not open on the server"):
        bpy.ops.shotstream.direct_beat()


def test_undo_and_redo_of_beats(hand: Hand) -> None:
    bpy.ops.ed.undo_push(message="start")
    bpy.ops.shotstream.beat_add(text="one")
    bpy.ops.ed.undo_push(message="one")
    bpy.ops.shotstream.beat_add(text="two")
    bpy.ops.ed.undo_push(message="two")
    bpy.ops.ed.undo()
    assert texts(hand) == ["one"]
    bpy.ops.ed.redo()
    assert texts(hand) == ["one", "two"]


def test_chunks_come_closest_to_a_length() -> None:
    text = module("story_text")
    assert [text.chunks_for(seconds) for seconds in (0.1, 0.5, 1.3, 5.0, 30.0)] == [1, 1, 2, 7, 40]
    assert text.seconds_of(7) == 81 / 16
    assert text.seconds_of(7, begins_shot=False) == 84 / 16
    assert all(text.chunks_for(text.seconds_of(chunks)) == chunks for chunks in range(1, 200))
