# SPDX-License-Identifier: Apache-2.0
"""What the checks share."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import bpy

EXTENSION = "bl_ext.user_default.shotstream_blender"
PATIENCE_S = 60.0


def module(name: str) -> ModuleType:
    """A module of the installed extension."""
    return importlib.import_module(f"{EXTENSION}.{name}")


class Hand:
    """Calls the timer when it is due, as Blender's event loop does, which a module without a window lacks."""

    def __init__(self) -> None:
        self.live = module("live")
        self.story_module = module("story")

    @property
    def studio(self) -> Any:
        """What is under way."""
        return self.live.studio()

    @property
    def story(self) -> Any:
        """The story of the scene."""
        return self.story_module.of(bpy.context.scene)

    @property
    def states(self) -> list[str]:
        """The beats' states."""
        return [item.state for item in self.story.beats]

    def write(self, *texts: str, chunks: int = 1, caption: str = "A fox in a red coat.") -> None:
        """Writes a story; a text that begins with > continues."""
        self.story.title = "The fox"
        self.story.global_caption = caption
        self.story.seed = 3
        for text in texts:
            mode = "continue" if text.startswith(">") else "cut"
            self.story_module.add_beat(self.story, text.lstrip("> "), mode=mode).chunks = chunks

    def until(self, condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        """Turns the timer until something holds."""
        deadline = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < deadline, self.why()
            time.sleep(self.live.tick() or 0.0)

    def for_seconds(self, seconds: float) -> None:
        """Turns the timer for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(min(0.02, self.live.tick() or 0.0))

    def until_done(self) -> None:
        """Turns the timer until every beat is done and its files are there."""
        self.until(lambda: not self.studio.busy and set(self.states) <= {"done", "failed"})
        self.for_seconds(0.1)

    def why(self) -> str:
        """How things stand, for a check that fails."""
        now = self.studio
        beats = [(item.text, item.state, item.reason) for item in self.story.beats]
        said = now.connection.message, now.message, now.server.message
        return f"{now.connection.link} {said} {beats} {list(self.live.errors)}"
