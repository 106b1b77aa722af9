# SPDX-License-Identifier: Apache-2.0
"""The service behind the bridge: several stories, generated in turn on one model.

Three threads meet here. The endpoint's thread takes requests in and only does bookkeeping; what has to be on
disk before it is granted goes over the journal's threads, see `story_requests`. The captions' thread opens
streams and encodes captions, in the order in which requests came. The generating thread goes round the
stories and generates one chunk of each; a story whose lossless watcher is behind is passed over.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.log_context import log_context
from shotstream_bridge.messages import (
    CancelBeat,
    CloseStory,
    OpenStory,
    ServerInfo,
    ServerStateName,
    StoryEnd,
    StoryLimits,
    StoryOpened,
    SubmitBeat,
)
from shotstream_bridge.service import EarlierFrames, ServiceStatus

from shotstream_runtime.engines import Engine
from shotstream_runtime.journal.journal import Journal
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import FramesReady, StreamEvent
from shotstream_runtime.streaming.stage_times import StageTimes
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel

from .admission import Admission
from .admission_limits import AdmissionLimits
from .announcer import Announcer, FrameOutlet
from .compute import prepare_generating_thread
from .counters import HostCounters
from .hosted_story import HostedStory, Need
from .memory_shortage import give_memory_back, is_out_of_memory
from .model_facts import WARM_UP_FROM, ModelFacts
from .returning_stories import ReturningStories
from .story_failure import why_failed
from .story_keeper import StoryKeeper
from .story_preparer import StoryPreparer
from .story_registry import StoryRegistry
from .story_report import gpu_memory, process_memory, report
from .story_requests import StoryRequests
from .story_revival import StoryRevival

_log = logging.getLogger(__name__)

# How often a story that waits for its watcher is looked at again: well below a frame's time.
_WATCHER_POLL_S = 0.004
_DETAILS = {
    ServerStateName.LOADING: "warming up",
    ServerStateName.STOPPING: "finishing the running chunk",
}


class StoryHost:
    """Implements `shotstream_bridge.service.StoryService` over `StoryStream`.

    A story whose generation fails ends with outcome ``failed`` and a code that says whether trying again
    may help; the others go on. A story of a client that leaves is stopped at the next chunk boundary; with a
    journal it goes on until the endpoint has it suspended, and comes back when it is asked for.
    """

    def __init__(
        self,
        model: LoadedModel,
        engine: Engine,
        *,
        limits: StoryLimits | None = None,
        admission: AdmissionLimits | None = None,
        journal: Journal | None = None,
        counters: HostCounters | None = None,
    ) -> None:
        """Makes a host that is not running yet.

        Args:
            model: The model; all stories share it.
            engine: Executes its student.
            limits: What a client may ask for.
            admission: How much it takes on.
            journal: Where stories are kept, so that they go on after a crash; closed by `stop`. Those that
                were open when it was written to last are taken up at once, and go on once it is started.
            counters: Where it counts what it does.
        """
        self._model = model
        self._facts = ModelFacts.of(model)
        self._engine = engine
        self._keeper = StoryKeeper(journal, model, engine)
        self._limits = limits or StoryLimits()
        self._registry = StoryRegistry(self._limits, Admission.to(model, engine, admission))
        self._changed = self._registry.changed
        self._state = ServerStateName.LOADING
        self._made_at = time.monotonic()
        self._announcer: Announcer
        self._outlet: FrameOutlet
        self._requests: StoryRequests | None = None
        self.counters = counters or HostCounters()
        self.times = StageTimes(model.student.device, self.counters.stage_took)
        self._preparer = StoryPreparer(model, engine, self._changed, self.times)
        self._threads: list[threading.Thread] = []
        self._returning: ReturningStories | None = None
        if journal is not None:
            revival = StoryRevival(journal, model, self._facts, self._keeper.engine)
            self._returning = ReturningStories(
                journal, revival, self._registry, self._keeper, self._preparer, self.counters
            )

    def meet(self, outlet: FrameOutlet) -> None:
        """Takes requests from now on; stories of before are told to `outlet`, to which frames and news go.

        Raises:
            RuntimeError: It has met one before.
        """
        if self._requests is not None:
            raise RuntimeError("a host has one outlet; make another one")
        self._announcer = Announcer(outlet, self._model.profile.fps, self.counters)
        self._outlet = outlet
        self._requests = StoryRequests(
            self._registry, self._keeper, self._preparer, self._facts, outlet, self.counters
        )
        if self._returning is not None:
            self._returning.meet(outlet)

    def start(self, outlet: FrameOutlet) -> None:
        """Starts generating; frames and news go to `outlet`.

        Raises:
            RuntimeError: The host was started before.
        """
        if self._threads:
            raise RuntimeError("a host is started once; make another one")
        if self._requests is None:
            self.meet(outlet)
        self._announcer.state(self._state, _DETAILS[self._state], WARM_UP_FROM)
        self._threads = [
            self._preparer.thread(self._announcer),
            threading.Thread(target=self._generate, name="shotstream-generate", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 30.0) -> bool:
        """Finishes the running chunk, closes every story and ends the threads.

        Args:
            timeout: Longest time to wait, in seconds.

        Returns:
            Whether everything ended in time.
        """
        with self._changed:
            first = self._state is not ServerStateName.STOPPING
            self._state = ServerStateName.STOPPING
            self._changed.notify_all()
            if first and self._threads:
                self._preparer.stop()
                # Told before the ends of stories that it brings about, so that clients know why they end.
                self._announcer.state(self._state, _DETAILS[self._state])
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        finished = not any(thread.is_alive() for thread in self._threads)
        if finished and first:
            self._keeper.close()
        return finished

    @property
    def running(self) -> bool:
        """Whether its threads live."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def wait_ready(self, timeout: float) -> bool:
        """Waits until the warm-up is over; False if that takes longer than `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._state is not ServerStateName.LOADING, timeout)

    # -- StoryService: on the endpoint's thread --------------------------------------------------------

    def server_info(self) -> ServerInfo:
        """Describes the model and the host's limits."""
        return self._facts.server_info(self._state, _DETAILS.get(self._state), self._limits)

    def status(self) -> ServiceStatus:
        """How the host and its stories stand."""
        with self._changed:
            stories = tuple(
                report(story, watchers_have_room=self._outlet.wants_frames(story.id))
                for story in self._registry.in_turn()
            )
        return ServiceStatus(
            state=self._state,
            uptime_s=time.monotonic() - self._made_at,
            detail=_DETAILS.get(self._state) or self.times.why_stalled(),
            frames_per_s=sum(story.frames_per_s for story in stories),
            memory_bytes=process_memory(),
            gpu_bytes=gpu_memory(),
            stories=stories,
        )

    def open_story(
        self, client_id: str, request: OpenStory, user: bytes | None = None
    ) -> StoryOpened | Future[StoryOpened]:
        """Opens a story; see `StoryService.open_story`."""
        return self._taking().open(client_id, request, user)

    def submit_beat(self, client_id: str, request: SubmitBeat) -> Future[None] | None:
        """Accepts a beat; see `StoryService.submit_beat`."""
        return self._taking().submit(client_id, request)

    def cancel_beat(self, client_id: str, request: CancelBeat) -> Future[None] | None:
        """Takes a beat back; see `StoryService.cancel_beat`."""
        return self._taking().cancel(client_id, request)

    def close_story(self, client_id: str, request: CloseStory) -> Future[None] | None:
        """Ends a story; see `StoryService.close_story`."""
        return self._taking().close(client_id, request)

    def client_gone(self, client_id: str) -> None:
        """Stops the stories of a client that left, unless they can go on later; see `StoryService`."""
        if not self._keeper.keeps:
            with self._changed:
                self._registry.end_all_of(client_id)

    def keeps_stories(self) -> bool:
        """Whether there is a journal; see `StoryService.keeps_stories`."""
        return self._keeper.keeps

    def suspend_story(self, story_id: str) -> bool:
        """Lays a story aside that nobody is there for; see `StoryService.suspend_story`."""
        return self._met().suspend(story_id)

    def find_story(self, story_id: str) -> Future[None] | None:
        """Looks for a story of before; see `StoryService.find_story`."""
        if self._returning is None:
            return None
        return self._returning.find(story_id, lambda: self._state is ServerStateName.STOPPING)

    def read_frames(self, story_id: str, first: int) -> EarlierFrames:
        """Reads frames back; see `StoryService.read_frames`."""
        if self._returning is None:
            return EarlierFrames((), first)
        return self._returning.read_frames(story_id, first)

    def _taking(self) -> StoryRequests:
        """What takes requests, until the host stops."""
        with self._changed:
            if self._state is ServerStateName.STOPPING:
                raise RequestRejected(ErrorCode.STOPPING, "the server is stopping; try again when it is back")
        return self._met()

    def _met(self) -> StoryRequests:
        assert self._requests is not None, "meet comes first"  # noqa: S101
        return self._requests

    # -- the generating thread -------------------------------------------------------------------------

    def _generate(self) -> None:
        prepare_generating_thread()
        try:
            self._warm_up()
        except Exception:  # noqa: BLE001 - a real story meets the same fault and reports it to its client
            _log.exception("the warm-up failed")
        with self._changed:
            ready = self._state is ServerStateName.LOADING
            if ready:
                self._state = ServerStateName.READY
            self._changed.notify_all()
        if ready:
            self._announcer.state(ServerStateName.READY)
        while (story := self._next_story()) is not None:
            with log_context(story=story.id, client=story.owner):
                self._advance(story)
        with self._changed:
            for story in self._registry.in_turn():
                self._close(story, StoryEnd.SERVER_STOPPING, "the server is stopping")

    def _warm_up(self) -> None:
        """Generates one chunk for nobody, so that the first client does not wait for allocations."""
        stream = StoryStream(self._model, self._engine, global_caption="", seed=0)
        stream.submit(Beat(id="warm-up", text="warm-up", chunks=1))
        while not stream.idle and self._state is not ServerStateName.STOPPING:
            for event in stream.advance():
                if isinstance(event, FramesReady):
                    decoded = (event.first_index + len(event.pixels)) / self._facts.frames_in_first_chunk
                    done = WARM_UP_FROM + (1 - WARM_UP_FROM) * min(1.0, decoded)
                    self._announcer.state(ServerStateName.LOADING, _DETAILS[ServerStateName.LOADING], done)

    def _next_story(self) -> HostedStory | None:
        """Waits for the next story with something to do, in turn; None when the host stops."""
        with self._changed:
            while self._state is not ServerStateName.STOPPING:
                watched = False
                for story in self._registry.in_turn():
                    need = story.need
                    if need is Need.NOTHING:
                        continue
                    behind = story.recorder is not None and not story.recorder.journal.has_room
                    if need is Need.A_CHUNK and (behind or not self._outlet.wants_frames(story.id)):
                        watched = True
                        continue
                    self._registry.take_turn(story)
                    return story
                self._changed.wait(_WATCHER_POLL_S if watched else None)
            return None

    def _advance(self, story: HostedStory) -> None:
        if story.suspending:
            self._suspend(story)
            return
        if story.failure is None and story.stream is not None:
            try:
                self._tell(story, story.stream.advance())
            except Exception as error:  # noqa: BLE001 - one story must not take the others with it
                story.failure = self._recover(story, story.stream, error)
        if story.failure is not None:
            self._fail(story, story.failure)
            return
        with self._changed:
            if story.stream is not None:
                story.held = story.stream.held
            if story.ending is not None and story.need is Need.AN_END and story.finished:
                self._close(story, story.ending, None)

    def _tell(self, story: HostedStory, events: Iterator[StreamEvent]) -> None:
        for event in events:
            if story.failure is not None:
                break
            if story.recorder is not None:
                story.recorder.hear(event)
            with self._changed:
                self._announcer.pass_on(story, event)

    def _recover(self, story: HostedStory, stream: StoryStream, error: Exception) -> Exception | None:
        """Goes on after a chunk that failed for want of memory; returns what ends the story, if anything."""
        if not is_out_of_memory(error) or stream.replaying:
            return error
        _log.error("story %s: out of memory; its chunk is given up", story.id, exc_info=error)
        try:
            self._engine.release_idle()
            give_memory_back(error)
            self._tell(story, stream.give_up_chunk())
        except Exception as another:  # noqa: BLE001 - the story ends, and the others go on
            return another
        give_memory_back()
        return None

    def _suspend(self, story: HostedStory) -> None:
        """Lays a story aside: all of it is in the journal, from where it goes on when it is asked for."""
        with self._changed:
            if self._registry.remove(story):
                _log.info("story %s is suspended at frame %d: nobody is there", story.id, story.frames)
                story.stream = None
                self._keeper.suspend(story)
                self._outlet.forget_frames(story.id)
            self._changed.notify_all()

    def _fail(self, story: HostedStory, error: Exception) -> None:
        """Ends a story whose stream broke."""
        code, reason = why_failed(error)
        _log.error("story %s failed", story.id, exc_info=error)
        with self._changed:
            story.stream = None
            self._close(story, StoryEnd.FAILED, reason, code)
        if code is ErrorCode.OUT_OF_MEMORY:
            give_memory_back(error)

    def _close(
        self, story: HostedStory, end: StoryEnd, reason: str | None, code: ErrorCode | None = None
    ) -> None:
        if self._registry.remove(story):
            story.ending = end
            # The generating thread keeps the story of its last turn: not its memory, which others wait for.
            story.stream = None
            with log_context(story=story.id, client=story.owner):
                _log.info(
                    "story %s closed (%s): %d shots, %d frames", story.id, end, story.shots, story.frames
                )
            self._announcer.story_closed(story, end, reason, code)
            self._keeper.end(story, end, reason)
