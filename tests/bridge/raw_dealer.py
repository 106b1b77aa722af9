# SPDX-License-Identifier: Apache-2.0
"""A bare DEALER that sends any bytes, for what the product's own client never would."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import msgpack
import zmq
from scripted_service import PATIENCE_S
from shotstream_bridge import ClientSecurity


class RawDealer:
    """Speaks multipart bytes to a server."""

    def __init__(
        self, address: str, *, receive_limit: int = 1000, security: ClientSecurity | None = None
    ) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVHWM, receive_limit)
        if security is not None:
            security.apply(self.socket)
        self.socket.connect(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()
        self._context.term()

    def send(self, *parts: bytes) -> None:
        self.socket.send_multipart(parts)

    def say(self, **fields: Any) -> None:
        """Sends a message, with its fields as they are given."""
        self.send(msgpack.packb(fields))

    def hear(self, timeout: float = PATIENCE_S) -> dict[str, Any]:
        """The next message's header."""
        assert self.socket.poll(timeout * 1000), "the server does not answer"
        header: dict[str, Any] = msgpack.unpackb(self.socket.recv_multipart()[0])
        return header

    def hear_type(self, kind: str) -> dict[str, Any]:
        """The next message of a type; others are passed over."""
        while (message := self.hear())["type"] != kind:
            pass
        return message

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing arrives for a while."""
        return not self.socket.poll(seconds * 1000)

    def hello(self, client_id: str = "raw", **more: Any) -> dict[str, Any]:
        """Shakes hands; returns the answer."""
        self.say(type="hello", versions=[1], client_id=client_id, product="raw/1", **more)
        return self.hear()

    def open(self, story_id: str = "s1", request: int = 1) -> dict[str, Any]:
        """Opens a story; returns the answer."""
        self.say(type="open_story", request=request, story_id=story_id, global_caption="", seed=0)
        return self.hear_type("story_opened")

    def subscribe(self, story_id: str = "s1", **more: Any) -> dict[str, Any]:
        """Subscribes; returns the answer."""
        fields: dict[str, Any] = {
            "type": "subscribe",
            "request": 2,
            "subscription": 0,
            "story_id": story_id,
            "mode": "every",
            "credits": 4,
            "format": "rgb8",
        }
        self.say(**{**fields, **more})
        return self.hear_type("subscribed")

    def hear_frame(self) -> tuple[dict[str, Any], bytes]:
        """The next frame's header and payload; other messages are passed over."""
        while True:
            assert self.socket.poll(PATIENCE_S * 1000), "no frame comes"
            header, *payload = self.socket.recv_multipart()
            fields: dict[str, Any] = msgpack.unpackb(header)
            if fields["type"] == "frame":
                return fields, payload[0]
