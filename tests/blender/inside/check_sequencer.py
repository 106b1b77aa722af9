# SPDX-License-Identifier: Apache-2.0
"""From beats to a cut sequence and out of Blender again, against the real server; takes made elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import bpy
import numpy as np
import pytest
from blender_side import Hand, module
from sequencer_side import numbered_take, picture, places, seen, set_up_scene, settle, strips

CHROMA = 6.0
"""Mean difference from the take of a picture of a movie, of 255: it has half the colour resolution."""


def frame_of(item, offset: int) -> np.ndarray:
    """A picture of a beat's shot, from its take."""
    return picture(Path(bpy.path.abspath(item.pictures)) / f"{item.shot_first_frame + offset:06d}.png")


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def smaller(pixels: np.ndarray, times: int) -> np.ndarray:
    """The mean of each square of so many pixels a side."""
    height, width, channels = pixels.shape
    return pixels.reshape(height // times, times, width // times, times, channels).mean(axis=(1, 3))


def test_beats_become_strips_a_cut_and_a_take(hand: Hand, takes: Path, tmp_path: Path) -> None:
    scene = set_up_scene(24.0)
    # As Blender's templates are.
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    scene.shotstream_strips.texts = True
    module("preferences").get().shot_files = "movie"
    hand.write(
        "Wide shot: the fox walks in the forest.", "> Now the fox jumps.", "Close shot: the fox stands."
    )
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    settle(hand)
    story, compat = hand.story, module("compat")
    assert places(hand) == [(1, 33), (33, 46)]
    assert [strip.type for strip in strips(hand)] == ["MOVIE", "MOVIE"]
    assert [strip.name for strip in strips(hand)] == [module("story").label(story.beats[n]) for n in (0, 2)]
    assert {strip.color_tag for strip in strips(hand)} == {"COLOR_04"}
    marks = module("strip_marks")
    for size, multiple, lines in (((768, 480), 0, 24), ((128, 80), 1, 4)):
        scene.frame_end, scene.view_settings.exposure = 250, 1.0
        assert bpy.ops.shotstream.fit_scene(multiple=multiple) == {"FINISHED"}
        assert (scene.render.resolution_x, scene.render.resolution_y) == size
        assert (scene.frame_start, scene.frame_end) == (1, 45)
        assert {strip.font_size for strip in marks.texts_of_story(scene)} == {lines}
        for strip in marks.texts_of_story(scene):
            strip.mute = True
        for frame, beat, offset in ((1, 0, 0), (2, 0, 0), (3, 0, 1), (32, 0, 20), (33, 2, 0), (45, 2, 8)):
            shown = smaller(seen(scene, frame, tmp_path), size[0] // 128)
            assert apart(shown, frame_of(story.beats[beat], offset)) < CHROMA
    for strip in list(marks.texts_of_story(scene)):
        compat.strips(scene.sequence_editor).remove(strip)
    scene.shotstream_strips.texts = False
    _render_to_a_movie(scene, story, tmp_path)

    # Another take of the second shot, whose strip the artist has moved, trimmed and changed.
    second = strips(hand)[1]
    compat.move_content(second, 60)
    compat.set_handles(second, 62, 70)
    second.transform.offset_x = 7
    second.blend_alpha = 0.5
    path, count = second.filepath, len(compat.strips(scene.sequence_editor))
    story.active = 2
    story.beats[2].text = "Close shot: the fox waves."
    hand.live.tick()
    assert strips(hand)[1].color_tag == "COLOR_06"
    bpy.ops.shotstream.regenerate_shot()
    hand.until(lambda: strips(hand)[1].color_tag in {"COLOR_02", "COLOR_03"})
    hand.until_done()
    settle(hand)
    second = strips(hand)[1]
    assert len(compat.strips(scene.sequence_editor)) == count
    assert second.filepath != path
    assert places(hand) == [(1, 33), (62, 70)]
    assert (second.transform.offset_x, second.blend_alpha) == (7, 0.5)
    assert second.color_tag == "COLOR_04"
    assert second.name == "Close shot: the fox waves."
    second.transform.offset_x, second.blend_alpha = 0, 1
    assert apart(seen(scene, 62, tmp_path), frame_of(story.beats[2], 1)) < CHROMA

    # The order and a length come back from the sequencer.
    compat.move_content(second, -20)
    assert bpy.ops.shotstream.read_timing() == {"FINISHED"}
    assert [beat.mode for beat in hand.story.beats] == ["cut", "cut", "continue"]
    assert hand.story.beats[0].text == "Close shot: the fox waves."
    compat.move_content(strips(hand)[0], 50)
    bpy.ops.shotstream.read_timing()

    # Out, and into a new file.
    (takes / "out").mkdir(parents=True, exist_ok=True)
    assert bpy.ops.shotstream.otio_export(filepath=str(takes / "out" / "cut")) == {"FINISHED"}
    timeline = json.loads((takes / "out" / "cut.otio").read_text(encoding="utf-8"))
    (track,) = timeline["tracks"]["children"]
    assert [child["OTIO_SCHEMA"] for child in track["children"]] == ["Clip.2", "Gap.1", "Clip.2"]
    assert [child["source_range"]["duration"]["value"] for child in track["children"]] == [32, 19, 8]
    # Beats are marked where they show, and only there: 9 of 16 a second are 13.5 frames of 24.
    marked = [
        (mark["name"], mark["marked_range"]["start_time"]["value"], mark["marked_range"]["duration"]["value"])
        for child in track["children"]
        for mark in child.get("markers", [])
    ]
    assert marked == [
        ("Wide shot: the fox walks in the forest.", 0, 14),
        ("Now the fox jumps.", 14, 18),
        ("Close shot: the fox waves.", 2, 8),
    ]
    whole = takes / "out" / "whole"
    assert bpy.ops.shotstream.take_export(directory=str(whole)) == {"FINISHED"}
    with pytest.raises(RuntimeError, match="holds a take already"):
        bpy.ops.shotstream.take_export(directory=str(whole))
    shown = [frame_of(story.beats[n], 0) for n in (0, 2)]
    uids = [beat.uid for beat in story.beats]
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = set_up_scene(24.0)
    assert bpy.ops.shotstream.take_import(filepath=str(whole / "manifest.json")) == {"FINISHED"}
    settle(hand)
    story = hand.story
    assert (story.title, story.global_caption, story.seed) == ("The fox", "A fox in a red coat.", 3)
    assert [(b.uid, b.mode, b.frames, b.state) for b in story.beats] == [
        (uids[0], "cut", 9, "done"),
        (uids[1], "continue", 12, "done"),
        (uids[2], "cut", 9, "done"),
    ]
    assert places(hand) == [(1, 33), (33, 46)]
    for frame, meant in ((1, shown[0]), (33, shown[1])):
        assert apart(seen(scene, frame, tmp_path), meant) < CHROMA


def _render_to_a_movie(scene: bpy.types.Scene, story, folder: Path) -> None:
    """A render of the sequencer shows the generated frames."""
    module("compat").set_movie_output(scene.render.image_settings)
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "H264"
    scene.render.ffmpeg.constant_rate_factor = "PERC_LOSSLESS"
    scene.render.filepath = str(folder / "animatic.mp4")
    scene.render.use_file_extension = False
    bpy.ops.render.render(animation=True)
    look = bpy.data.scenes.new("look")
    editor = look.sequence_editor_create()
    movie = module("compat").strips(editor).new_movie("animatic", str(folder / "animatic.mp4"), 1, 1)
    assert module("compat").content_length(movie) == 45
    home, bpy.context.window.scene = bpy.context.window.scene, look
    set_up_scene(24.0)
    far = []
    for frame, beat, offset in ((1, 0, 0), (20, 0, 12), (32, 0, 20), (33, 2, 0), (45, 2, 8)):
        meant = frame_of(story.beats[beat], offset)
        far.append(apart(seen(look, frame, folder), meant))
    print("mean difference of the rendered movie from the take, of 255:", [f"{value:.2f}" for value in far])
    assert max(far) < CHROMA
    bpy.context.window.scene = home
    bpy.data.scenes.remove(look)


OTHER_COLOURS = """ocio_profile_version: 2
roles:
  default: raw
  scene_linear: raw
  color_timing: raw
  rendering: raw
displays:
  Screen:
    - !<View> {name: Studio, colorspace: dim}
active_displays: [Screen]
active_views: [Studio]
colorspaces:
  - !<ColorSpace>
    name: raw
  - !<ColorSpace>
    name: dim
    from_scene_reference: !<MatrixTransform> {matrix: [0.5,0,0,0, 0,0.5,0,0, 0,0,0.5,0, 0,0,0,1]}
"""


def test_a_studios_colours_do_not_change_what_was_generated(hand: Hand, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "studio.ocio").write_text(OTHER_COLOURS)
    monkeypatch.setenv("OCIO", str(tmp_path / "studio.ocio"))
    module("preferences").get().shot_files = "movie"
    scene = set_up_scene(16.0)
    hand.write("Wide shot: the fox walks in the forest.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    settle(hand)
    assert apart(seen(scene, 1, tmp_path), frame_of(hand.story.beats[0], 0)) < CHROMA


def test_strips_show_the_newest_take_whatever_it_is_called(hand: Hand, tmp_path: Path) -> None:
    scene = set_up_scene(24.0)
    for title, text in (("One", "Wide shot: the fox walks in the forest."), ("Two", "The fox at the beach.")):
        if not hand.story.beats:
            hand.write(text)
        hand.story.title, hand.story.beats[0].text = title, text
        bpy.ops.shotstream.generate_all()
        hand.until_done()
        settle(hand)
        assert apart(seen(scene, 1, tmp_path), frame_of(hand.story.beats[0], 0)) < CHROMA
    assert len(strips(hand)) == 1


def test_a_take_of_the_command_line_with_a_movie(hand: Hand, takes: Path, tmp_path: Path) -> None:
    told = {"title": "Two", "global_caption": "A bear in a green coat.", "seed": 4}
    told["beats"] = [
        {"text": "Wide shot: the bear walks in the forest.", "chunks": 2},
        {"text": "Now the bear jumps.", "mode": "continue", "chunks": 1},
        {"text": "Close shot: the bear waves.", "chunks": 1},
    ]
    (tmp_path / "story.yaml").write_text(json.dumps(told), encoding="utf-8")
    for options in ([], ["--png"]):
        folder = tmp_path / ("png" if options else "film")
        command = [
            os.environ["SHOTSTREAM_COMMAND"],
            "render",
            tmp_path / "story.yaml",
            "-o",
            folder,
            *options,
        ]
        subprocess.run(command, check=True, capture_output=True)
    scene = set_up_scene(25.0)
    assert bpy.ops.shotstream.take_import(filepath=str(tmp_path / "film")) == {"FINISHED"}
    settle(hand)
    story = hand.story
    assert [(b.text, b.mode, b.chunks, b.frames) for b in story.beats] == [
        ("Wide shot: the bear walks in the forest.", "cut", 2, 21),
        ("Now the bear jumps.", "continue", 1, 12),
        ("Close shot: the bear waves.", "cut", 1, 9),
    ]
    # 33 and 42 frames of 16 a second are 51.6 and 65.6 of 25.
    assert places(hand) == [(1, 53), (53, 67)]
    for frame, number in ((1, 0), (2, 0), (3, 1), (52, 32), (53, 33), (66, 41)):
        meant = picture(tmp_path / "png" / "frames" / f"{number:06d}.png")
        assert apart(seen(scene, frame, tmp_path), meant) < CHROMA
    # The take itself is as it was.
    assert sorted(p.name for p in (tmp_path / "film").iterdir()) == [
        "contact_sheet.png",
        "manifest.json",
        "movie.mp4",
    ]
    assert Path(bpy.path.abspath(story.beats[0].take)).is_relative_to(takes)


def test_a_take_beside_beats_that_are_there(hand: Hand, tmp_path: Path) -> None:
    set_up_scene()
    hand.write("The fox walks.")
    take = numbered_take(tmp_path / "numbers", [("One.", 9)], [("Two.", 9)])
    assert bpy.ops.shotstream.take_import(filepath=str(take)) == {"FINISHED"}
    settle(hand)
    assert [beat.text for beat in hand.story.beats] == ["The fox walks.", "One.", "Two."]
    assert hand.story.global_caption == "A fox in a red coat."
    # The first beat has room: 9 frames, 0.56 s.
    assert places(hand) == [(15, 28), (28, 42)]
    assert bpy.ops.shotstream.take_import(filepath=str(take), replace=True) == {"FINISHED"}
    assert [beat.text for beat in hand.story.beats] == ["One.", "Two."]
    assert hand.story.global_caption == "Bars."


def test_what_is_no_take_is_named(hand: Hand, tmp_path: Path) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(RuntimeError) as caught:
            bpy.ops.shotstream.take_import(filepath=str(path))
        assert not hand.story.beats
        return str(caught.value)

    assert "cannot be read: No such file" in refused(tmp_path / "nothing.json")
    take = numbered_take(tmp_path / "numbers", [("One.", 9)])
    whole = json.loads((take / "manifest.json").read_text())
    for change, said in (
        ({"version": 2}, "version: not a ShotStream take"),
        ({"fps": 0}, "fps: not a ShotStream take"),
        ({"pictures": "../../etc"}, "outside of the take's folder"),
        ({"pictures": None, "movie": None}, "names neither a movie nor pictures"),
        ({"pictures": None, "movie": "movie.mp4"}, "the take's movie is not there"),
        ({"pictures": "gone"}, "the take's pictures are not there"),
        ({"shots": []}, "the take has no shot"),
    ):
        (take / "manifest.json").write_text(json.dumps({**whole, **change}))
        assert said in refused(take)
    (take / "manifest.json").write_text("{")
    assert "not a ShotStream take" in refused(take / "manifest.json")


def test_pictures_that_are_gone_are_said_and_stop_nothing(hand: Hand, tmp_path: Path) -> None:
    set_up_scene()
    take = numbered_take(tmp_path / "numbers", [("One.", 9)], [("Two.", 9)])
    bpy.ops.shotstream.take_import(filepath=str(take))
    settle(hand)
    shutil.rmtree(take / "frames")
    compat = module("compat")
    compat.strips(bpy.context.scene.sequence_editor).remove(strips(hand)[0])
    bpy.ops.shotstream.strips_lay_out()
    hand.for_seconds(0.2)
    assert "One.: there are no pictures in" in module("strip_sync").trouble()
    assert len(strips(hand)) == 1
    with pytest.raises(RuntimeError, match="are not in"):
        bpy.ops.shotstream.take_export(directory=str(tmp_path / "out"))


def test_a_movie_that_cannot_be_made_is_said(hand: Hand, tmp_path: Path) -> None:
    set_up_scene()
    module("preferences").get().shot_files = "movie"
    take = numbered_take(tmp_path / "numbers", [("One.", 9)])
    (take / "frames" / "000003.png").write_bytes(b"")
    # Where its movie would go there is a file.
    (tmp_path / "takes").mkdir(exist_ok=True)
    folder = Path(module("preferences").get().folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "strips").write_text("in the way")
    bpy.ops.shotstream.take_import(filepath=str(take))
    sync = module("strip_sync")
    hand.until(lambda: not sync.is_busy())
    assert "the strip's movie could not be made" in sync.trouble()
    assert not strips(hand)


def test_strips_survive_saving_loading_and_undo(hand: Hand, tmp_path: Path) -> None:
    set_up_scene()
    take = numbered_take(tmp_path / "numbers", [("One.", 9)], [("Two.", 9)])
    bpy.ops.shotstream.take_import("EXEC_DEFAULT", True, filepath=str(take))
    settle(hand)
    before = places(hand)
    path = str(tmp_path / "story.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    hand.for_seconds(0.2)
    assert places(hand) == before
    module("compat").move_content(strips(hand)[1], 90)
    bpy.ops.ed.undo_push(message="moved")
    item = hand.story.beats[0]
    other = numbered_take(tmp_path / "other", [("x", 9)])
    item.pictures, item.take = str(other / "frames"), str(other)
    module("strip_sync").ask(hand.story.uid, item.uid)
    settle(hand)
    # What came by itself is a step of its own: the move is still there after one undo.
    bpy.ops.ed.undo()
    assert places(hand) == [before[0], (90, 103)]
    hand.for_seconds(0.2)
    assert len(strips(hand)) == 2
