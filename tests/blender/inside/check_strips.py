# SPDX-License-Identifier: Apache-2.0
"""Shots as strips: at the right frame at every rate, made again in their place, laid out, read back."""

from __future__ import annotations

import itertools
from pathlib import Path

import bpy
import pytest
from blender_side import Hand, module
from sequencer_side import number_at, numbered_take, places, set_up_scene, settle, strips

SHOTS = ([("The fox walks.", 9), ("The fox jumps.", 12)], [("The fox stands.", 9)], [("The fox runs.", 21)])


def import_numbers(
    hand: Hand, tmp_path: Path, rate: float = 24.0, *, movie: bool = False, texts: bool = False
):
    """A scene with a numbered take: shots of 21, 9 and 21 frames."""
    scene = set_up_scene(rate)
    module("preferences").get().shot_files = "movie" if movie else "pictures"
    scene.shotstream_strips.texts = texts
    take = numbered_take(tmp_path / "numbers", *SHOTS)
    assert bpy.ops.shotstream.take_import(filepath=str(take)) == {"FINISHED"}
    settle(hand)
    return scene


def make_first_shot_longer(hand: Hand, tmp_path: Path) -> None:
    """Another take of the first shot, of 33 frames."""
    other = numbered_take(tmp_path / "other", [("x", 33)])
    item = hand.story.beats[0]
    item.pictures, item.take, item.shot_frames = str(other / "frames"), str(other), 33
    module("strip_sync").ask(hand.story.uid, item.uid)
    settle(hand)


@pytest.mark.parametrize("movie", [False, True], ids=["pictures", "movie"])
@pytest.mark.parametrize("rate", [16.0, 24.0, 25.0, 30.0, 24 / 1.001])
def test_every_scene_frame_shows_the_picture_of_its_time(
    hand: Hand, tmp_path: Path, rate: float, movie: bool
) -> None:
    scene = import_numbers(hand, tmp_path, rate, movie=movie)
    assert [strip.type for strip in strips(hand)] == ["MOVIE" if movie else "IMAGE"] * 3
    bounds = [0, 21, 30, 51]
    starts = [1 + int(frames * rate / 16 + 0.5) for frames in bounds]
    assert places(hand) == list(itertools.pairwise(starts))
    for strip, first, frames in zip(strips(hand), bounds, (21, 9, 21), strict=False):
        left, right = module("compat").left(strip), module("compat").right(strip)
        for frame in {
            left,
            left + 1,
            left + 2,
            (left + right) // 2,
            (left + right) // 2 + 1,
            right - 2,
            right - 1,
        }:
            meant = first + min(frames - 1, int((frame - left) * 16 / rate + 1e-6))
            assert number_at(scene, frame, tmp_path) == meant, (frame, left)


def test_strips_have_name_colour_mark_and_a_channel_of_their_own(hand: Hand, tmp_path: Path) -> None:
    scene = set_up_scene()
    compat = module("compat")
    editor = scene.sequence_editor_create()
    (tmp_path / "mine").mkdir()
    other = numbered_take(tmp_path / "mine" / "take", [("x", 9)]) / "frames" / "000000.png"
    mine = compat.strips(editor).new_image("mine", str(other), 2, 1)
    compat.set_handles(mine, 1, 400)
    import_numbers(hand, tmp_path)
    found = strips(hand)
    assert [strip.name for strip in found] == ["The fox walks.", "The fox stands.", "The fox runs."]
    assert {strip.channel for strip in found} == {3}
    assert editor.channels[3].name == "ShotStream"
    assert [strip["shotstream_beat"] for strip in found] == [hand.story.beats[n].uid for n in (0, 2, 3)]
    assert {strip.color_tag for strip in found} == {"COLOR_04"}
    assert not [strip for strip in found if strip.select]
    assert (mine.channel, compat.left(mine), compat.right(mine)) == (2, 1, 400)
    assert not [strip for strip in compat.all_strips(editor) if strip.type == "SOUND"]
    for state, color in (("queued", "COLOR_03"), ("generating", "COLOR_02"), ("failed", "COLOR_01")):
        hand.story.beats[2].state = state
        hand.live.tick()
        assert [strip.color_tag for strip in strips(hand)] == ["COLOR_04", color, "COLOR_04"]
    hand.story.beats[2].state = "done"
    hand.story.beats[0].text = "The fox sleeps."
    found[2].color_tag = "COLOR_09"
    hand.story.beats[3].state = "failed"
    hand.live.tick()
    # Violet: shows another text. The user's own colour stays.
    assert [strip.color_tag for strip in strips(hand)] == ["COLOR_06", "COLOR_04", "COLOR_09"]


