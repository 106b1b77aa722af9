# SPDX-License-Identifier: Apache-2.0
"""Undo, redo, save, load, new file, render and disabling while shots are generated."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from blender_side import EXTENSION, Hand, module
from sequencer_side import picture


def begin(hand: Hand, *, chunks: int = 6) -> None:
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", chunks=chunks)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames > 4)


def test_undo_while_generating_loses_no_frame(hand: Hand) -> None:
    bpy.ops.ed.undo_push(message="empty")
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", chunks=3)
    bpy.ops.ed.undo_push(message="written")
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames > 4)
    hand.story.beats[1].text = "Close shot: the fox sleeps."
    bpy.ops.ed.undo_push(message="edited")
    hand.for_seconds(0.3)
    bpy.ops.ed.undo()
    # What is under way is shown again at once, whatever the undo took back.
    hand.for_seconds(0.2)
    assert hand.story.beats[0].frames > 4
    bpy.ops.ed.redo()
    hand.for_seconds(0.2)
    hand.until_done()
    assert hand.states == ["done", "done"]
    assert [item.frames for item in hand.story.beats] == [33, 33]


def test_an_undo_to_when_a_beat_was_under_way_leaves_it_to_nobody(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.")
    bpy.ops.ed.undo_push(message="written")
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: "generating" in hand.states)
    bpy.ops.ed.undo_push(message="under way")
    hand.until_done()
    bpy.ops.shotstream.disconnect()
    hand.for_seconds(0.2)
    assert not hand.studio.sessions
    # Each shot that came is a step of its own.
    steps = 0
    while not {"queued", "generating"} & set(hand.states):
        assert bpy.ops.ed.undo() == {"FINISHED"}
        steps += 1
    hand.for_seconds(0.2)
    assert set(hand.states) <= {"done", "draft"}
    for _ in range(steps):
        bpy.ops.ed.redo()
    assert hand.states == ["done", "done"]


def test_undo_of_the_beats_themselves_ends_nothing_badly(hand: Hand) -> None:
    bpy.ops.ed.undo_push(message="empty")
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", chunks=2)
    bpy.ops.ed.undo_push(message="written")
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.studio.frames_received > 4)
    bpy.ops.ed.undo()
    assert not hand.story.beats
    hand.until(lambda: not hand.studio.busy)
    bpy.ops.ed.redo()
    hand.for_seconds(0.3)
    assert len(hand.story.beats) == 2
    # A beat that was gone when its turn came was not sent.
    assert hand.states[0] == "done"


def test_saving_while_generating(hand: Hand, tmp_path: Path) -> None:
    begin(hand)
    path = str(tmp_path / "story.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    hand.until_done()
    assert hand.states == ["done", "done"]
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert hand.states == ["done", "done"]
    assert Path(bpy.path.abspath(hand.story.beats[1].pictures)).is_dir()


def strip_paths() -> list[Path]:
    found = module("strip_marks").of_story(bpy.context.scene)
    named = [strip.directory if strip.type == "IMAGE" else strip.filepath for strip in found]
    return [Path(os.path.abspath(bpy.path.abspath(name))) for name in named]


def test_takes_made_before_the_first_save_go_with_the_file(hand: Hand, tmp_path: Path) -> None:
    chosen, sync = module("preferences").get(), module("strip_sync")
    chosen.folder, chosen.shot_files = "//shotstream/", "movie"
    unsaved = module("preferences").unsaved_folder()
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    hand.until(lambda: not sync.is_busy())
    assert Path(hand.story.beats[0].take).is_relative_to(unsaved)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first, second = (str(tmp_path / name / "story.blend") for name in ("one", "two"))
    bpy.ops.wm.save_as_mainfile(filepath=first)
    home = tmp_path / "one" / "shotstream"
    assert not list(unsaved.rglob("*.png"))

    def all_there() -> None:
        assert [item.take.startswith("//") for item in hand.story.beats] == [True, True]
        for item in hand.story.beats:
            take = Path(os.path.abspath(bpy.path.abspath(item.take)))
            assert take.is_relative_to(home)
            assert Path(os.path.abspath(bpy.path.abspath(item.pictures))) == take / "frames"
            assert Path(bpy.path.abspath(item.movie)).is_file()
        assert len(strip_paths()) == 2
        assert all(path.exists() and path.is_relative_to(home) for path in strip_paths())

    all_there()
    # The story is open on the server still: what comes now goes to the same take.
    bpy.ops.shotstream.regenerate_shot()
    hand.until_done()
    hand.until(lambda: not sync.is_busy())
    all_there()
    assert [item.shot for item in hand.story.beats] == [0, 2]
    bpy.ops.wm.save_mainfile()
    # A copy elsewhere, and then the file itself: the takes stay and are found from each of them.
    bpy.ops.wm.save_as_mainfile(filepath=second, copy=True)
    all_there()
    bpy.ops.wm.open_mainfile(filepath=second)
    all_there()
    bpy.ops.wm.open_mainfile(filepath=first)
    bpy.ops.wm.save_as_mainfile(filepath=second)
    all_there()
    bpy.ops.shotstream.strips_lay_out()
    hand.until(lambda: not sync.is_busy())
    assert not sync.trouble()
    assert bpy.ops.shotstream.take_export(directory=str(tmp_path / "out")) == {"FINISHED"}


def test_a_take_in_the_making_goes_with_the_first_save(hand: Hand, tmp_path: Path) -> None:
    chosen, sync = module("preferences").get(), module("strip_sync")
    chosen.folder, chosen.shot_files = "//shotstream/", "movie"
    unsaved = module("preferences").unsaved_folder()
    bpy.context.scene.render.fps = 24
    hand.write(
        "Wide shot: the fox walks.", "Close shot: the fox stands.", "Wide shot: the fox runs.", chunks=7
    )
    hand.story.beats[2].chunks = 60
    bpy.ops.shotstream.generate_all()
    # One shot is made into files, or waits for that, while frames of another arrive.
    hand.until(lambda: hand.studio.finisher.busy and hand.story.beats[2].frames > 9)
    assert hand.studio.run.running
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "story.blend"))
    assert not [path for path in unsaved.rglob("*") if path.is_file()]
    home = tmp_path / "shotstream"
    assert [item.take.startswith("//") for item in hand.story.beats] == [True] * 3
    hand.until_done()
    hand.until(lambda: not sync.is_busy())
    assert not sync.trouble()
    assert not hand.studio.message
    assert not [path for path in unsaved.rglob("*") if path.is_file()]
    (take,) = (path.parent for path in home.rglob("manifest.json"))
    frames = 2 * 81 + 9 + 59 * 12
    assert [path.name for path in sorted((take / "frames").iterdir())] == [
        f"{n:06d}.png" for n in range(frames)
    ]
    assert not list((take / "spool").iterdir())
    assert all(path.exists() and path.is_relative_to(home) for path in strip_paths())
    assert len(strip_paths()) == 3
    for item in hand.story.beats:
        assert Path(os.path.abspath(bpy.path.abspath(item.pictures))) == take / "frames"
        assert Path(bpy.path.abspath(item.movie)).is_file()
    # What was received before the save and after it is one picture after the other.
    manifest = json.loads((take / "manifest.json").read_text())
    assert (manifest["frames"], manifest["complete"]) == (frames, True)


def test_shots_whose_files_were_not_made_when_blender_ended_are_found_again(
    hand: Hand, tmp_path: Path, takes: Path, monkeypatch
) -> None:
    path = str(tmp_path / "story.blend")
    hand.write(*(f"Wide shot: the fox walks. {number}" for number in range(4)))
    monkeypatch.setattr(hand.studio.finisher, "poll", lambda: None)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.states == ["done"] * 4)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    assert [item.pictures for item in hand.story.beats] == [""] * 4
    folder = hand.studio.take.folder
    bpy.ops.preferences.addon_disable(module=EXTENSION)
    # One child makes all of them, and then its orders are gone; but one was killed with it.
    deadline = time.monotonic() + 30
    while list((folder / "spool").glob("*.json")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(list((folder / "frames").glob("*.png"))) == 36
    raw = np.stack([picture(folder / "frames" / f"{number:06d}.png") for number in range(27, 36)])
    for number in range(27, 36):
        (folder / "frames" / f"{number:06d}.png").unlink()
    (folder / "spool" / "0003.rgb").write_bytes(raw.tobytes())
    order = {"spool": "moved", "pictures": "moved", "width": 128, "height": 80, "fps": 16, "movie": "moved"}
    order |= {"indices": list(range(27, 36)), "dropped": 0}
    (folder / "spool" / "0003_9.json").write_text(json.dumps(order))
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    hand.live, hand.story_module = module("live"), module("story")
    module("preferences").get().folder, module("preferences").get().shot_files = str(takes), "pictures"
    bpy.ops.wm.open_mainfile(filepath=path)
    hand.until(lambda: all(item.pictures for item in hand.story.beats), 30)
    hand.until(lambda: len(strip_paths()) == 4 and not hand.studio.busy, 30)
    assert len(list((folder / "frames").glob("*.png"))) == 36
    assert not list((folder / "spool").iterdir())


def test_a_story_that_runs_is_not_cut_off_by_another(hand: Hand) -> None:
    begin(hand, chunks=2)
    first = bpy.context.scene
    with pytest.raises(RuntimeError, match="This story is being generated: wait for it, or Stop it"):
        bpy.ops.shotstream.generate_all()
    bpy.ops.scene.new(type="NEW")
    hand.write("Wide shot: a bear walks.")
    for generate in (bpy.ops.shotstream.generate_all, bpy.ops.shotstream.regenerate_shot):
        with pytest.raises(RuntimeError, match="The story of the scene 'Scene' is being generated"):
            generate()
    assert hand.states == ["draft"]
    hand.until(lambda: not hand.studio.busy)
    assert [(item.state, item.frames) for item in first.shotstream.beats] == [("done", 21)] * 2
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    assert hand.states == ["done"]


def test_a_new_file_while_generating_ends_the_story_and_keeps_its_frames(hand: Hand, takes: Path) -> None:
    begin(hand)
    folder = hand.studio.take.folder
    bpy.ops.wm.read_homefile(use_empty=True)
    assert hand.studio.run is None
    hand.until(lambda: not hand.studio.busy)
    assert (folder / "manifest.json").exists()
    assert len(list((folder / "frames").glob("*.png"))) > 4
    assert bpy.app.timers.is_registered(hand.live.tick)
    # The next file's story is generated as any other.
    hand.write("Wide shot: the fox runs.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    assert hand.states == ["done"]


def test_the_same_file_opened_again_while_generating_goes_on(hand: Hand, tmp_path: Path) -> None:
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", chunks=3)
    path = str(tmp_path / "story.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.studio.frames_received > 4)
    bpy.ops.wm.open_mainfile(filepath=path)
    hand.until_done()
    assert hand.states == ["done", "done"]
    assert [item.frames for item in hand.story.beats] == [33, 33]


def test_a_render_while_generating(hand: Hand, tmp_path: Path) -> None:
    begin(hand)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.render.resolution_x = scene.render.resolution_y = 16
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.filepath = str(tmp_path / "render.png")
    for _ in range(3):
        bpy.ops.render.render(write_still=True)
        hand.for_seconds(0.1)
    assert (tmp_path / "render.png").exists()
    hand.until_done()
    assert [item.frames for item in hand.story.beats] == [69, 69]


def test_while_a_render_runs_nothing_is_written_and_no_frame_is_lost(hand: Hand, monkeypatch) -> None:
    begin(hand, chunks=3)
    before = hand.story.beats[0].progress
    monkeypatch.setattr(module("compat"), "is_rendering", lambda: True)
    received = hand.studio.frames_received
    hand.until(lambda: hand.studio.frames_received > received + 20)
    assert hand.story.beats[0].progress == before
    monkeypatch.undo()
    hand.until_done()
    assert [item.frames for item in hand.story.beats] == [33, 33]


def test_a_mixdown_while_generating(hand: Hand, tmp_path: Path) -> None:
    if "container" not in bpy.ops.sound.mixdown.get_rna_type().properties:
        pytest.skip("this Blender was built without sound")
    begin(hand, chunks=3)
    bpy.context.scene.frame_end = 20
    assert bpy.ops.sound.mixdown(filepath=str(tmp_path / "sound.wav"), container="WAV", codec="PCM") == {
        "FINISHED"
    }
    assert (tmp_path / "sound.wav").stat().st_size > 44
    hand.until_done()
    assert [item.frames for item in hand.story.beats] == [33, 33]


def ours() -> list:
    """The extension's functions that Blender calls."""
    lists = [value for value in vars(type(bpy.app.handlers)) if not value.startswith("_")]
    found = [getattr(bpy.app.handlers, name) for name in lists]
    return [
        function
        for functions in found
        if isinstance(functions, list)
        for function in functions
        if (getattr(function, "__module__", None) or "").startswith(EXTENSION)
    ]


