# SPDX-License-Identifier: Apache-2.0
"""Beats, and the order in which they take effect."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

BeatMode = Literal["cut", "continue"]
BeatPolicy = Literal["queue", "replace", "interrupt"]


class BeatRefused(ValueError):
    """A beat that cannot enter the story.

    Attributes:
        field: Name of the offending field.
        reason: What is wrong and how to mend it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What happens next.

    Attributes:
        id: Identifier, unique in the story.
        text: What the frames show.
        mode: ``cut`` starts a new shot; ``continue`` changes the caption of a shot, its caches kept.
        policy: ``queue``: after everything that waits. ``replace``: waiting beats are dropped, the running
            one finishes. ``interrupt``: waiting beats are dropped and this one takes over at the next chunk
            boundary. ``None``: ``queue`` for a cut; a ``continue`` redirects the running shot from the next
            chunk on and leaves what waits in place.
        chunks: How many chunks it runs. ``None``: a cut runs for the model's default shot length, a
            ``continue`` for what remains of that length or of the running beat, whichever is more, and at
            least one chunk.
    """

    id: str
    text: str
    mode: BeatMode = "cut"
    policy: BeatPolicy | None = None
    chunks: int | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise BeatRefused("text", "is empty; say what the shot shows")
        if self.mode not in ("cut", "continue"):
            raise BeatRefused("mode", f"{self.mode!r} is unknown; use 'cut' or 'continue'")
        if self.policy not in (None, "queue", "replace", "interrupt"):
            raise BeatRefused("policy", f"{self.policy!r} is unknown; use 'queue', 'replace' or 'interrupt'")
        if self.chunks is not None and self.chunks < 1:
            raise BeatRefused("chunks", f"{self.chunks} is too small; use 1 or more, or leave it out")

    @property
    def takes_over(self) -> bool:
        """Whether the beat ends the running one at the next chunk boundary."""
        return self.policy == "interrupt" or (self.mode == "continue" and self.policy is None)


class BeatQueue:
    """Waiting beats; safe to use from several threads."""

    def __init__(self) -> None:
        self._waiting: deque[Beat] = deque()
        self._begun = False
        self._starting: Beat | None = None
        self._lock = threading.Lock()

    def push(self, beat: Beat) -> list[Beat]:
        """Adds a beat as its policy says and returns the waiting beats it dropped."""
        with self._lock:
            dropped: list[Beat] = []
            if beat.policy in ("replace", "interrupt"):
                dropped = list(self._waiting)
                self._waiting.clear()
            if beat.mode == "continue" and beat.policy is None:
                # It belongs to the running shot: behind earlier redirections, before all that waits its turn.
                # As long as nothing has begun, the first waiting cut is the shot it belongs to.
                waiting = list(self._waiting)
                begins = not self._begun and any(other.mode == "cut" for other in waiting)
                place = 1 + [other.mode for other in waiting].index("cut") if begins else 0
                while (
                    place < len(waiting) and waiting[place].mode == "continue" and waiting[place].takes_over
                ):
                    place += 1
                self._waiting.insert(place, beat)
            else:
                self._waiting.append(beat)
            return dropped

    def peek(self) -> Beat | None:
        """The beat that comes next."""
        with self._lock:
            return self._waiting[0] if self._waiting else None

    @property
    def starting(self) -> Beat | None:
        """A beat that has left the queue and does not run yet; see `started`."""
        with self._lock:
            return self._starting

    def pop(self) -> Beat | None:
        """Takes the beat that comes next; it counts as starting until `started` is called."""
        with self._lock:
            if not self._waiting:
                return None
            self._begun = True
            self._starting = self._waiting.popleft()
            return self._starting

    def begun(self) -> None:
        """Says that a beat has begun which was never in this queue."""
        with self._lock:
            self._begun = True

    def started(self) -> None:
        """Says that the beat taken last runs now."""
        with self._lock:
            self._starting = None

    def remove(self, beat_id: str) -> Beat | None:
        """Takes a waiting beat out; ``None`` where it does not wait."""
        with self._lock:
            for beat in self._waiting:
                if beat.id == beat_id:
                    self._waiting.remove(beat)
                    return beat
            return None

    def drop_continues(self) -> list[Beat]:
        """Takes out the beats that wait to go on with the running shot: those before the first cut."""
        with self._lock:
            dropped: list[Beat] = []
            while self._waiting and self._waiting[0].mode == "continue":
                dropped.append(self._waiting.popleft())
            return dropped

    def clear(self) -> list[Beat]:
        """Takes all waiting beats out."""
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
            return waiting

    def cuts(self) -> int:
        """How many of the waiting beats are cuts."""
        with self._lock:
            return sum(beat.mode == "cut" for beat in self._waiting)

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting)