def test_beats_as_text_lie_over_their_frames(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path, texts=True)
    compat, marks = module("compat"), module("strip_marks")
    texts = sorted(marks.texts_of_story(scene), key=compat.left)
    assert [strip.text for strip in texts] == [beat.text for beat in hand.story.beats]
    # 9 of 16 a second are 13.5 frames of 24.
    assert [(compat.left(s), compat.right(s)) for s in texts] == [(1, 15), (15, 33), (33, 46), (46, 78)]
    assert {strip.channel for strip in texts} == {3}
    texts[0].text = "My own words"
    hand.story.beats[0].made_text = "The fox dances."
    hand.story.beats[2].made_text = "The fox sits."
    bpy.ops.shotstream.strips_lay_out()
    settle(hand)
    texts = sorted(marks.texts_of_story(scene), key=compat.left)
    assert [strip.text for strip in texts] == [
        "My own words",
        "The fox jumps.",
        "The fox sits.",
        "The fox runs.",
    ]
    assert [strip.name for strip in texts] == [f"{beat.text} (text)" for beat in hand.story.beats]
    # At another rate all of them are longer, and still on their channel.
    for rate in (60, 24, 30):
        scene.render.fps = rate
        bpy.ops.shotstream.strips_lay_out()
        settle(hand)
        texts = sorted(marks.texts_of_story(scene), key=compat.left)
        assert [strip.channel for strip in texts] == [3] * 4, rate
        assert [compat.left(strip) for strip in texts][::2] == [left for left, _ in places(hand)[:2]]
    scene.shotstream_strips.texts = False
    bpy.ops.shotstream.strips_lay_out()
    settle(hand)
    assert not list(marks.texts_of_story(scene))
    assert len(strips(hand)) == 3


@pytest.mark.parametrize("movie", [False, True], ids=["pictures", "movie"])
def test_new_texts_lie_on_one_channel_where_shots_change_places_and_rate(
    hand: Hand, tmp_path: Path, movie: bool
) -> None:
    scene = import_numbers(hand, tmp_path, movie=movie)
    compat, marks = module("compat"), module("strip_marks")
    first, second, third = strips(hand)
    compat.move_content(first, 500)
    compat.move_content(second, 1)
    compat.move_content(first, 14)
    compat.set_handles(third, compat.left(third), compat.left(third) + 20)
    assert bpy.ops.shotstream.read_timing() == {"FINISHED"}
    scene.shotstream_strips.texts = True
    scene.render.fps = 60
    bpy.ops.shotstream.strips_lay_out()
    settle(hand)
    texts = sorted(marks.texts_of_story(scene), key=compat.left)
    assert [strip.channel for strip in texts] == [3] * 4
    assert {strip.channel for strip in strips(hand)} == {2}
    assert not [strip for strip in texts if marks.HOME in strip]


def test_laying_out_brings_back_what_is_gone_moved_or_of_another_rate(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path)
    compat = module("compat")
    assert places(hand) == [(1, 33), (33, 46), (46, 78)]
    first, second, third = strips(hand)
    compat.strips(scene.sequence_editor).remove(second)
    compat.move_content(third, 200)
    compat.set_handles(first, 5, 29)
    assert bpy.ops.shotstream.strips_lay_out() == {"FINISHED"}
    settle(hand)
    # The first keeps its trims: what is behind it closes up.
    assert places(hand) == [(1, 25), (25, 38), (38, 70)]
    assert number_at(scene, 1, tmp_path) == 2
    assert {strip.channel for strip in strips(hand)} == {2}
    scene.render.fps = 30
    assert bpy.ops.shotstream.strips_lay_out() == {"FINISHED"}
    settle(hand)
    assert [right - left for left, right in places(hand)] == [30, 17, 39]
    assert places(hand)[0][0] == 1
    assert {strip.channel for strip in strips(hand)} == {2}
    left, right = places(hand)[2]
    assert [number_at(scene, frame, tmp_path) for frame in (left, left + 2, right - 1)] == [30, 31, 50]