def test_disabling_while_generating_leaves_nothing(hand: Hand, takes: Path) -> None:
    threads = set(threading.enumerate())
    assert len(ours()) > 5
    begin(hand, chunks=20)
    folder, tick = hand.studio.take.folder, hand.live.tick
    bpy.ops.preferences.addon_disable(module=EXTENSION)
    try:
        assert not bpy.app.timers.is_registered(tick)
        assert len(ours()) == 0
        assert not hasattr(bpy.types.Scene, "shotstream")
        assert not hasattr(bpy.types, "SHOTSTREAM_PT_story_sequencer")
        assert tick() is None
        assert set(threading.enumerate()) == threads
        # Every frame that came becomes a file, though nobody waits for that.
        frames = json.loads((folder / "manifest.json").read_text())["frames"]
        assert frames > 4
        deadline = time.monotonic() + 20
        while len(list((folder / "frames").glob("*.png"))) < frames:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        bpy.ops.preferences.addon_enable(module=EXTENSION)
    # What the scene holds is there again, and works.
    hand.live, hand.story_module = module("live"), module("story")
    assert len(hand.story.beats) == 2
    module("preferences").get().address = os.environ["SHOTSTREAM_SERVER"]
    # Nobody works on its beats any more.
    hand.for_seconds(0.1)
    assert hand.states == ["draft", "draft"]
    hand.story.beats.clear()
    hand.write("Wide shot: the fox runs.")
    module("preferences").get().folder, module("preferences").get().shot_files = str(takes), "pictures"
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.states == ["done"])


