# SPDX-License-Identifier: GPL-3.0-or-later
"""One try to make a beat's frames: what was sent, and how far it came. No Blender, no sockets."""

from collections.abc import Iterable
from dataclasses import dataclass

from shotstream_bridge import BeatOutcome, BeatStage, BeatStatus


@dataclass
class Attempt:
    """A beat as it was, or will be, sent.

    Attributes:
        id: Names it on the server; a beat that is made again has another one.
        uid: The beat in the scene.
        recorded: Whether its frames are kept; those of earlier shots that are made again as history are not.
        request: Number of the request that it was made with; 0: alone, at once.
        policy: ``queue``, ``replace``, ``interrupt``, or None as the protocol defines it.
        planned: How many frames it was to have when its turn came.
        expected: How many it will have, as far as is known.
        received: How many have come.
        lost: How many never will.
        reason: Why it failed or is shorter than it was to be.
        notice: What the server said of its text: words that the model does not know, and the like.
    """

    id: str
    uid: str
    text: str
    mode: str
    policy: str | None
    chunks: int
    recorded: bool = True
    request: int = 0
    sent: bool = False
    shot: int | None = None
    first_frame: int | None = None
    planned: int = 0
    expected: int = 0
    received: int = 0
    lost: int = 0
    outcome: BeatOutcome | None = None
    rejected: bool = False
    reason: str = ""
    notice: str = ""

    @property
    def over(self) -> bool:
        """Whether the server is done with it."""
        return self.outcome is not None or self.rejected

    @property
    def waits_there(self) -> bool:
        """Whether it was sent, and its turn has not come."""
        return self.sent and not self.over and self.shot is None

    @property
    def complete(self) -> bool:
        """Whether the server is done with it and every frame has come."""
        return self.over and self.received + self.lost >= self.expected

    @property
    def state(self) -> str:
        """Its state in the scene."""
        if self.rejected or self.outcome is BeatOutcome.FAILED:
            return "failed"
        if not self.complete:
            return "generating" if self.shot is not None else "queued"
        if self.received:
            return "done"
        # Dropped while it waited.
        return "draft"

    @property
    def progress(self) -> float:
        """Share of its frames that has come, 0 to 1."""
        if self.complete:
            return 1.0 if self.received else 0.0
        return min(1.0, self.received / self.expected) if self.expected else 0.0

    def told(self, status: BeatStatus) -> None:
        """The server tells of a stage."""
        if status.shot is not None:
            self.shot, self.first_frame = status.shot, status.first_frame
        if status.stage is BeatStage.REJECTED:
            self.rejected = True
            self.reason = status.reason or status.code or "refused"
        elif status.stage is BeatStage.DONE:
            self.outcome = status.outcome
            self.expected = status.frames or 0
            self.reason = _why(status)

    @property
    def went_well(self) -> bool:
        """Whether it has become all that it was to be."""
        return self.outcome is BeatOutcome.COMPLETED and not self.lost

    def cut_short(self) -> None:
        """It was ended on purpose; what has come is all there is."""
        self.outcome = BeatOutcome.CANCELLED
        self.expected = self.received
        self.reason = "stopped" if self.received else ""

    def fail(self, reason: str) -> None:
        """It will not go on."""
        self.rejected = True
        self.reason = reason
        self.expected = self.received


def _why(status: BeatStatus) -> str:
    match status.outcome:
        case BeatOutcome.FAILED:
            return status.reason or status.code or "failed"
        case BeatOutcome.INTERRUPTED:
            return "interrupted: shorter than asked for"
        case BeatOutcome.CANCELLED:
            return "stopped" if status.frames else ""
        case _:
            return ""


def expected_frames(chunks: int, begins_shot: bool, per_chunk: int, in_first: int) -> int:
    """How many frames a beat of so many chunks has.

    Args:
        chunks: Its length.
        begins_shot: Whether the first of them is a shot's first, which is shorter.
        per_chunk: Frames of a chunk.
        in_first: Frames of a shot's first chunk.
    """
    return in_first + (chunks - 1) * per_chunk if begins_shot else chunks * per_chunk


def planned_frames(
    attempt: Attempt, others: Iterable[Attempt], usual: int, per_chunk: int, in_first: int
) -> int:
    """How many frames a beat will have, when its turn comes.

    A beat that continues a shot and names no length takes what is left of the beat before it or of the
    model's usual shot, whichever is more, and a chunk at least.

    Args:
        attempt: The beat; what it is a part of is known.
        others: Beats of the story; those of its shot before it count.
        usual: Chunks of a shot as the model usually makes it.
        per_chunk: Frames of a chunk.
        in_first: Frames of a shot's first chunk.
    """
    begins = attempt.mode == "cut"
    if begins or attempt.chunks or attempt.first_frame is None:
        return expected_frames(attempt.chunks or usual, begins, per_chunk, in_first)
    shot = [one for one in others if one.shot == attempt.shot and one.first_frame is not None]
    before = sorted((one.first_frame, one.planned) for one in shot if one.first_frame < attempt.first_frame)
    ends = [first + planned for first, planned in before[-1:]]
    ends += [first + expected_frames(usual, True, per_chunk, in_first) for first, _ in before[:1]]
    return max([end - attempt.first_frame for end in ends] + [per_chunk])
