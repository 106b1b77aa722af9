# SPDX-License-Identifier: Apache-2.0
"""One watcher of the bridge's benchmark: a process of its own, which tells what it measured.

Started by ``bridge.py``, to which it says how far it is, and its figures as JSON in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json

import msgpack
import numpy as np
import zmq
from bridge_plan import READY, WINDOW, Plan, Seen, say
from shotstream_bridge import Client, ReceivedFrame
from shotstream_bridge.heap import keep_freed_memory

STORY = "bench"
PATIENCE_S = 60.0
SUBSCRIPTIONS: dict[str, dict[str, object]] = {
    "raw": {"checksum": False},
    "checked": {},
    "jpeg": {"pixel_format": "jpeg", "checksum": False},
    "memory": {"memory": True, "checksum": False},
}
"""How a watcher subscribes, for each variant of the bridge."""


def watch_bridge(address: str, seen: Seen, variant: str) -> None:
    """Through a Client, `every`, with freed memory kept as `shotstream play` does."""
    with Client.connect(address, PATIENCE_S) as client:
        options = SUBSCRIPTIONS[variant]
        subscription = client.story(STORY).subscribe("every", credits=WINDOW, **options)  # type: ignore[arg-type]
        assert subscription.in_memory == (variant == "memory"), "frames come another way"
        say(READY)
        for event in client.events(PATIENCE_S):
            if isinstance(event, ReceivedFrame):
                assert event.rgb().ndim == 3
                if seen.take(event.header.index, event.header.created_ns):
                    return
    raise AssertionError("the last frame never came")


def watch_bare(address: str, seen: Seen) -> None:
    """From a PULL socket, without a copy."""
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    socket.setsockopt(zmq.RCVHWM, WINDOW)
    socket.setsockopt(zmq.RCVTIMEO, int(1000 * PATIENCE_S))
    socket.connect(address)
    say(READY)
    done = False
    while not done:
        header, payload = socket.recv_multipart(copy=False)
        picture = np.frombuffer(payload.buffer, np.uint8)
        assert picture.size
        done = seen.take(**msgpack.unpackb(header.buffer))
    socket.close(0)
    context.term()


async def watch_websockets(address: str, seen: Seen) -> None:
    """From a websocket, without compression."""
    from websockets.asyncio.client import connect  # noqa: PLC0415

    # Two messages for a frame, as the bare loop has two parts.
    async with connect(address, compression=None, max_size=None, max_queue=2 * WINDOW) as socket:
        say(READY)
        done = False
        while not done:
            async with asyncio.timeout(PATIENCE_S):
                header = await socket.recv()
                payload = await socket.recv()
            picture = np.frombuffer(payload, np.uint8)  # type: ignore[arg-type]
            assert picture.size
            done = seen.take(**msgpack.unpackb(header))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant")
    parser.add_argument("address")
    parser.add_argument("fast", type=int)
    parser.add_argument("paced", type=int)
    args = parser.parse_args()
    assert keep_freed_memory(), "the C library does not take the setting"
    seen = Seen(Plan(args.fast, args.paced))
    if args.variant == "bare":
        watch_bare(args.address, seen)
    elif args.variant == "websockets":
        asyncio.run(watch_websockets(args.address, seen))
    else:
        watch_bridge(args.address, seen, args.variant)
    say(json.dumps(seen.as_json()))


if __name__ == "__main__":
    main()