def open_files() -> list[str]:
    """What this process holds open: sockets, shared memory, files and pipes."""
    return sorted(
        os.readlink(path).partition(":")[0]
        for path in Path("/proc/self/fd").iterdir()
        if os.path.islink(path)
    )


def shared_memory() -> set[str]:
    return {path.name for path in Path("/dev/shm").iterdir()}  # noqa: S108


def test_nothing_is_left_open_after_a_story(hand: Hand) -> None:
    def tell(text: str) -> None:
        hand.story.beats.clear()
        hand.write(text, chunks=2)
        bpy.ops.shotstream.generate_all()
        hand.until_done()
        bpy.ops.shotstream.disconnect()
        hand.until(lambda: not hand.studio.busy)
        hand.for_seconds(0.3)

    # What is made once and stays, as Blender's own caches, is there after the first.
    tell("Wide shot: the fox walks.")
    before, segments, images = open_files(), shared_memory(), len(bpy.data.images)
    for number in range(3):
        tell(f"Wide shot: the fox walks. {number}")
    assert open_files() == before
    assert shared_memory() <= segments
    assert len(bpy.data.images) == images
    assert not hand.studio.sessions


def test_a_timer_that_fails_goes_on_and_says_so(hand: Hand, monkeypatch, capsys) -> None:
    hand.write("Wide shot: the fox walks.")
    bpy.ops.shotstream.generate_all()

    def fail(_: float) -> None:
        raise ValueError("on purpose")

    monkeypatch.setattr(hand.studio, "pump", fail)
    assert hand.live.tick() > 0
    assert "on purpose" in hand.studio.message
    assert bpy.app.timers.is_registered(hand.live.tick)
    monkeypatch.undo()
    hand.until_done()
    assert hand.states == ["done"]
    hand.live.errors.clear()