def test_strips_of_removed_beats_lose_their_colour_and_go_when_laid_out(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path, texts=True)
    compat, marks = module("compat"), module("strip_marks")
    # One that was copied here from another story stays.
    copied = compat.strips(scene.sequence_editor).new_image("from elsewhere", "", 9, 1)
    copied[marks.BEAT], copied[marks.STORY] = "0123456789ab", "ba9876543210"
    hand.story.active = 2
    bpy.ops.shotstream.beat_remove()
    hand.live.tick()
    shots = [strip for strip in strips(hand) if strip != copied]
    assert [strip.color_tag for strip in shots] == ["COLOR_04", "NONE", "COLOR_04"]
    bpy.ops.shotstream.strips_lay_out()
    settle(hand)
    assert [strip.name for strip in strips(hand)] == ["The fox walks.", "from elsewhere", "The fox runs."]
    shots = [strip for strip in strips(hand) if strip != copied]
    assert [(compat.left(strip), compat.right(strip), strip.channel) for strip in shots] == [
        (1, 33, 2),
        (33, 65, 2),
    ]
    assert len(list(marks.texts_of_story(scene))) == 3


def test_a_beat_that_was_moved_to_another_shot_is_told(hand: Hand, tmp_path: Path) -> None:
    import_numbers(hand, tmp_path)
    hand.story.active = 2
    bpy.ops.shotstream.beat_move(direction="UP")
    hand.live.tick()
    assert [hand.story_module.changed_since(hand.story, n) for n in range(4)] == [
        "Made with beats that are not in its shot now",
        "",
        "Made as a part of another shot",
        "",
    ]
    assert [strip.color_tag for strip in strips(hand)] == ["COLOR_06", "COLOR_06", "COLOR_04"]
    bpy.ops.shotstream.beat_move(direction="DOWN")
    hand.live.tick()
    assert {strip.color_tag for strip in strips(hand)} == {"COLOR_04"}


def test_a_shot_that_was_cut_in_two_is_still_one_shot(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path)
    compat = module("compat")
    whole = strips(hand)[2]
    copied = compat.strips(scene.sequence_editor).new_image("piece", "", 6, 100)
    module("strip_content").put_pictures(
        copied, module("strips").wanted(scene, module("strip_layout").shots(hand.story)[2])
    )
    for name in ("shotstream_beat", "shotstream_made", "shotstream_rate"):
        copied[name] = whole[name]
    compat.set_handles(whole, 46, 60)
    compat.set_handles(copied, 120, 132)
    reading = module("strip_timing").read(scene)
    # 14 frames and 12 others, of 24 a second.
    assert reading.frames[hand.story.beats[3].uid] == pytest.approx(26 * 16 / 24)
    compat.set_handles(copied, 110, 132)
    reading = module("strip_timing").read(scene)
    # What both show counts once.
    assert reading.frames[hand.story.beats[3].uid] == pytest.approx(32 * 16 / 24)


def test_timing_is_read_back_with_an_undo_step(hand: Hand, tmp_path: Path) -> None:
    import_numbers(hand, tmp_path)
    compat = module("compat")
    bpy.ops.ed.undo_push(message="imported")
    assert bpy.ops.shotstream.read_timing() == {"FINISHED"}
    assert [beat.chunks for beat in hand.story.beats] == [1, 1, 1, 2]
    first, second, third = strips(hand)
    # The last shot goes first and shrinks to 13 frames of 24: 0.54 s, nearest to one chunk of 0.56 s.
    compat.move_content(first, 300)
    compat.move_content(third, 1)
    compat.set_handles(third, 1, 14)
    # The second is held for two seconds more: 9 + 32 frames of 16, nearest to four chunks of 45.
    compat.set_handles(second, 33, 46 + 48)
    uids = [beat.uid for beat in hand.story.beats]
    hand.story.active = 2
    bpy.ops.ed.undo_push(message="edited")
    assert bpy.ops.shotstream.read_timing("EXEC_DEFAULT", True) == {"FINISHED"}
    assert [beat.uid for beat in hand.story.beats] == [uids[3], uids[2], uids[0], uids[1]]
    assert [beat.chunks for beat in hand.story.beats] == [1, 4, 1, 1]
    assert [beat.mode for beat in hand.story.beats] == ["cut", "cut", "cut", "continue"]
    assert hand.story.beats[hand.story.active].uid == uids[2]
    assert [beat.state for beat in hand.story.beats] == ["done"] * 4
    bpy.ops.ed.undo()
    assert [beat.uid for beat in hand.story.beats] == uids


