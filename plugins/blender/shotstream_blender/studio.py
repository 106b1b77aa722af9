# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is under way, in one place: connection, stories with their takes, files, local server.

Nothing here refers to Blender's data: a story and its beats are named by their IDs and looked up when needed,
so that undo and the loading of a file leave nothing stale.
"""

import time
from collections import deque
from collections.abc import Callable

from shotstream_bridge import ClientEvent, ReceivedFrame

from . import story, take_files
from .connection import Connection, Link
from .finishing import Finisher
from .local_server import LocalServer
from .run import StoryRun
from .session import Session
from .written import BeatNow, Terms


class Studio:
    """What is under way.

    Attributes:
        connection: To the server.
        server: The one on this machine.
        finisher: Makes files of shots.
        newest: The newest frame that is not shown yet.
        shot_ready: Called with the story's and the cut beat's ID once a shot's files are there, by the timer.
        frames_received: All of them.
        look_again: Whether the scene may say of beats that they are under way, and they are not.
    """

    def __init__(self) -> None:
        self.server = LocalServer()
        self.connection = Connection(self.server.leaves)
        self.finisher = Finisher()
        self.newest: ReceivedFrame | None = None
        self.shot_ready: list[Callable[[str, str], None]] = []
        self.frames_received = 0
        self.look_again = True
        self._message = ""
        self._session: Session | None = None
        # Stories that are over, while their files are made.
        self._ending: list[Session] = []
        self._events: deque[ClientEvent] = deque()

    @property
    def run(self) -> StoryRun | None:
        """The story on the server, while there is one."""
        return None if self._session is None else self._session.run

    @property
    def take(self) -> take_files.Take | None:
        """The take that is being recorded."""
        return None if self._session is None else self._session.take

    @property
    def sessions(self) -> list[Session]:
        """The stories whose beats are to be kept up to date, the newest last."""
        return [*self._ending, self._session] if self._session is not None else self._ending

    @property
    def message(self) -> str:
        """What the user should know, beside the connection's message."""
        return self._message or (self._session.message if self._session is not None else "")

    @message.setter
    def message(self, text: str) -> None:
        self._message = text
        if not text and self._session is not None:
            self._session.message = ""

    @property
    def busy(self) -> bool:
        """Whether frames are expected, or files are being made."""
        unsaved = self._session is not None and self._session.unsaved
        running = self.run is not None and self.run.running
        return running or unsaved or self.finisher.busy or bool(self._events)

    @property
    def streaming(self) -> bool:
        """Whether frames may come at any moment."""
        running = self.run is not None and self.run.running
        return bool(self._events) or (running and self.connection.online)

    # --- what operators ask for ---------------------------------------------------------------------------

    def begin(self, terms: Terms, title: str) -> StoryRun:
        """Begins another story on the server; the one before ends, and what was received of it is kept."""
        self.end()
        self.message = ""

        def ready(cut_uid: str) -> None:
            for told in self.shot_ready:
                told(terms.story_uid, cut_uid)

        self._session = Session(
            terms,
            title,
            _Written(terms.story_uid, self.connection),
            self.finisher,
            server=lambda: self.connection.client.server,
            shown=self._show,
            shot_ready=ready,
        )
        self.connection.want()
        return self._session.run

    def end(self) -> None:
        """Ends the story on the server; what was received is kept and its files are made."""
        session, self._session = self._session, None
        if session is not None:
            session.end()
            self._ending.append(session)

    def close(self) -> None:
        """Ends everything: the extension is disabled, or Blender ends."""
        self.end()
        self.connection.drop()
        self.finisher.close()
        self.server.stop(wait=True)

    # --- pumping ------------------------------------------------------------------------------------------

    def pump(self, until: float) -> None:
        """Takes in what has happened, and sends what is due.

        Args:
            until: ``time.perf_counter()`` at which to leave the rest for the next call.
        """
        self.server.poll(connected=self.connection.online)
        if not self._events:
            self._events.extend(self.connection.pump())
        while self._events:
            event = self._events.popleft()
            if self._session is not None:
                self._session.handle(event)
            if time.perf_counter() >= until:
                return
        self._advance()

    def step(self) -> bool:
        """Does one thing that takes a while, of those that files need; returns whether there was one."""
        return self.finisher.poll() or (self._session is not None and self._session.finish_shot())

    def forget_ended(self) -> None:
        """Drops stories that are over, once the scene has their files."""
        self._ending = [session for session in self._ending if not session.settled]

    def _advance(self) -> None:
        session = self._session
        if session is None:
            return
        if self.connection.ready:
            session.run.feed(self.connection.client)
        elif self.connection.link is Link.FAILED and not self.connection.wanted:
            # Trying again would not help: nothing is left waiting for ever.
            session.run.over(self.connection.message)
        session.note_end()

    def _show(self, frame: ReceivedFrame) -> None:
        self.newest = frame
        self.frames_received += 1


class _Written:
    """A story as it is in the scene at the moment, whatever was undone or loaded meanwhile."""

    def __init__(self, story_uid: str, connection: Connection) -> None:
        self._story_uid = story_uid
        self._connection = connection

    def order(self) -> list[str]:
        """IDs of the beats; none if the story is gone."""
        found = story.find(self._story_uid)
        return [] if found is None else [item.uid for item in found[1].beats]

    def beat(self, uid: str) -> BeatNow | None:
        """The beat of an ID; None if it is gone."""
        order = self.order()
        if uid not in order:
            return None
        held = story.find(self._story_uid)[1]
        place, server = order.index(uid), self._connection.server
        beats = story.shot_beats(held, place)
        chunks = story.shot_chunks(held, beats, 0 if server is None else server.chunks_per_shot)
        own = next(number for number, item in enumerate(beats) if item.uid == uid)
        item = beats[own]
        return BeatNow(item.text, "continue" if own else "cut", chunks[own], beats[0].uid)
