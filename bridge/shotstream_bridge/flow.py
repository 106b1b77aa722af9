# SPDX-License-Identifier: Apache-2.0
"""Which frames a subscription gets, and when: credits, without sockets, threads or clocks.

A client grants credits and each frame sent takes one, so that what is in flight is bounded by the client's
choice. ``every`` keeps frames until they are sent and asks generation to wait; ``latest`` keeps the newest
and counts what it leaves out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from shotstream_bridge.errors import BacklogOverflowError, ErrorCode, RequestRejected
from shotstream_bridge.fields import WatchMode
from shotstream_bridge.payload import SharedPayloads

OVERRUN_FRAMES: Final = 256
"""Frames an ``every`` backlog still takes once it is full. A generator looks at ``wants_frames`` between
chunks, so
that the chunk in work always fits; running past this is a fault of the publisher and is raised to it."""


class FrameFlow(Protocol):
    """The flow of one subscription."""

    def check_room(self) -> None:
        """Raises BacklogOverflowError when :meth:`offer` has no room for another frame."""
        ...

    def offer(self, frame: SharedPayloads) -> None:
        """A frame was generated."""
        ...

    def take(self) -> tuple[SharedPayloads, int] | None:
        """The next frame to send and how many were left out before it, against one credit."""
        ...

    def grant(self, credits: int) -> None:
        """Adds credits; raises RequestRejected beyond the limit and leaves them unchanged."""
        ...

    @property
    def unconfirmed(self) -> int | None:
        """Number of the first frame that must not be forgotten yet; None for none."""
        ...

    @property
    def waiting(self) -> int:
        """Frames that wait to be taken."""
        ...

    @property
    def ready(self) -> bool:
        """Whether :meth:`take` would give a frame."""
        ...

    @property
    def wants_frames(self) -> bool:
        """Whether generation may go on, as far as this subscription is concerned."""
        ...


class _Credits:
    """Credits of one subscription, with their limit."""

    def __init__(self, credits: int, limit: int) -> None:
        self._limit = limit
        self.left = 0
        self.grant(credits)

    def grant(self, credits: int) -> None:
        if self.left + credits > self._limit:
            raise RequestRejected(
                ErrorCode.TOO_MANY_CREDITS,
                f"credits is {credits} and {self.left} are unused; at most {self._limit} are allowed",
                field="credits",
            )
        self.left += credits


class EveryFlow:
    """Lossless: every frame, in order.

    Once ``capacity`` frames wait, generation is asked to wait until half of them are gone; resuming at the
    first free place would wake the generator for every single frame.

    Args:
        credits: Credits granted with the subscription.
        credit_limit: Largest number of unused credits.
        capacity: Frames that may wait before generation does.
        earlier: Frames that exist already and come first.
    """

    def __init__(
        self, credits: int, credit_limit: int, capacity: int, earlier: Sequence[SharedPayloads] = ()
    ) -> None:
        self._credits = _Credits(credits, credit_limit)
        self._capacity = capacity
        self._most = capacity + OVERRUN_FRAMES + len(earlier)
        self._backlog: deque[SharedPayloads] = deque(earlier)
        self._full = len(self._backlog) >= capacity
        self._sent: deque[int] = deque()

    def check_room(self) -> None:
        """Raises BacklogOverflowError when the backlog and its reserve are used up."""
        if len(self._backlog) >= self._most:
            raise BacklogOverflowError(
                f"{len(self._backlog)} frames wait for an `every` watcher; "
                "let generation wait while wants_frames() is False"
            )

    def offer(self, frame: SharedPayloads) -> None:
        """Appends to the backlog."""
        self._backlog.append(frame)
        if len(self._backlog) >= self._capacity:
            self._full = True

    def take(self) -> tuple[SharedPayloads, int] | None:
        """The oldest frame; nothing is ever left out."""
        if not self.ready:
            return None
        self._credits.left -= 1
        frame = self._backlog.popleft()
        self._sent.append(frame.frame.index)
        if len(self._backlog) <= self._capacity // 2:
            self._full = False
        return frame, 0

    def grant(self, credits: int) -> None:
        """Adds credits; a client grants them as it has dealt with frames, so that as many are confirmed."""
        self._credits.grant(credits)
        for _ in range(min(credits, len(self._sent))):
            self._sent.popleft()

    @property
    def unconfirmed(self) -> int | None:
        """The oldest frame that was sent and not confirmed, or that waits."""
        if self._sent:
            return self._sent[0]
        return self._backlog[0].frame.index if self._backlog else None

    @property
    def waiting(self) -> int:
        """Frames in the backlog."""
        return len(self._backlog)

    @property
    def ready(self) -> bool:
        """A frame waits and a credit is left."""
        return bool(self._backlog) and self._credits.left > 0

    @property
    def wants_frames(self) -> bool:
        """False from a full backlog until half of it is gone."""
        return not self._full


class CatchingUpFlow(EveryFlow):
    """Lossless, and behind: it is given frames of before, a few at a time, until it has caught up.

    As long as it is behind it neither takes what is generated nor asks generation to wait.

    Args:
        credits: Credits granted with the subscription.
        credit_limit: Largest number of unused credits.
        capacity: Frames that may wait before generation does, once it has caught up.
        first: Number of the first frame wanted.
    """

    def __init__(self, credits: int, credit_limit: int, capacity: int, first: int) -> None:
        super().__init__(credits, credit_limit, capacity)
        self.capacity = capacity
        self.next_index = first
        self.behind = True
        self._expected = first

    def check_room(self) -> None:
        """As for `EveryFlow`, once it has caught up."""
        if not self.behind:
            super().check_room()

    def offer(self, frame: SharedPayloads) -> None:
        """Leaves the frame where it is, to be given later, as long as it is behind."""
        if not self.behind:
            super().offer(frame)

    def add(self, frames: Sequence[SharedPayloads], next_index: int) -> None:
        """Gives frames of before; those up to ``next_index`` that are not among them are lost."""
        self._backlog.extend(frames)
        self.next_index = next_index

    def catch_up(self, frames: Sequence[SharedPayloads]) -> None:
        """Gives the last frames of before: from now on it takes part."""
        self._backlog.extend(frames)
        self.behind = False

    def take(self) -> tuple[SharedPayloads, int] | None:
        """The oldest frame, and how many were lost before it."""
        taken = super().take()
        if taken is None:
            return None
        frame = taken[0]
        lost = frame.frame.index - self._expected
        self._expected = frame.frame.index + 1
        return frame, max(0, lost)

    @property
    def buffered(self) -> int:
        """Frames in the backlog."""
        return len(self._backlog)

    @property
    def waiting(self) -> int:
        """Frames in the backlog, and one at least that is not there yet while it is behind."""
        return len(self._backlog) + self.behind


class LatestFlow:
    """Live: the newest frame, and how many were left out before it.

    Args:
        credits: Credits granted with the subscription.
        credit_limit: Largest number of unused credits.
    """

    def __init__(self, credits: int, credit_limit: int) -> None:
        self._credits = _Credits(credits, credit_limit)
        self._newest: SharedPayloads | None = None
        self._skipped = 0

    def check_room(self) -> None:
        """There always is room."""

    def offer(self, frame: SharedPayloads) -> None:
        """Takes the place of the frame that waits, which counts as skipped."""
        if self._newest is not None:
            self._skipped += 1
        self._newest = frame

    def take(self) -> tuple[SharedPayloads, int] | None:
        """The newest frame."""
        if self._newest is None or self._credits.left == 0:
            return None
        self._credits.left -= 1
        taken = self._newest, self._skipped
        self._newest, self._skipped = None, 0
        return taken

    def grant(self, credits: int) -> None:
        """Adds credits."""
        self._credits.grant(credits)

    @property
    def unconfirmed(self) -> int | None:
        """None: what is lost on the way was only the newest at its time."""
        return None

    @property
    def waiting(self) -> int:
        """0 or 1."""
        return int(self._newest is not None)

    @property
    def ready(self) -> bool:
        """A frame waits and a credit is left."""
        return self._newest is not None and self._credits.left > 0

    @property
    def wants_frames(self) -> bool:
        """Always: a live watcher slows nobody."""
        return True


def open_flow(
    mode: WatchMode,
    credits: int,
    *,
    credit_limit: int,
    capacity: int,
    earlier: Sequence[SharedPayloads] = (),
) -> FrameFlow:
    """The flow for a subscription's mode; ``earlier`` is for ``every``.

    Raises:
        RequestRejected: ``too_many_credits``.
    """
    if mode is WatchMode.EVERY:
        return EveryFlow(credits, credit_limit, capacity, earlier)
    return LatestFlow(credits, credit_limit)