def test_shots_whose_strips_are_gone(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path)
    compat = module("compat")
    compat.strips(scene.sequence_editor).remove(strips(hand)[1])
    uids = [beat.uid for beat in hand.story.beats]
    assert bpy.ops.shotstream.read_timing(gone="keep") == {"FINISHED"}
    assert hand.states == ["done"] * 4
    assert bpy.ops.shotstream.read_timing(gone="draft") == {"FINISHED"}
    assert hand.states == ["done", "done", "draft", "done"]
    assert (hand.story.beats[2].text, hand.story.beats[2].pictures) == ("The fox stands.", "")
    compat.strips(scene.sequence_editor).remove(strips(hand)[1])
    assert bpy.ops.shotstream.read_timing(gone="remove") == {"FINISHED"}
    assert [beat.uid for beat in hand.story.beats] == uids[:3]


def test_another_take_of_a_shot_keeps_everything_of_its_strip(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path, movie=True)
    compat = module("compat")
    strip = strips(hand)[0]
    strip.name = "My opening"
    strip.mute, strip.lock = True, True
    strip.transform.offset_x, strip.transform.scale_x = 12.0, 1.5
    # 5.0.1 without a window crashes when it makes one.
    modifiers = [] if bpy.app.version[:2] == (5, 0) else ["bright"]
    for name in modifiers:
        strip.modifiers.new(name, "BRIGHT_CONTRAST")
    compat.set_handles(strip, 4, 20)
    last = strips(hand)[2]
    path = last.filepath
    for index, (shots, beat) in enumerate(((SHOTS[2], 0), ([("x", 33)], 3))):
        other = numbered_take(tmp_path / f"other{index}", shots)
        item = hand.story.beats[beat]
        item.pictures, item.take, item.movie = str(other / "frames"), str(other), ""
        item.first_frame = item.shot_first_frame = 0
        item.shot_frames = 21 if beat == 0 else 33
        module("strip_sync").ask(hand.story.uid, item.uid)
    settle(hand)
    first, _, last = strips(hand)
    assert (first.name, first.mute, first.lock) == ("My opening", True, True)
    assert (first.transform.offset_x, first.transform.scale_x) == (12.0, 1.5)
    assert [modifier.name for modifier in first.modifiers] == modifiers
    assert (compat.left(first), compat.right(first), compat.content_start(first)) == (4, 20, 1)
    assert last.filepath != path
    # It was not trimmed, and the new one is longer.
    assert (compat.left(last), compat.right(last)) == (46, 96)
    assert number_at(scene, 95, tmp_path) == 32
    assert len(strips(hand)) == 3


def test_a_longer_take_never_covers_the_strip_behind_it(hand: Hand, tmp_path: Path) -> None:
    import_numbers(hand, tmp_path)
    make_first_shot_longer(hand, tmp_path)
    assert places(hand) == [(1, 33), (33, 46), (46, 78)]
    assert {strip.channel for strip in strips(hand)} == {2}
    # What is hidden is there: laying out does not trim, the handle can be pulled.
    assert module("compat").content_length(strips(hand)[0]) == 50


def test_a_movie_that_was_deleted_is_made_again_by_laying_out(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path, movie=True)
    module("compat").set_handles(strips(hand)[0], 3, 30)
    bpy.ops.shotstream.strips_lay_out()
    settle(hand)
    for strip in strips(hand):
        Path(bpy.path.abspath(strip.filepath)).unlink()
    # As in a file whose movies are gone: nothing of them is in memory.
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "story.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "story.blend"))
    assert bpy.ops.shotstream.strips_lay_out() == {"FINISHED"}
    settle(hand)
    scene = bpy.context.scene
    assert places(hand) == [(1, 28), (28, 41), (41, 73)]
    assert [number_at(scene, frame, tmp_path) for frame in (1, 28, 72)] == [1, 21, 50]


