# SPDX-License-Identifier: Apache-2.0
"""Generating against the real server: frames, files, live picture, steering."""

from __future__ import annotations

import json
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from blender_side import Hand, module
from sequencer_side import picture


def take_of(item) -> Path:
    return Path(bpy.path.abspath(item.take))


def test_a_story_becomes_frames_files_and_a_manifest(hand: Hand) -> None:
    hand.write(
        "Wide shot: the fox walks in the forest.", "> Now the fox jumps.", "Close shot: the fox stands."
    )
    assert bpy.ops.shotstream.generate_all() == {"FINISHED"}
    assert hand.states == ["queued"] * 3
    hand.until_done()
    assert hand.states == ["done"] * 3
    story = hand.story
    assert (story.width, story.height, story.fps) == (128, 80, 16)
    # 9 frames in a shot's first chunk, 12 in the others.
    assert [(b.shot, b.first_frame, b.frames) for b in story.beats] == [(0, 0, 9), (0, 9, 12), (1, 21, 9)]
    assert [(b.shot_first_frame, b.shot_frames) for b in story.beats] == [(0, 21), (0, 21), (21, 9)]
    assert [b.progress for b in story.beats] == [1.0] * 3
    take = take_of(story.beats[0])
    assert sorted(p.name for p in (take / "frames").iterdir()) == [f"{n:06d}.png" for n in range(30)]
    manifest = json.loads((take / "manifest.json").read_text())
    assert (manifest["frames"], manifest["complete"], manifest["seed"]) == (30, True, 3)
    assert [beat["outcome"] for beat in manifest["beats"]] == ["completed"] * 3
    assert [shot["frames"] for shot in manifest["shots"]] == [21, 9]
    assert [shot["beats"] for shot in manifest["shots"]] == [
        [f"{story.beats[0].uid}-1", f"{story.beats[1].uid}-1"],
        [f"{story.beats[2].uid}-1"],
    ]


def test_the_live_picture_is_the_newest_frame_and_not_flipped(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks in the forest.", chunks=4)
    bpy.ops.shotstream.generate_all()
    image, changes = None, set()
    while not changes or hand.studio.busy:
        hand.live.tick()
        image = module("live_picture").find()
        if image is not None:
            values = np.empty(len(image.pixels), np.float32)
            image.pixels.foreach_get(values)
            changes.add(hash(values.tobytes()))
        time.sleep(0.002)
    hand.until_done()
    # It moved on with the frames, and ends with the last one.
    assert len(changes) > 3
    last = picture(take_of(hand.story.beats[0]) / "frames" / "000044.png")
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    shown = np.round(values.reshape(80, 128, 4)[::-1, :, :3] * 255).astype(np.uint8)
    assert np.array_equal(shown, last)
    assert image.colorspace_settings.name == "sRGB"
    # A picture of sky and ground: flipped it would be another.
    assert not np.array_equal(shown[::-1], last)


def test_a_shots_movie_shows_its_frames(hand: Hand) -> None:
    module("preferences").get().shot_files = "movie"
    hand.write("Wide shot: the fox walks in the forest.", chunks=2)
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    item = hand.story.beats[0]
    assert not item.reason
    assert item.movie.endswith("000.mp4")
    clip = bpy.data.movieclips.load(bpy.path.abspath(item.movie))
    assert (tuple(clip.size), clip.frame_duration, round(clip.fps, 3)) == ((128, 80), 21, 16)
    take = take_of(item)
    scene = bpy.data.scenes.new("look")
    bpy.context.window.scene = scene
    editor = scene.sequence_editor_create()
    strips = module("compat").strips(editor)
    strips.new_movie("movie", bpy.path.abspath(item.movie), 1, 1)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 128, 80, 100
    # Blender plays a movie at its own rate, whatever the scene's.
    scene.render.fps, scene.render.dither_intensity = 16, 0
    scene.view_settings.view_transform = "Standard"
    scene.render.filepath = str(take / "look.png")
    pictures = [picture(take / "frames" / f"{number:06d}.png").astype(int) for number in range(21)]
    for number in (0, 10, 20):
        scene.frame_set(1 + number)
        bpy.ops.render.render(write_still=True)
        seen = picture(take / "look.png").astype(int)
        apart = [np.abs(seen - meant).mean() for meant in pictures]
        # Chroma is halved in the movie: colour edges differ a little, as much as frames of a slow movement.
        # Every frame is in its place: none but its neighbours is nearer.
        assert abs(int(np.argmin(apart)) - number) <= 1
        assert apart[number] < 4
        assert min(other for place, other in enumerate(apart) if abs(place - number) > 2) > apart[number]
    (take / "look.png").unlink()


def test_beats_that_wait_can_be_changed_and_deleted(hand: Hand) -> None:
    hand.write(*[f"Wide shot: the fox walks. {n}" for n in range(6)], chunks=2)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: "generating" in hand.states)
    assert hand.states[-1] == "queued"
    hand.story.beats[5].text = "Close shot: the fox at the beach."
    hand.story.active = 4
    bpy.ops.shotstream.beat_remove()
    hand.until_done()
    assert hand.states == ["done"] * 5
    assert hand.story.beats[4].made_text == "Close shot: the fox at the beach."
    manifest = json.loads((take_of(hand.story.beats[0]) / "manifest.json").read_text())
    assert [beat["text"] for beat in manifest["beats"]][-1] == "Close shot: the fox at the beach."


