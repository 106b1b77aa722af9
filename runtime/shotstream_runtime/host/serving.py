# SPDX-License-Identifier: Apache-2.0
"""A host and its endpoint as one thing that starts and stops in the right order."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from shotstream_bridge.endpoint import ServerEndpoint
from shotstream_bridge.messages import EndpointLimits, StoryLimits

from shotstream_runtime.engines import Engine
from shotstream_runtime.weights.load import LoadedModel

from .story_host import StoryHost

_ENDPOINT_TIMEOUT_S = 5.0
# Watchers that read get the last chunk and the news of the end; the others hold a stop up for so long.
_LAST_FRAMES_S = 2.0


class Server:
    """Serves stories on an address while it is entered as a context."""

    def __init__(
        self,
        model: LoadedModel,
        engine: Engine,
        address: str,
        *,
        limits: StoryLimits | None = None,
        connection_limits: EndpointLimits | None = None,
    ) -> None:
        """Makes a server that listens once it is entered.

        Args:
            model: The model.
            engine: Executes its student.
            address: ``tcp://HOST:PORT``; port 0 takes a free one.
            limits: What a client may ask for.
            connection_limits: What a connection may do.
        """
        self.host = StoryHost(model, engine, limits=limits)
        self.endpoint = ServerEndpoint(self.host, address, limits=connection_limits)

    @property
    def address(self) -> str:
        """Where it listens, with the port it got."""
        return self.endpoint.address

    @property
    def running(self) -> bool:
        """Whether it still generates; an endpoint that fails ends that too."""
        return self.host.running

    def stop(self, timeout: float = 30.0) -> bool:
        """Finishes the running chunk, tells the clients and closes the socket.

        Returns:
            Whether the running chunk was finished within `timeout` seconds.
        """
        # The host first: what it says last still has to go out.
        finished = self.host.stop(timeout)
        self.endpoint.wait_sent(_LAST_FRAMES_S)
        self.endpoint.stop(_ENDPOINT_TIMEOUT_S)
        return finished

    def __enter__(self) -> Self:
        # The endpoint first: a port in use is told before anything else starts.
        self.endpoint.start()
        self.host.start(self.endpoint)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
