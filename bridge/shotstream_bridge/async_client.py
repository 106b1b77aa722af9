# SPDX-License-Identifier: Apache-2.0
"""The asyncio client: the same core and transport as the synchronous one, and awaited instead of pumped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from shotstream_bridge.async_handles import AsyncStoryHandle
from shotstream_bridge.client_base import DEFAULT_PRODUCT, DEFAULT_RECONNECT_S, ClientBase
from shotstream_bridge.client_core import DEFAULT_HEARTBEAT_S, DEFAULT_TIMEOUT_S
from shotstream_bridge.events import ClientEvent, Reply
from shotstream_bridge.replies import Status, StoryOpened
from shotstream_bridge.security import ClientSecurity
from shotstream_bridge.story_requests import DEFAULT_WAIT_S, new_story_id

_LONGEST_WAIT_S: Final = 1.0
_LEAST_WAIT_S: Final = 0.001
_log: Final = logging.getLogger(__name__)


class AsyncClient(ClientBase):
    """A connection to a server. Belongs to one event loop; :meth:`connect` makes it.

    A task of the loop keeps the connection alive. It waits for the socket on a thread of its own, because
    not every event loop can wait for sockets that are not its own (those of Windows cannot); everything else
    happens on the loop. A loop that is held up for longer than the timeout given to :meth:`connect` loses the
    connection.
    """

    # --- life -------------------------------------------------------------------------------------------

    @classmethod
    async def connect(
        cls,
        address: str,
        timeout: float = DEFAULT_WAIT_S,
        *,
        client_id: str | None = None,
        product: str = DEFAULT_PRODUCT,
        heartbeat_s: float = DEFAULT_HEARTBEAT_S,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        reconnect_s: float = DEFAULT_RECONNECT_S,
        security: ClientSecurity | None = None,
    ) -> AsyncClient:
        """Connects and shakes hands; arguments and errors are those of :meth:`.client.Client.connect`."""
        client = cls(
            address,
            time.monotonic(),
            client_id=client_id,
            product=product,
            heartbeat_s=heartbeat_s,
            timeout_s=timeout_s,
            reconnect_s=reconnect_s,
            security=security,
        )
        client._begin()
        try:
            await client._shake_hands(timeout)
        except BaseException:
            await client.close()
            raise
        return client

    def _begin(self) -> None:
        self._waiter = ThreadPoolExecutor(1, thread_name_prefix="shotstream-client")
        self._happened = asyncio.Condition()
        self._stopping = False
        self._waiting = False
        self._task = asyncio.get_running_loop().create_task(self._run(), name="shotstream-client")

    async def _shake_hands(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            self._check_greeting(left, timeout)
            if not self.connecting:
                return
            await self._wait(left)
            if self._should_ask_mechanism():
                await asyncio.to_thread(self._ask_mechanism)

    async def close(self) -> None:
        """Says goodbye and closes; takes a fifth of a second at most. May be called twice."""
        self._stopping = True
        self._transport.wake()
        await asyncio.wait([self._task])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- the task ---------------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not (self._stopping or self.closed):
                self._transport.send()
                self._waiting = True
                await loop.run_in_executor(self._waiter, self._transport.wait, _LONGEST_WAIT_S)
                self._waiting = False
                self._events.extend(self._transport.work())
                await self._tell()
        except Exception as error:  # noqa: BLE001 - whatever it is, the application must hear of it
            _log.exception("client %s has failed", self.client_id)
            why = f"this client has failed: {error}"
            self._events.extend(self._core.connection_lost(why, time.monotonic(), final=True))
        finally:
            # Cancelled or not: the thread must be out of the socket before it is closed.
            self._transport.wake()
            self._waiter.shutdown()
            self._waiting = False
            self._core.leave()
            self._transport.send()
            await asyncio.to_thread(self._transport.close)
            await self._tell()

    async def _tell(self) -> None:
        async with self._happened:
            self._happened.notify_all()

    async def _wait(self, seconds: float) -> None:
        """Waits until something has happened, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)), self._happened:
                if not self._task.done():
                    await self._happened.wait()

    # --- events -----------------------------------------------------------------------------------------

    async def next_events(self, timeout: float | None = None) -> list[ClientEvent]:
        """Waits for events; frames count as consumed once they are returned.

        Args:
            timeout: Seconds; ``None`` for no limit.

        Returns:
            Events in the order of their arrival, none when the time is over or the connection has ended
            before. :class:`~shotstream_bridge.events.ConnectionLost` is the last one ever.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not (self._events or self.closed):
            left = _LONGEST_WAIT_S if deadline is None else deadline - time.monotonic()
            if left <= 0:
                break
            await self._wait(left)
        return self._hand_out()

    async def events(self, idle_timeout: float | None = None) -> AsyncIterator[ClientEvent]:
        """Yields events as they happen, until the connection ends.

        Args:
            idle_timeout: Seconds without any event after which it ends as well; ``None`` for no limit.
        """
        while batch := await self.next_events(idle_timeout):
            # One by one, so that a frame's memory is free again as soon as the application is done with it.
            batch.reverse()
            while batch:
                yield batch.pop()

    async def wait_until_ready(self, timeout: float) -> None:
        """Waits until the server's model is loaded; errors are those of the synchronous client."""
        deadline = time.monotonic() + timeout
        while not self._is_ready(left := deadline - time.monotonic(), timeout):
            await self._wait(left)

    # --- requests ---------------------------------------------------------------------------------------

    async def open_story(
        self,
        *,
        global_caption: str,
        seed: int = 0,
        title: str | None = None,
        story_id: str | None = None,
        wait: float = DEFAULT_WAIT_S,
    ) -> AsyncStoryHandle:
        """Opens a story; arguments and errors are those of :meth:`.client.Client.open_story`."""
        name = story_id or new_story_id()
        request = self._core.open_story(name, global_caption=global_caption, seed=seed, title=title)
        reply = await self.settle(request, wait)
        return AsyncStoryHandle(self, name, reply if isinstance(reply, StoryOpened) else None)

    def story(self, story_id: str) -> AsyncStoryHandle:
        """A handle on a story that is open already, to watch it or to send it beats."""
        return AsyncStoryHandle(self, story_id, None)

    def flush(self) -> None:
        """Has what waits sent."""
        # While the thread waits for the socket, nobody else may touch it.
        if self._waiting:
            self._transport.wake()
        else:
            self._transport.send()

    async def status(self, wait: float = DEFAULT_WAIT_S) -> Status:
        """Asks how the server stands; errors are those of :meth:`.client.Client.status`."""
        reply = await self.settle(self._ask_status(), max(wait, _LEAST_WAIT_S))
        assert isinstance(reply, Status)  # noqa: S101 - nothing else answers this request
        return reply

    async def settle(self, request: int, wait: float) -> Reply | None:
        """Sends, and waits for the reply to a request. For handles.

        Args:
            request: The request's number.
            wait: Seconds; with 0 nothing is waited for and None is returned.
        """
        if wait <= 0:
            self.flush()
            return None
        self._core.expect(request)
        self.flush()
        deadline = time.monotonic() + wait
        while (reply := self._outcome(request)) is None:
            left = deadline - time.monotonic()
            if left <= 0 or self.closed:
                raise self._unsettled(request, wait)
            await self._wait(left)
        return reply
