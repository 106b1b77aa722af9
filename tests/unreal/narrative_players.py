# SPDX-License-Identifier: Apache-2.0
"""`shotstream-narrative-player`: what the Unreal plugin does in a game, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core_programs import PATIENCE_S, Player, Programs

EXAMPLE = Path(__file__).parents[2] / "examples" / "unreal" / "fox_and_thunder.shotstream"
Step = dict[str, Any]


def step(what: str, when: dict[str, Any] | None = None, **fields: Any) -> Step:
    """A step: what to do, and the happening that it waits for."""
    return {"do": {"what": what, **fields}, **({} if when is None else {"when": when})}


def reached(beat: str, stage: str) -> dict[str, Any]:
    """The happening of a beat that reached a stage."""
    return {"event": "beat", "beat": beat, "stage": stage}


STATE_READY = {"event": "state", "state": "ready"}
ENDED = {"event": "story_ended"}


@dataclass(frozen=True)
class Games:
    """Games that use the plugin, each a player of its own, with one server.

    Attributes:
        programs: Where the player is.
        address: The server's.
        folder: For the players' plans.
    """

    programs: Programs
    address: str
    folder: Path

    def play(
        self,
        *steps: Step,
        narrative: dict[str, Any] | None = None,
        identity: str = "",
        live: bool = False,
        limit_s: float = 2 * PATIENCE_S,
    ) -> Player:
        """Starts a player. It ends on its own after `limit_s`, also when nobody is left who could end it."""
        # As the plugin does: one for each game instance.
        identity = identity or f"game-{uuid.uuid4().hex}"
        plan: dict[str, Any] = {"identity": identity, "live": live, "limit_s": limit_s, "steps": steps}
        if narrative is not None:
            plan["narrative"] = narrative
        path = self.folder / f"{identity}.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        program = self.programs.folder / "shotstream-narrative-player"
        command = [str(program), self.address.removeprefix("tcp://"), str(path)]
        return Player(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))


def example() -> dict[str, Any]:
    """The narrative of the examples."""
    narrative: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return narrative