def test_beats_that_wait_go_in_the_order_that_the_list_has_when_their_turn_comes(hand: Hand) -> None:
    hand.write(*[f"Wide shot: the fox walks. {n}" for n in range(3)], chunks=3)
    hand.write("Close shot: the fox stands.", "> It sleeps.", "The fox runs.", chunks=0)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames)
    # Between a cut that waits and what continued it.
    hand.story.active = 5
    bpy.ops.shotstream.beat_move(direction="UP")
    hand.until_done()
    beats = list(hand.story.beats)[3:]
    assert [item.text for item in beats] == ["Close shot: the fox stands.", "The fox runs.", "It sleeps."]
    assert [item.shot for item in beats] == [3, 4, 4]
    # Seven chunks are a shot's usual length; beats that do not say share them.
    assert [item.frames for item in beats] == [9 + 6 * 12, 9 + 3 * 12, 3 * 12]
    assert not any(hand.story_module.changed_since(hand.story, n) for n in range(6))
    # A shot whose cut is gone is not made as the end of another one.
    hand.story.active = 3
    bpy.ops.shotstream.generate_from_here()
    hand.story.beats[4].text = ""
    hand.until_done()
    assert hand.states[3:] == ["done", "failed", "failed"]
    assert hand.story.beats[5].reason == "the shot that it continues was not made: generate that one"


def test_stop_keeps_what_came(hand: Hand) -> None:
    hand.write(
        "Wide shot: the fox walks.", "Close shot: the fox stands.", "Wide shot: the fox runs.", chunks=20
    )
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames > 4)
    assert bpy.ops.shotstream.stop() == {"FINISHED"}
    hand.until(lambda: not hand.studio.busy)
    hand.for_seconds(0.2)
    assert hand.states == ["done", "draft", "draft"]
    first = hand.story.beats[0]
    assert 4 < first.frames < 237
    assert first.reason == "stopped"
    assert len(list((take_of(first) / "frames").iterdir())) == first.frames
    assert not bpy.ops.shotstream.stop.poll()


