# SPDX-License-Identifier: Apache-2.0
"""Requests that wait: for the host's answer, and for those of the same connection before them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.messages import ClientMessage
from shotstream_bridge.requests import GrantCredits, Heartbeat, MemoryOpened

MOST_WAITING: Final = 1_024
"""Requests of one connection that may wait for an answer to an earlier one."""


@dataclass(eq=False)
class Awaited:
    """A request whose answer the host has promised.

    Attributes:
        message: The request.
        answer: The host's promise.
        finish: Answers the request with what the promise gave; may raise RequestRejected.
    """

    message: ClientMessage
    answer: Future[Any]
    finish: Callable[[Any], None]

    def settle(self) -> None:
        """Answers the request; raises what the promise was broken with."""
        self.finish(self.answer.result())


@dataclass(eq=False)
class RequestOrder:
    """The requests of one connection, in order: while one is awaited, those after it wait.

    Attributes:
        awaited: The request that the host is at.
        waiting: Messages behind it.
    """

    awaited: Awaited | None = None
    waiting: deque[ClientMessage] = field(default_factory=deque)

    def holds_up(self, message: ClientMessage, subscriptions: dict[int, str]) -> bool:
        """Whether a message has to wait, and then keeps it.

        Args:
            message: What has arrived.
            subscriptions: Those there are: what concerns them need not wait.

        Raises:
            RequestRejected: Too many wait already.
        """
        if self.awaited is None and not self.waiting:
            return False
        if isinstance(message, Heartbeat):
            return False
        if isinstance(message, GrantCredits | MemoryOpened) and message.subscription in subscriptions:
            return False
        if len(self.waiting) >= MOST_WAITING:
            raise RequestRejected(
                ErrorCode.RATE_LIMITED,
                f"{len(self.waiting)} requests of this client wait for the server's disk; try again later",
            )
        self.waiting.append(message)
        return True