def test_a_strip_inside_of_a_meta_strip_is_made_again_in_its_place(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path)
    compat = module("compat")
    first, second, _ = strips(hand)
    meta = compat.strips(scene.sequence_editor).new_meta("meta", 5, 1)
    for strip in (first, second):
        strip.move_to_meta(meta)
    assert places(hand) == [(1, 33), (33, 46), (46, 78)]
    make_first_shot_longer(hand, tmp_path)
    # It takes no more room than it has inside.
    assert places(hand) == [(1, 33), (33, 46), (46, 78)]
    assert {strip.channel for strip in strips(hand)[:2]} == {2}
    assert strips(hand)[0].parent_meta() == meta
    bpy.ops.shotstream.strips_lay_out()
    settle(hand)
    assert len(strips(hand)) == 3


def test_nothing_is_touched_while_blender_renders_or_saves(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path)
    compat, sync = module("compat"), module("strip_sync")
    compat.strips(scene.sequence_editor).remove(strips(hand)[0])
    scene.frame_start, scene.frame_end = 40, 41
    counts = []

    def look(*_: object) -> None:
        sync.ask(hand.story.uid, hand.story.beats[0].uid)
        hand.live.tick()
        counts.append(len(strips(hand)))

    handlers = bpy.app.handlers
    scene.render.filepath = str(tmp_path / "render_")
    for kind, act in (
        (handlers.render_pre, lambda: bpy.ops.render.render(animation=True)),
        (handlers.render_post, lambda: bpy.ops.render.render(animation=True)),
        (
            handlers.save_pre,
            lambda: bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), copy=True),
        ),
    ):
        kind.append(look)
        act()
        kind.remove(look)
    assert counts == [2] * 5
    scene.frame_start = 1
    settle(hand)
    assert len(strips(hand)) == 3


def test_a_copy_of_a_scene_has_its_own_strips(hand: Hand, tmp_path: Path) -> None:
    scene = import_numbers(hand, tmp_path)
    bpy.ops.scene.new(type="FULL_COPY")
    copy = bpy.context.scene
    assert copy != scene
    compat = module("compat")
    compat.move_content(sorted(module("strip_marks").of_story(copy), key=compat.left)[2], 100)
    bpy.ops.shotstream.strips_lay_out()
    settle(hand)
    assert places(hand) == [(1, 33), (33, 46), (46, 78)]
    bpy.ops.shotstream.read_timing(gone="remove")
    assert hand.story.uid != scene.shotstream.uid
    assert len(hand.story.beats) == len(scene.shotstream.beats) == 4
    assert [compat.left(strip) for strip in module("strip_marks").of_story(scene)] == [1, 33, 46]


def test_a_continue_that_became_a_cut_shows_no_others_pictures(hand: Hand, tmp_path: Path) -> None:
    import_numbers(hand, tmp_path)
    hand.story.beats[1].mode = "cut"
    bpy.ops.shotstream.strips_lay_out()
    sync = module("strip_sync")
    hand.until(lambda: not sync.is_busy())
    assert len(strips(hand)) == 3
    hand.story.beats[1].mode = "continue"
    bpy.ops.shotstream.strips_lay_out()
    settle(hand)
    assert places(hand) == [(1, 33), (33, 46), (46, 78)]


def test_one_shot_at_another_rate_stays_on_its_channel(hand: Hand, tmp_path: Path) -> None:
    scene = set_up_scene(24.0)
    take = numbered_take(tmp_path / "numbers", SHOTS[2])
    bpy.ops.shotstream.take_import(filepath=str(take))
    settle(hand)
    module("compat").set_handles(strips(hand)[0], 1, 17)
    scene.render.fps = 30
    bpy.ops.shotstream.strips_lay_out()
    settle(hand)
    # Trimmed to two thirds of a second, and still that.
    assert places(hand) == [(1, 21)]
    assert strips(hand)[0].channel == 2
    assert number_at(scene, 20, tmp_path) == 10