def test_a_continue_that_was_stopped_with_its_new_shot_is_a_draft(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.", "> It jumps.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    hand.story.beats[0].chunks = 20
    bpy.ops.shotstream.regenerate_shot()
    hand.until(lambda: hand.story.beats[0].frames > 9)
    assert hand.states == ["generating", "queued"]
    bpy.ops.shotstream.stop()
    hand.until(lambda: not hand.studio.busy)
    hand.for_seconds(0.2)
    assert hand.states == ["done", "draft"]
    assert (hand.story.beats[1].frames, hand.story.beats[1].take) == (0, "")
    # One that was stopped before its shot had a frame has what it had.
    hand.story.beats[0].chunks = 1
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    bpy.ops.shotstream.regenerate_shot()
    bpy.ops.shotstream.stop()
    hand.until(lambda: not hand.studio.busy)
    hand.for_seconds(0.2)
    assert hand.states == ["done", "done"]


def test_a_shot_that_goes_on_after_its_files_were_made_is_whole(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    take = take_of(hand.story.beats[0])
    # Raw pixels go with the pictures.
    assert not list((take / "spool").iterdir())
    for number in range(2):
        hand.story_module.add_beat(hand.story, "Now the fox jumps.", mode="continue").chunks = 1
        bpy.ops.shotstream.direct_beat()
        hand.until_done()
        names = sorted(path.name for path in (take / "frames").iterdir())
        assert names == [f"{index:06d}.png" for index in range(21 + 12 * number)]
        assert not list((take / "spool").iterdir())
    assert [item.shot_frames for item in hand.story.beats] == [33] * 3


def test_a_beat_that_interrupts_takes_over_at_the_next_chunk(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.", chunks=30)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames > 4)
    hand.story_module.add_beat(hand.story, "Now the fox jumps.", mode="continue").chunks = 1
    hand.story.beats[1].policy = "interrupt"
    assert bpy.ops.shotstream.direct_beat() == {"FINISHED"}
    hand.until_done()
    first, second = hand.story.beats
    assert hand.states == ["done", "done"]
    assert first.frames < 9 + 29 * 12
    assert (first.frames - 9) % 12 == 0
    assert (second.shot, second.first_frame, second.frames) == (0, first.frames, 12)


def test_a_redirected_shot_that_waited_again_and_was_stopped_is_as_it_was(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", chunks=30)
    hand.story.beats[0].chunks = 20
    hand.story.active = 1
    bpy.ops.shotstream.generate_from_here()
    hand.until(lambda: hand.story.beats[1].frames > 4)
    hand.story_module.add_beat(hand.story, "Now the fox walks.", mode="continue")
    assert bpy.ops.shotstream.direct_beat() == {"FINISHED"}
    directed = hand.studio.run.attempts[f"{hand.story.beats[2].uid}-1"]
    hand.until(lambda: directed.planned)
    # It takes what is left of the shot, and says so from the start.
    planned = directed.planned
    hand.until(lambda: hand.states[1:] == ["done", "done"] and not hand.studio.busy)
    first, second = hand.story.beats[1:]
    assert planned == second.frames
    assert first.frames + second.frames == 9 + 29 * 12
    before = [(item.reason, item.frames, item.take, item.shot) for item in hand.story.beats[1:]]
    hand.story.active = 0
    bpy.ops.shotstream.generate_from_here()
    hand.until(lambda: hand.story.beats[0].frames > 4)
    assert hand.states == ["generating", "queued", "queued"]
    bpy.ops.shotstream.stop()
    hand.until(lambda: not hand.studio.busy)
    hand.for_seconds(0.2)
    assert [(item.reason, item.frames, item.take, item.shot) for item in hand.story.beats[1:]] == before
    assert hand.story_module.changes(list(hand.story.beats)[1:]) == ["", ""]


def test_what_a_directed_beat_replaces_is_a_draft_again(hand: Hand) -> None:
    hand.write(*[f"Wide shot: the fox walks. {n}" for n in range(6)], chunks=3)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames > 4)
    hand.story.active = 5
    hand.story_module.add_beat(hand.story, "Close shot: the fox stands.").chunks = 1
    hand.story.beats[6].policy = "replace"
    bpy.ops.shotstream.direct_beat()
    hand.until(lambda: not hand.studio.busy)
    hand.for_seconds(0.2)
    assert hand.states[0] == hand.states[6] == "done"
    assert hand.story.beats[0].frames == 33
    assert set(hand.states[2:6]) == {"draft"}


def test_directing_leaves_what_waits_whole(hand: Hand) -> None:
    # Of both shots some beats wait at the server and some here when the running shot is redirected.
    texts = (
        "the fox walks",
        "> it jumps",
        "> it sits",
        "> it runs",
        "the fox stands",
        "> it waves",
        "> it jumps",
    )
    hand.write(*texts, chunks=2)
    hand.story.beats[0].chunks = 30
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames > 4)
    hand.story_module.add_beat(hand.story, "it sleeps", mode="continue", index=1).chunks = 2
    assert bpy.ops.shotstream.direct_beat() == {"FINISHED"}
    hand.until_done()
    assert hand.states == ["done"] * 8
    first = hand.story.beats[0]
    assert first.frames < 9 + 29 * 12
    # The redirection came at once, and every other beat after it in full.
    assert [b.frames for b in hand.story.beats][1:] == [24, 24, 24, 24, 21, 24, 24]
    ends = [b.first_frame + b.frames for b in hand.story.beats]
    assert [b.first_frame for b in hand.story.beats][1:] == ends[:-1]
    assert [b.shot for b in hand.story.beats] == [0] * 5 + [1] * 3


def test_a_waiting_beat_that_is_directed_is_made_once_and_loses_nothing(hand: Hand) -> None:
    hand.write(
        "the fox walks", "> it jumps", *(t for n in range(4) for t in (f"the fox stands {n}", "> it runs"))
    )
    hand.story.beats[0].chunks = 20
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames > 4)
    # One that waits at the server redirects at once; a cut that waits here goes before the others.
    for index in (1, 6):
        hand.story.active = index
        assert bpy.ops.shotstream.direct_beat() == {"FINISHED"}
    hand.until_done()
    beats = list(hand.story.beats)
    assert hand.states == ["done"] * 10
    assert beats[0].frames < 9 + 19 * 12
    assert [b.frames for b in beats[1:]] == [12] + [9, 12] * 4
    # The third of the four goes before the second and the fourth.
    assert beats[6].shot < beats[8].shot
    assert beats[7].shot == beats[6].shot
    manifest = json.loads((take_of(beats[0]) / "manifest.json").read_text())
    assert sum(shot["frames"] for shot in manifest["shots"]) == sum(b.frames for b in beats)
    assert len(manifest["shots"]) == 5


def test_no_text_is_lost_at_a_cut(hand: Hand) -> None:
    # A cut and what continues it at once, a text changed while it waits, and a cut that interrupts: at each
    # of them a text could fall between two shots.
    hand.write(*(text for n in range(4) for text in (f"Wide shot: the fox walks. {n}", f"> It jumps. {n}")))
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[1].frames)
    hand.story.beats[7].text = "It sleeps."
    hand.until_done()
    hand.story_module.add_beat(hand.story, "Wide shot: the fox runs.").chunks = 20
    bpy.ops.shotstream.regenerate_shot()
    hand.until(lambda: hand.story.beats[8].frames > 9)
    hand.story_module.add_beat(hand.story, "Close shot: the fox at the beach.").chunks = 1
    hand.story.beats[9].policy = "interrupt"
    bpy.ops.shotstream.direct_beat()
    hand.until_done()
    beats = list(hand.story.beats)
    assert [item.made_text for item in beats] == [item.text for item in beats]
    assert all(item.frames for item in beats)
    manifest = json.loads((take_of(beats[0]) / "manifest.json").read_text())
    assert [beat["text"] for beat in manifest["beats"]] == [item.text for item in beats]
    assert [beat["shot"] for beat in manifest["beats"]] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 5]
    # What was said last is what is seen: another place.
    forest, beach = (
        picture(take_of(item) / "frames" / f"{item.first_frame:06d}.png").mean(axis=(0, 1))
        for item in beats[8:]
    )
    assert np.abs(forest - beach).max() > 10


