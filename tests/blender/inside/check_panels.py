# SPDX-License-Identifier: Apache-2.0
"""What the panels, the list and the status bar show in every state. Without a window they are drawn on paper
that takes what Blender's layout takes, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import blf
import bpy
import pytest
from blender_side import Hand, module

LAYOUT = bpy.types.UILayout.bl_rna


class Paper:
    """Notes every word, and refuses what Blender's layout does not have."""

    def __init__(self, words: list[str]) -> None:
        object.__setattr__(self, "words", words)

    def __setattr__(self, name: str, value: object) -> None:
        assert name in LAYOUT.properties, name

    def __getattr__(self, name: str) -> Callable[..., Any]:
        parameters = LAYOUT.functions[name].parameters

        def draw(*values: Any, **more: Any) -> Any:
            assert set(more) <= set(parameters.keys()), (name, more)
            if "icon" in more:
                assert more["icon"] in parameters["icon"].enum_items, more["icon"]
            self.words.append(str(more.get("text", "")))
            known = getattr(type(self), f"_{name}", None)
            return Paper(self.words) if known is None else known(self, *values)

        return draw

    def _prop(self, holder: Any, name: str) -> None:
        self.words.append(holder.bl_rna.properties[name].name)

    def _operator(self, name: str) -> Any:
        group, _, short = name.partition(".")
        kind = getattr(getattr(bpy.ops, group), short).get_rna_type()
        self.words.append(kind.name)
        return SimpleNamespace(**dict.fromkeys(kind.properties.keys()))

    def _template_list(self, kind: str, _: str, holder: Any, name: str, active: Any, place: str, **__: Any):
        draw_item = getattr(bpy.types, kind).draw_item
        assert active.bl_rna.properties[place].type == "INT"
        for index, item in enumerate(getattr(holder, name)):
            draw_item(None, bpy.context, Paper(self.words), holder, item, 0, active, place, index)


def shown() -> str:
    """All that is drawn now, in both places and the status bar."""
    words: list[str] = []
    context = SimpleNamespace(
        scene=bpy.context.scene,
        area=None,
        region=SimpleNamespace(width=4000),
        preferences=SimpleNamespace(
            system=SimpleNamespace(ui_scale=1.0), ui_styles=bpy.context.preferences.ui_styles
        ),
    )
    for name in ("story", "beat", "strips", "server"):
        for kind in vars(module(f"ui.panel_{name}")).values():
            if isinstance(kind, type) and kind.__name__.endswith("Panel"):
                panel = type("Drawn", (kind,), {"layout": Paper(words)})()
                if not hasattr(kind, "poll") or kind.poll(context):
                    panel.draw(context)
    module("ui.status_bar").draw(SimpleNamespace(layout=Paper(words)), context)
    for draw in (module("ui.menus").draw_import, module("ui.menus").draw_export):
        draw(SimpleNamespace(layout=Paper(words)), context)
    return "\n".join(words)


def test_an_empty_story_can_be_begun(hand: Hand) -> None:
    seen = shown()
    for words in ("Not connected", "Connect", "Start Server", "From Text", "Generate All", "Add Screen"):
        assert words in seen
    assert "%" not in seen


def test_a_story_in_progress_tells_of_each_shot(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", "> It jumps.", chunks=7)
    hand.story.active = 0
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: 0.2 < hand.story.beats[0].progress < 0.9)
    seen = shown()
    for words in (
        "mini, 128 x 80 at 16 fps",
        "128 x 80 at 16 fps",
        "1  Wide shot: the fox walks.",
        "3  It jumps.",
        f"{hand.story.beats[0].progress:.0%}",
        "Generating, beat 1 of 3",
        f"Generating, {hand.story.beats[0].frames} frames",
        f"ShotStream: generating, beat 1 of 3, {hand.studio.run.progress:.0%}",
        "ShotStream Live: 128 x 80",
    ):
        assert words in seen, (words, seen)
    hand.story.active = 1
    assert "Waits for its turn" in shown()
    bpy.ops.shotstream.stop()
    hand.until(lambda: not hand.studio.busy)
    hand.for_seconds(0.2)
    hand.story.active = 0
    seen = shown()
    assert f"Shot 1, {hand.story.beats[0].frames} frames" in seen
    # Its place in the story, whatever its number in the take is.
    hand.story.beats[0].shot = 7
    assert f"Shot 1, {hand.story.beats[0].frames} frames" in shown()
    hand.story.beats[0].shot = 0
    assert "stopped" in seen
    assert "ShotStream: generating" not in seen
    # A picture of each beat that has frames; without a window it has no icon.
    pictures = module("thumbnails")._previews
    assert max(pictures[hand.story.beats[0].uid].image_size) == 64
    assert hand.story.beats[2].uid not in pictures
    hand.story.beats[0].text = "Wide shot: the fox sleeps."
    assert "Text changed since" in shown()


