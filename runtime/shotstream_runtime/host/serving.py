# SPDX-License-Identifier: Apache-2.0
"""An endpoint and the host behind it as one thing that starts and stops in the right order.

The endpoint listens before the model is loaded: a port in use is told at once, and clients that come early
are told that the server is loading, instead of finding nobody. Nothing heavy is imported before that.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from shotstream_bridge.dispatcher import DEFAULT_ALONE_S
from shotstream_bridge.endpoint import ServerEndpoint
from shotstream_bridge.flow import OVERRUN_FRAMES
from shotstream_bridge.messages import (
    EndpointLimits,
    Quotas,
    ServerInfo,
    ServerState,
    ServerStateName,
    StoryLimits,
)
from shotstream_bridge.security import ServerSecurity
from shotstream_bridge.service import ServiceStatus

from .counters import HostCounters
from .errors import HostError
from .front_desk import FrontDesk
from .model_facts import WARM_UP_FROM, ModelFacts

if TYPE_CHECKING:
    from shotstream_runtime.engines import Engine
    from shotstream_runtime.journal.journal import Journal
    from shotstream_runtime.weights.load import LoadedModel

    from .admission_limits import AdmissionLimits
    from .story_host import StoryHost

_ENDPOINT_TIMEOUT_S = 5.0
# Watchers that read get the last chunk and the news of the end; the others hold a stop up for so long.
_LAST_FRAMES_S = 2.0


class ServingError(HostError):
    """A model that cannot be served, or not as it was announced."""


class Server:
    """Listens on an address while it is entered as a context, and serves stories once it has a model.

    Attributes:
        endpoint: The bridge's end.
        counters: What its host has done.
        device: Where its model computes; empty while there is none.
    """

    def __init__(
        self,
        facts: ModelFacts,
        address: str,
        *,
        limits: StoryLimits | None = None,
        admission: AdmissionLimits | None = None,
        connection_limits: EndpointLimits | None = None,
        quotas: Quotas | None = None,
        security: ServerSecurity | None = None,
        suspend_after_s: float = DEFAULT_ALONE_S,
    ) -> None:
        """Makes a server that listens once it is entered.

        Args:
            facts: The model that it will have; clients are told of it while it is loaded.
            address: ``tcp://HOST:PORT``; port 0 takes a free one.
            limits: What a client may ask for.
            admission: How much it takes on at once.
            connection_limits: What a connection may do.
            quotas: What all clients may do together, and how long a lost one is waited for.
            security: The server's key and its clients; without, it listens at loopback addresses only.
            suspend_after_s: Seconds without its owner and watchers after which a story of a journal is
                suspended.

        Raises:
            ServingError: The model's chunks are too long for the bridge's flow control.
            AddressError: The address is none, or not loopback and there is no `security`.
        """
        # A chunk is generated as a whole once it is begun, whatever its watchers take meanwhile.
        if facts.frames_per_chunk > OVERRUN_FRAMES:
            raise ServingError(
                f"model {facts.profile.name!r} generates {facts.frames_per_chunk} frames at once "
                f"(frames_per_chunk={facts.profile.frames_per_chunk} latents of {facts.temporal_factor}); "
                f"at most {OVERRUN_FRAMES} can be served, as lossless watchers may be that far behind: use a "
                "model with smaller chunks, or shotstream render, which needs no server"
            )
        self._facts = facts
        self._limits = limits or StoryLimits()
        self._admission = admission
        self._desk = FrontDesk(facts, self._limits)
        self._host: StoryHost | None = None
        self._stopping = False
        self.counters = HostCounters()
        self.device = ""
        self.endpoint = ServerEndpoint(
            self._desk,
            address,
            limits=connection_limits,
            quotas=quotas,
            security=security,
            alone_s=suspend_after_s,
        )

    @property
    def address(self) -> str:
        """Where it listens, with the port it got."""
        return self.endpoint.address

    @property
    def host(self) -> StoryHost:
        """The host.

        Raises:
            ServingError: There is no model yet.
        """
        if self._host is None:
            raise ServingError("the server has no model yet; see Server.begin")
        return self._host

    @property
    def running(self) -> bool:
        """Whether it generates; an endpoint that fails ends that too."""
        return self._host is not None and self._host.running

    @property
    def begun(self) -> bool:
        """Whether it has a model."""
        return self._host is not None

    def info(self) -> ServerInfo:
        """What it tells clients of itself. Callable from any thread."""
        return self._desk.server_info()

    def status(self) -> ServiceStatus:
        """How it and its stories stand. Callable from any thread."""
        return self._desk.status()

    def why_stalled(self) -> str | None:
        """What is wrong, if generation hangs. Callable from any thread."""
        return None if self._host is None else self._host.times.why_stalled()

    def loading(self, detail: str, fraction: float = 0.0) -> None:
        """Tells the clients what is being done until there is a model. Callable from any thread.

        Args:
            detail: What is being done.
            fraction: How much of the model's loading is done, from 0 to 1; the warm-up comes after it.
        """
        self._desk.detail = detail
        progress = WARM_UP_FROM * min(1.0, max(0.0, fraction))
        self.endpoint.publish(ServerState(state=ServerStateName.LOADING, detail=detail, progress=progress))

    def expect_journal(self) -> None:
        """There will be a journal: clients come back for theirs if this server stops while it loads."""
        self._desk.journal_expected = True

    def begin(self, model: LoadedModel, engine: Engine, journal: Journal | None = None) -> None:
        """Takes requests from now on; a warm-up comes first, for which they wait.

        Args:
            model: The model that was announced.
            engine: Executes its student.
            journal: Where stories are kept, so that they go on after a crash; the server closes it.

        Raises:
            ServingError: It is another model, or there is one already.
        """
        from .story_host import StoryHost  # noqa: PLC0415 - brings torch along, which takes seconds

        if self._host is not None:
            raise ServingError("the server has a model already; make another server")
        if not self._facts.fits(model):
            raise ServingError(
                f"the files of model {self._facts.profile.name!r} changed while it was loaded; start again"
            )
        self.device = str(model.student.device)
        self._host = StoryHost(
            model,
            engine,
            limits=self._limits,
            admission=self._admission,
            journal=journal,
            counters=self.counters,
        )
        # In this order: the endpoint knows the stories of before when the host is first asked for one, and
        # whoever is greeted as loading hears it when the host says that it is ready.
        self._host.meet(self.endpoint)
        self._desk.hand_over(self._host)
        self._host.start(self.endpoint)

    def stop(self, timeout: float = 30.0) -> bool:
        """Finishes the running chunk, tells the clients and closes the socket.

        Returns:
            Whether the running chunk was finished within `timeout` seconds.
        """
        finished = True
        if self._host is not None:
            # The host first: what it says last still has to go out. It is waited for once: a chunk that
            # did not end in time is not given as much time again.
            finished = self._host.stop(0.0 if self._stopping else timeout)
            if not self._stopping:
                self._stopping = True
                self.endpoint.wait_sent(_LAST_FRAMES_S)
        self.endpoint.stop(_ENDPOINT_TIMEOUT_S)
        return finished

    def __enter__(self) -> Self:
        self.endpoint.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
