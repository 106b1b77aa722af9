# SPDX-License-Identifier: Apache-2.0
"""A client written from docs/protocol.md alone, on a plain TCP socket."""

from __future__ import annotations

import socket
import struct

import msgpack
from scripted_service import PATIENCE_S, ScriptedService, frame

GREETING = bytes.fromhex("FF00000000000000007F" + "0301" + "4E554C4C") + bytes(16) + b"\0" + bytes(31)


class PlainSocket:
    def __init__(self, address: str) -> None:
        host, port = address.removeprefix("tcp://").split(":")
        self.socket = socket.create_connection((host, int(port)), PATIENCE_S)
        self.socket.sendall(GREETING)
        theirs = self.exactly(64)
        assert (theirs[0], theirs[9], theirs[10]) == (0xFF, 0x7F, 3)
        assert theirs[12:32] == GREETING[12:32]
        body = b"\x05READY" + self.property("Socket-Type", b"DEALER") + self.property("Identity", b"")
        self.socket.sendall(b"\x04" + bytes([len(body)]) + body)
        flags, ready = self.zmtp_frame()
        assert flags == 4
        assert ready.startswith(b"\x05READY")
        assert b"ROUTER" in ready

    @staticmethod
    def property(name: str, value: bytes) -> bytes:
        return bytes([len(name)]) + name.encode() + struct.pack(">I", len(value)) + value

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the server closed the connection"
            data += more
        return data

    def zmtp_frame(self) -> tuple[int, bytes]:
        flags = self.exactly(1)[0]
        length = struct.unpack(">Q", self.exactly(8))[0] if flags & 2 else self.exactly(1)[0]
        return flags, self.exactly(length)

    def message(self) -> list[bytes]:
        parts = []
        while True:
            flags, part = self.zmtp_frame()
            parts.append(part)
            if not flags & 1:
                return parts

    def say(self, **fields: object) -> None:
        header = msgpack.packb(fields)
        if len(header) < 256:
            self.socket.sendall(b"\x00" + bytes([len(header)]) + header)
        else:
            self.socket.sendall(b"\x02" + struct.pack(">Q", len(header)) + header)


def test_a_client_without_a_library(service: ScriptedService) -> None:
    plain = PlainSocket(service.endpoint.address)
    plain.say(type="hello", versions=[1], client_id="plain", product="plain/1")
    (welcome,) = plain.message()
    assert msgpack.unpackb(welcome)["type"] == "welcome"
    # A long caption makes a header whose length takes eight bytes.
    plain.say(type="open_story", request=1, story_id="s1", global_caption="snow " * 100, seed=0)
    assert msgpack.unpackb(plain.message()[0])["type"] == "story_opened"
    fields = {"subscription": 0, "story_id": "s1", "mode": "every", "credits": 2, "format": "rgb8"}
    plain.say(type="subscribe", request=2, **fields)
    assert msgpack.unpackb(plain.message()[0])["type"] == "subscribed"
    service.publish_frames("s1", 1)
    header, payload = plain.message()
    assert msgpack.unpackb(header)["index"] == 0
    assert payload == frame("s1", 0).pixels.tobytes()
    # The command PING with a time-to-live of 1 s and a context is answered by PONG with the context.
    plain.socket.sendall(b"\x04\x09\x04PING\x00\x0a" + b"hi")
    assert plain.zmtp_frame() == (4, b"\x04PONGhi")
    plain.say(type="goodbye")
    assert service.gone.get(timeout=PATIENCE_S) == "plain"
    plain.socket.close()