def test_a_timer_that_is_gone_is_started_again_by_the_next_request(hand: Hand) -> None:
    bpy.app.timers.unregister(hand.live.tick)
    hand.write("Wide shot: the fox walks.")
    bpy.ops.shotstream.generate_all()
    assert bpy.app.timers.is_registered(hand.live.tick)


def pixels_of(image: bpy.types.Image) -> np.ndarray:
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    return np.round(values * 255)


def test_a_screen_shows_the_last_picture_of_a_story_that_is_there(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    image = module("live_picture").find()
    shown = pixels_of(image)
    bpy.data.images.remove(image)
    assert bpy.ops.shotstream.add_screen() == {"FINISHED"}
    assert np.array_equal(pixels_of(module("live_picture").find()), shown)


def test_the_screen_shows_the_live_picture(hand: Hand, tmp_path: Path) -> None:
    assert bpy.ops.shotstream.add_screen() == {"FINISHED"}
    # Grey, not black: nothing came yet.
    assert set(pixels_of(module("live_picture").find())) == {51, 255}
    screen = bpy.context.view_layer.objects.active
    nodes = screen.data.materials[0].node_tree.nodes
    image = next(node.image for node in nodes if node.type == "TEX_IMAGE")
    assert {node.type for node in nodes} == {"TEX_IMAGE", "EMISSION", "OUTPUT_MATERIAL"}
    hand.write("Wide shot: the fox walks.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    # Whatever size it had before, it is the same image.
    assert image == module("live_picture").find()
    assert tuple(image.size) == (128, 80)
    bpy.ops.ed.undo_push(message="screen")
    shown = pixels_of(image)
    # After an undo and a redo too: Blender gives the image back without its pixels.
    grey = np.full(shown.size, 0.2, np.float32)
    bpy.context.scene.frame_end += 1
    bpy.ops.ed.undo_push(message="something else")
    for step in (bpy.ops.ed.undo, bpy.ops.ed.redo):
        module("live_picture").find().pixels.foreach_set(grey)
        assert step() == {"FINISHED"}
        hand.for_seconds(0.1)
        assert np.array_equal(pixels_of(module("live_picture").find()), shown)
    # In a file that is opened again it shows the last picture: such pixels are not saved.
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "story.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "story.blend"))
    assert len(set(shown)) > 50
    assert np.array_equal(pixels_of(module("live_picture").find()), shown)
    assert "live" in module("thumbnails")._previews
    module("live_picture").find().pixels.foreach_set(grey)
    module("live_picture").restore()
    hand.for_seconds(0.1)
    assert np.array_equal(pixels_of(module("live_picture").find()), shown)