def test_a_shot_made_again_has_the_others_as_its_history(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", "Wide shot: the fox runs.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    before = [(b.take, b.shot, b.first_frame) for b in hand.story.beats]
    hand.story.active = 1
    hand.story.beats[1].text = "Close shot: the fox waves."
    assert bpy.ops.shotstream.regenerate_shot() == {"FINISHED"}
    assert hand.states == ["done", "queued", "done"]
    hand.until_done()
    after = [(b.take, b.shot, b.first_frame) for b in hand.story.beats]
    assert (after[0], after[2]) == (before[0], before[2])
    # One more shot of the same story on the server: its neighbours on both sides are its history.
    assert after[1] == (before[1][0], 3, 27)
    assert hand.story.beats[1].made_text == "Close shot: the fox waves."


def strips_now() -> dict[str, tuple]:
    """Place and content of each strip, by its shot."""
    compat, marks = module("compat"), module("strip_marks")
    return {
        strip[marks.BEAT]: (compat.left(strip), compat.right(strip), strip.channel, strip[marks.MADE])
        for strip in marks.of_story(bpy.context.scene)
    }


def test_without_an_open_story_the_shots_before_are_made_again_and_not_kept(hand: Hand) -> None:
    hand.write(
        "Wide shot: the fox walks.", "> The fox jumps.", "Close shot: the fox stands.", "The fox runs."
    )
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    first_take = hand.story.beats[0].take
    whole = picture(take_of(hand.story.beats[2]) / "frames" / "000021.png")
    sync = module("strip_sync")
    hand.until(lambda: not sync.is_busy())
    before = strips_now()
    assert len(before) == 3
    again = [item.uid for item in module("generating").made_again(hand.story, hand.story.beats[2])]
    assert not again
    hand.studio.end()
    again = [item.uid for item in module("generating").made_again(hand.story, hand.story.beats[2])]
    assert again == [item.uid for item in hand.story.beats[:2]]
    hand.story.active = 2
    bpy.ops.shotstream.regenerate_shot()
    assert hand.states == ["done", "done", "queued", "done"]
    while hand.states[2] != "done":
        # The strips of all shots stay as they are, also while the others are made again.
        hand.for_seconds(0.02)
        assert strips_now() == before or hand.states[2] == "done"
    hand.until_done()
    hand.until(lambda: not sync.is_busy())
    after, uid = strips_now(), hand.story.beats[2].uid
    assert after.pop(uid) != before.pop(uid)
    assert after == before
    item = hand.story.beats[2]
    assert item.take != first_take
    assert (item.shot, item.first_frame, item.frames) == (1, 21, 9)
    assert hand.story.beats[0].take == first_take
    assert [p.name for p in sorted((take_of(item) / "frames").iterdir())] == [
        f"{n:06d}.png" for n in range(21, 30)
    ]
    # The same text after the same shots and seed: the same pictures.
    assert np.array_equal(picture(take_of(item) / "frames" / "000021.png"), whole)


def test_selected_and_from_here_make_whole_shots(hand: Hand) -> None:
    hand.write("The fox walks.", "> The fox jumps.", "The fox stands.", "The fox runs.")
    with pytest.raises(RuntimeError, match="no beat to generate"):
        bpy.ops.shotstream.generate_selected()
    hand.story.beats[1].selected = True
    bpy.ops.shotstream.generate_selected()
    hand.until(lambda: not hand.studio.busy)
    assert hand.states == ["done", "done", "draft", "draft"]
    hand.story.active = 2
    bpy.ops.shotstream.generate_from_here()
    hand.until_done()
    assert hand.states == ["done"] * 4
    assert [item.shot for item in hand.story.beats] == [0, 0, 1, 2]


def test_a_beat_without_text_is_named_before_anything_is_sent(hand: Hand) -> None:
    hand.write("The fox walks.", "")
    with pytest.raises(RuntimeError, match="Beat 2 has no text"):
        bpy.ops.shotstream.generate_all()
    assert hand.states == ["draft", "draft"]
    assert hand.studio.run is None


def test_a_beat_that_the_server_would_refuse_fails_alone(hand: Hand) -> None:
    hand.write("The fox walks.", "x" * 2001, "The fox stands.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    assert hand.states == ["done", "failed", "done"]
    assert "2001 characters" in hand.story.beats[1].reason


def test_a_caption_that_is_too_long_fails_with_the_number(hand: Hand) -> None:
    hand.write("The fox walks.", caption="x" * 8001)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.states == ["failed"], 20)
    assert "8001 characters" in hand.story.beats[0].reason
    # On top of the panel, in the panel's own words.
    hand.for_seconds(0.05)
    assert hand.studio.message.startswith("The story went no further. Caption: ")
    assert "8001 characters" in hand.studio.message


def test_what_the_model_does_not_know_is_told_with_the_beat(hand: Hand) -> None:
    hand.write("Wide shot: a dragon flies over the volcano.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    assert hand.states == ["done"]
    assert "dragon" in hand.story.beats[0].reason
