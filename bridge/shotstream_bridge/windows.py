# SPDX-License-Identifier: Apache-2.0
"""What a client's subscriptions have in flight, and how each goes on after a lost connection."""

from __future__ import annotations

from dataclasses import dataclass

from shotstream_bridge.fields import WatchMode
from shotstream_bridge.requests import Subscribe


@dataclass
class Window:
    """One subscription of a client.

    Attributes:
        asked: What was asked for.
        automatic: Whether frames that the application was handed are granted again.
        left: Credits that the server may still use.
        held: Frames received that the application was not handed yet.
        spent: Frames handed to the application since the last grant.
        debt: Credits given in advance, to be taken off the next grants.
        confirmed: Whether the server has answered.
        next_frame: Number of the next frame; None while it is not known.
    """

    asked: Subscribe
    automatic: bool
    left: int
    held: int = 0
    spent: int = 0
    debt: int = 0
    confirmed: bool = False
    next_frame: int | None = None

    @property
    def story_id(self) -> str:
        """The story."""
        return self.asked.story_id

    @property
    def lossless(self) -> bool:
        """Whether it is to get every frame."""
        return self.asked.mode is WatchMode.EVERY

    def received(self, index: int) -> None:
        """A frame has arrived."""
        self.left -= 1
        self.held += 1
        self.next_frame = index + 1

    def consumed(self) -> int:
        """The application was handed a frame; returns how many credits to grant now.

        Grants go out for half a window at a time, which costs few messages and never empties the window.
        """
        self.held -= 1
        if not self.automatic:
            return 0
        self.spent += 1
        if 2 * self.spent < self.asked.credits:
            return 0
        spent, self.spent = self.spent, 0
        return self.granted(spent)

    def granted(self, credits: int) -> int:
        """Counts a grant; returns how many of its credits the server has not been given in advance."""
        advance = min(self.debt, credits)
        self.debt -= advance
        self.left += credits - advance
        return credits - advance

    def again(self, request: int) -> Subscribe:
        """The subscription on a new connection: it goes on where it was, with the credits it has."""
        credits = self.asked.credits - self.held if self.automatic else self.left
        self.spent = 0
        # A subscription has a credit at least. One that the application did not grant is taken off later.
        self.debt = max(0, 1 - credits)
        self.left = max(1, credits)
        changes = {
            "request": request,
            "credits": self.left,
            "from_frame": self.next_frame if self.lossless else None,
        }
        return self.asked.model_copy(update=changes)