def test_what_went_wrong_is_read_where_one_looks(hand: Hand) -> None:
    hand.write("The fox walks.", "x" * 2001)
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    # On top, whichever beat is active, and with the beat.
    hand.story.active = 0
    assert "Beat 2 failed: Text: " in shown()
    hand.story.active = 1
    assert shown().count("2001 characters") == 2
    # What has no room in its field is there as a whole.
    hand.story.global_caption = "A fox in a red coat. " * 40
    assert shown().count("A fox in a red coat.") > 38
    hand.studio.end()
    hand.studio.connection.drop("Something is wrong with the connection")
    hand.studio.server.message, hand.studio.server.phase = "It ended", type(hand.studio.server.phase).DIED
    module("strip_sync").say("No room for the strip")
    seen = shown()
    for words in ("Something is wrong with the connection", "It ended", "No room for the strip"):
        assert words in seen
    module("strip_sync").say("")


def test_what_is_made_again_for_a_shot_is_told_beforehand(hand: Hand) -> None:
    hand.write("The fox walks.", "> It jumps.", "The fox stands.", "The fox runs.")
    hand.story.active = 3
    assert "made again first" not in shown()
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    # The story is open on the server, with all of its shots.
    assert "made again first" not in shown()
    hand.studio.end()
    assert "To make this shot, the 2 shots before it must be made again first" in shown()
    hand.story.active = 2
    assert "To make this shot, the shot before it must be made again first" in shown()
    hand.story.active = 0
    assert "made again first" not in shown()


def test_strips_of_another_rate_are_told(hand: Hand, tmp_path: Path) -> None:
    from sequencer_side import numbered_take, set_up_scene, settle

    scene = set_up_scene(24.0)
    bpy.ops.shotstream.take_import(filepath=str(numbered_take(tmp_path / "numbers", [("One.", 9)])))
    settle(hand)
    assert "Strips were made" not in shown()
    scene.render.fps = 30
    seen = shown()
    assert "Strips were made for 24 fps, the scene has 30" in seen
    # The button that mends it stands below, beside the one of the panel Strips.
    assert seen.count("Lay Out Strips") == 2


def test_long_messages_are_read_to_the_end() -> None:
    wrapped, path = module("ui.places").wrapped, "/home/artist/" + "w" * 40
    text = f"The server closed the connection, or died. What came is kept, and it goes on: {path} ÄÖ"
    blf.size(0, 11)
    assert blf.dimensions(0, text)[0] > 400
    for room in (100, 150, 200, 203, 206, 300, 2000):
        lines = wrapped(text, room, 11)
        assert max(blf.dimensions(0, line)[0] for line in lines) <= room
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert [line for line in lines if "closed" in line]
    assert wrapped(text, 2000, 11) == [text]
    assert len(wrapped(text, 100, 11, most=2)) == 2
    assert wrapped(text, 100, 11, most=2)[1].endswith(" …")
    assert wrapped("", 100, 11) == []


def test_everything_says_what_it_does(hand: Hand) -> None:
    groups = [module("story").ShotStreamBeat, module("story").ShotStreamStory]
    groups += [module("strip_settings").ShotStreamStrips, module("preferences").ShotStreamPreferences]
    for kind in [*module("operators").OPERATORS, *groups]:
        rna = (
            kind.bl_rna if kind in groups else getattr(bpy.ops.shotstream, kind.bl_idname[11:]).get_rna_type()
        )
        if kind not in groups:
            assert rna.description, kind
            getattr(bpy.ops.shotstream, kind.bl_idname[11:]).poll()
        for name in kind.__annotations__:
            told = rna.properties[name]
            assert told.description or told.is_hidden or told.type == "COLLECTION", (kind, name)


def test_paper_refuses_what_blender_does_not_have(hand: Hand) -> None:
    paper = Paper([])
    with pytest.raises(KeyError):
        paper.labels(text="x")
    with pytest.raises(AssertionError):
        paper.label(text="x", icon="NO_SUCH_ICON")
    with pytest.raises(KeyError):
        paper.prop(hand.story, "nothing")
    with pytest.raises(KeyError):
        paper.operator("shotstream.nothing")
