# SPDX-License-Identifier: GPL-3.0-or-later
"""A story on the server: what is sent when, and what becomes of the answers. Knows nothing of Blender's data.

The server's story stays open after its last beat, so that a shot made again later has the others as its
history. A beat is sent as late as possible: until then its text can be changed.
"""

import contextlib
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable

from pydantic import ValidationError
from shotstream_bridge import (
    BeatMode,
    BeatPolicy,
    BeatScript,
    BeatStage,
    BeatStatus,
    BridgeError,
    Client,
    ClientEvent,
    ConnectionResumed,
    Error,
    ErrorCode,
    FrameDamaged,
    FramesMissed,
    Notice,
    ReceivedFrame,
    StoryClosed,
    StoryEnd,
    StoryHandle,
)

from . import strip_times
from .attempts import Attempt, expected_frames, planned_frames
from .written import Terms, Written

AHEAD = 2
"""Beats at the server behind the running one: it prepares the next while that runs."""
CREDITS = 16


class StoryRun:
    """One story on the server.

    Args:
        terms: What holds for all of it.
        title: For people.
        written: The story as it is at the moment.
        on_frame: Called with every frame that is to be recorded, and its attempt.

    Attributes:
        attempts: Every beat that is or was under way, by the name it has on the server.
        end: Why the story is over, if it is; empty if it was ended on purpose.
    """

    def __init__(
        self,
        terms: Terms,
        title: str,
        written: Written,
        on_frame: Callable[[ReceivedFrame, Attempt], None],
    ) -> None:
        self.terms = terms
        self.title = title
        self.story_id = f"blender-{uuid.uuid4().hex[:16]}"
        self.attempts: dict[str, Attempt] = {}
        self.end: str | None = None
        self.notices: list[Notice] = []
        self._pending: deque[Attempt] = deque()
        self._written = written
        self._on_frame = on_frame
        self._handle: StoryHandle | None = None
        self._next_frame = 0
        # Between a restored connection and the first news of the story: whether the server still knows it.
        self._asking_whether_known = False
        self._to_send_again = False
        self._client: Client | None = None
        # The cut of the shot that was sent last: what continues it comes next.
        self._cut_sent = ""
        # How many beats there were when nothing was under way last.
        self._before = 0
        self._requests = 0
        self.began_at = time.monotonic()

    # --- what is asked for --------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether anything is under way or waits."""
        return self.end is None and (
            bool(self._pending) or any(not a.complete for a in self.attempts.values())
        )

    @property
    def current(self) -> list[Attempt]:
        """The beats that were asked for since nothing was under way."""
        return list(self.attempts.values())[self._before :]

    @property
    def progress(self) -> float:
        """Share of all that is asked for that has come, 0 to 1."""
        frames = [(self._length(a), a.received + a.lost) for a in self.current]
        whole = sum(length for length, _ in frames)
        return sum(min(pair) for pair in frames) / whole if whole else 0.0

    def add(self, beats: Iterable[tuple[str, str, str, int]], *, recorded: bool = True) -> None:
        """Queues beats.

        Args:
            beats: ID, text, mode and chunks of each.
            recorded: Whether their frames are kept.
        """
        self._note_begin()
        self._requests += 1
        for uid, text, mode, chunks in beats:
            attempt = self._attempt(uid, text, mode, "queue", chunks)
            attempt.recorded, attempt.request = recorded, self._requests
            self._pending.append(attempt)

    def direct(self, uid: str, text: str, mode: str, policy: str | None, chunks: int) -> None:
        """Sends a beat at once, by its own policy. If it waits already, it does so no more."""
        self._note_begin()
        if policy in ("replace", "interrupt"):
            self._drop_pending()
        else:
            if any(a.uid == uid and a.waits_there for a in self.attempts.values()):
                if mode == "cut" or policy == "queue":
                    # It is next there, with what continues it behind it.
                    return
                self._take_back(uid)
            for waiting in [a for a in self._pending if a.uid == uid]:
                self._pending.remove(waiting)
                waiting.cut_short()
            if mode == "cut":
                # What continues the shot before goes with that one.
                while self._pending and self._handle is not None and self._next().mode == "continue":
                    self._send(self._next())
        attempt = self._attempt(uid, text, mode, policy, chunks)
        self._pending.appendleft(attempt)
        self._send(attempt)
        if attempt.mode == "cut" and attempt.sent:
            self._send_what_continues(uid)

    def stop(self) -> None:
        """Takes back what waits; the running beat ends at the next chunk."""
        self._drop_pending()
        if self._handle is None:
            return
        for attempt in self.attempts.values():
            if attempt.sent and not attempt.over:
                self._handle.cancel_beat(attempt.id)

    def close(self) -> None:
        """Ends the story on the server; what was received is kept."""
        if self.end is None and self._handle is not None:
            # Without a connection the server ends it by itself.
            with contextlib.suppress(BridgeError):
                self._handle.close(drain=False)
        self.over("")

    def over(self, reason: str) -> None:
        """The story goes no further.

        Args:
            reason: Why; empty if that was wanted, so that nothing has failed.
        """
        if self.end is not None:
            return
        self.end = reason
        self._drop_pending(reason)
        for attempt in self.attempts.values():
            if attempt.complete:
                continue
            if reason:
                attempt.fail(reason)
            else:
                attempt.cut_short()

    # --- pumping ------------------------------------------------------------------------------------------

    def feed(self, client: Client) -> None:
        """Opens the story and sends what is due."""
        if self.end is not None:
            return
        if self._handle is None or client is not self._client:
            try:
                self._open(client)
            except ValidationError as error:
                self.over(_explain(error))
                return
            if self._to_send_again:
                self._send_again()
        while self._pending:
            under_way = sum(a.sent and not a.over for a in self.attempts.values())
            if under_way > AHEAD:
                return
            self._send(self._next())

    def handle(self, event: ClientEvent) -> None:
        """Takes in what has happened."""
        match event:
            case ConnectionResumed():
                self._asking_whether_known = True
            case ReceivedFrame() if event.header.story_id == self.story_id:
                self._frame(event)
            case BeatStatus() if event.story_id == self.story_id:
                self._told(event)
            case FramesMissed() if event.story_id == self.story_id:
                self._missed(event.count, f"{event.count} frames were lost with the connection")
            case FrameDamaged() if event.header.story_id == self.story_id:
                self._missed(1, f"frame {event.header.index} arrived damaged")
            case Notice() if event.story_id == self.story_id:
                self._noticed(event)
            case StoryClosed() if event.story_id == self.story_id:
                self._closed(event)
            case Error() if event.story_id == self.story_id:
                self._refused(event)

    # --- inside -------------------------------------------------------------------------------------------

    def _attempt(self, uid: str, text: str, mode: str, policy: str | None, chunks: int) -> Attempt:
        number = 1 + sum(a.uid == uid for a in self.attempts.values())
        attempt = Attempt(f"{uid}-{number}", uid, text, mode, policy, chunks)
        self.attempts[attempt.id] = attempt
        return attempt

    def _take_back(self, uid: str) -> None:
        """Has the server forget a beat that waits there."""
        for attempt in self.attempts.values():
            if attempt.uid == uid and attempt.waits_there:
                self._handle.cancel_beat(attempt.id)

    def _send_what_continues(self, cut: str) -> None:
        """Sends the beats that continue a shot and wait here: behind another cut they would be lost."""
        order = {uid: place for place, uid in enumerate(self._written.order())}
        for attempt in sorted(self._pending, key=lambda attempt: order.get(attempt.uid, -1)):
            now = self._written.beat(attempt.uid)
            if attempt.request and now is not None and now.mode == "continue" and now.cut == cut:
                self._send(attempt)

    def _note_begin(self) -> None:
        if not self.running:
            self._before = len(self.attempts)

    def _length(self, attempt: Attempt) -> int:
        """How many frames a beat has or will have, as far as is known."""
        if attempt.expected or attempt.over:
            return attempt.expected
        chunks = attempt.chunks or strip_times.CHUNKS
        per_chunk, in_first = strip_times.PER_CHUNK, strip_times.IN_FIRST
        return expected_frames(chunks, attempt.mode == "cut", per_chunk, in_first)

    def _next(self) -> Attempt:
        """The beat whose turn it is: of those that were asked for together, the first in the story as it is
        now.
        """
        first = self._pending[0]
        if not first.recorded or not first.request:
            return first
        places = {uid: place for place, uid in enumerate(self._written.order())}
        together = [attempt for attempt in self._pending if attempt.request == first.request]
        return min(together, key=lambda attempt: places.get(attempt.uid, -1))

    def _drop_pending(self, failed: str = "") -> None:
        """Takes back what was not sent: drafts again, unless it failed, with the reason."""
        while self._pending:
            attempt = self._pending.popleft()
            if failed:
                attempt.fail(failed)
            else:
                attempt.cut_short()

    def _open(self, client: Client) -> None:
        self._client = client
        self._handle = client.open_story(
            global_caption=self.terms.global_caption,
            seed=self.terms.seed,
            title=self.title or None,
            story_id=self.story_id,
            wait=0,
        )
        self._handle.subscribe("every", credits=CREDITS, from_frame=self._next_frame, memory=True, wait=0)

    def _send(self, attempt: Attempt) -> None:
        if self._handle is None:
            return
        self._pending.remove(attempt)
        if attempt.recorded and attempt.policy == "queue":
            now = self._written.beat(attempt.uid)
            if now is None:
                attempt.fail("deleted before its turn came")
                return
            attempt.text, attempt.mode, attempt.chunks = now.text, now.mode, now.chunks
            if attempt.request and now.mode == "continue" and now.cut != self._cut_sent:
                attempt.fail("the shot that it continues was not made: generate that one")
                return
        if not any(a.sent for a in self.attempts.values()):
            # Nothing is there to be continued.
            attempt.mode = "cut"
        attempt.sent = True
        if self._submit(attempt, attempt.policy, attempt.chunks) and attempt.mode == "cut":
            self._cut_sent = attempt.uid

    def _submit(self, attempt: Attempt, policy: str | None, chunks: int) -> bool:
        """Sends a beat; returns whether it could be."""
        try:
            script = BeatScript(
                id=attempt.id,
                text=attempt.text,
                mode=BeatMode(attempt.mode),
                policy=None if policy is None else BeatPolicy(policy),
                chunks=chunks or None,
            )
        except ValidationError as error:
            attempt.fail(_explain(error))
            return False
        self._handle.submit_beat(script)
        return True

    def _send_again(self) -> None:
        """Tells a server that was started anew of every beat so far.

        One with a journal knows them, and goes on. One without makes the story again from the same seed: what
        was received before is its history, and is not sent a second time.
        """
        self._to_send_again = False
        server = self._client.server
        for attempt in self.attempts.values():
            if not attempt.sent or (attempt.complete and not attempt.received):
                continue
            chunks = attempt.chunks
            if attempt.complete:
                # As long as it became, if something ended it early.
                in_first = server.frames_in_first_chunk if attempt.mode == "cut" else server.frames_per_chunk
                chunks = 1 + max(0, attempt.received + attempt.lost - in_first) // server.frames_per_chunk
            self._submit(attempt, "queue", chunks)

    def _told(self, status: BeatStatus) -> None:
        attempt = self.attempts.get(status.beat_id)
        if attempt is None:
            return
        if attempt.complete:
            return
        self._asking_whether_known = False
        known = attempt.shot is not None
        attempt.told(status)
        if status.stage is BeatStage.SCHEDULED and not known:
            server = self._client.server
            attempt.planned = attempt.expected = planned_frames(
                attempt,
                self.attempts.values(),
                server.chunks_per_shot,
                server.frames_per_chunk,
                server.frames_in_first_chunk,
            )

    def _frame(self, frame: ReceivedFrame) -> None:
        header = frame.header
        if header.index < self._next_frame:
            return
        self._next_frame = header.index + 1
        self._asking_whether_known = False
        attempt = self.attempts.get(header.beat_id)
        if attempt is None:
            return
        attempt.shot = header.shot
        attempt.first_frame = header.index if attempt.first_frame is None else attempt.first_frame
        attempt.received += 1
        if attempt.recorded:
            self._on_frame(frame, attempt)

    def _noticed(self, notice: Notice) -> None:
        if notice.code == "memory_unavailable":
            return  # the server is on another machine, which is no news
        self.notices.append(notice)
        attempt = self.attempts.get(notice.beat_id or "")
        if attempt is not None and notice.text not in attempt.notice:
            attempt.notice = f"{attempt.notice} {notice.text}".strip()

    def _missed(self, count: int, reason: str) -> None:
        for attempt in reversed(self.attempts.values()):
            if attempt.shot is not None and not attempt.complete:
                attempt.lost += count
                attempt.reason = reason
                return

    def _refused(self, error: Error) -> None:
        if error.code == ErrorCode.UNKNOWN_STORY and (self._handle is None or self._asking_whether_known):
            return  # of a server that was started anew: everything is sent again
        attempt = self.attempts.get(error.beat_id or "")
        if attempt is not None:
            if not attempt.complete:
                attempt.fail(error.reason)
        else:
            self.over(f"the server refused: {error.reason}")

    def _closed(self, closed: StoryClosed) -> None:
        if self._asking_whether_known and closed.end is StoryEnd.FAILED:
            self._handle = None
            self._to_send_again = True
            return
        reason = closed.reason or f"the server ended the story ({closed.end.value.replace('_', ' ')})"
        self.over(reason)


_NAMES = {"global_caption": "Caption", "title": "Title", "seed": "Seed", "text": "Text", "chunks": "Chunks"}
"""What the panel calls the fields of the protocol."""


def _explain(error: ValidationError) -> str:
    """What is wrong with a text or a number, in one line."""
    wrong = []
    for told in error.errors():
        field = str(told["loc"][-1]) if told["loc"] else "beat"
        wrong.append(f"{_NAMES.get(field, field)}: {told['msg'].removeprefix('Value error, ')}")
    return "; ".join(wrong)
