# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run asks of the story in the scene: what holds for all of it, and its beats as they are now."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class BeatNow:
    """A beat as it is in the scene at this moment.

    Attributes:
        text: What is to be seen.
        mode: ``cut`` or ``continue``.
        chunks: Its length.
        cut: ID of the beat that begins its shot.
    """

    text: str
    mode: str
    chunks: int
    cut: str


class Written(Protocol):
    """The story as it is written in the scene at that moment."""

    def order(self) -> list[str]:
        """IDs of the beats; none if the story is gone."""

    def beat(self, uid: str) -> BeatNow | None:
        """The beat of an ID; None if it is gone."""


@dataclass(frozen=True)
class Terms:
    """What holds for a whole story on the server; another value needs another story."""

    story_uid: str
    global_caption: str
    seed: int
