# SPDX-License-Identifier: Apache-2.0
"""The sending sides of the bridge's benchmark: the bridge, a bare pyzmq loop, and websockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import msgpack
import numpy as np
import zmq
from bridge_plan import WINDOW, Effort, Plan, moments
from bridge_watcher import PATIENCE_S, STORY
from shotstream_bridge import Client, Frame, ServerEndpoint
from still_service import StillService

Pictures = Sequence[np.ndarray]
Gather = Callable[[Sequence[str]], None]
"""Starts a watcher for each address, and returns when all of them are ready."""


def send_bridge(pictures: Pictures, plan: Plan, watchers: int, gather: Gather) -> Effort:
    """Publishes through a ServerEndpoint, as a host does."""
    height, width, _ = pictures[0].shape
    effort = Effort()
    with (
        ServerEndpoint(StillService(width, height), "tcp://127.0.0.1:0") as endpoint,
        # It opens the story; silent, so that it takes no time.
        Client.connect(endpoint.address, PATIENCE_S, heartbeat_s=30, timeout_s=120) as director,
    ):
        director.open_story(global_caption="", story_id=STORY)
        gather([endpoint.address] * watchers)
        for index, due in moments(plan, effort):
            assert endpoint.wait_wants_frames(STORY, PATIENCE_S), "a watcher stalled"
            sleep_until(due)
            picture = pictures[index % len(pictures)]
            endpoint.publish_frame(Frame(STORY, 0, index, index, index // 12, index / 16, "b", 1, picture))
        assert endpoint.wait_sent(PATIENCE_S), "the last frames were not sent"
    return effort


def send_bare(pictures: Pictures, plan: Plan, watchers: int, gather: Gather) -> Effort:
    """A PUSH socket for each watcher, without a copy."""
    effort = Effort()
    context = zmq.Context()
    sockets, addresses = [], []
    for _ in range(watchers):
        socket = context.socket(zmq.PUSH)
        socket.setsockopt(zmq.SNDHWM, WINDOW)
        socket.setsockopt(zmq.SNDTIMEO, int(1000 * PATIENCE_S))
        addresses.append(f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}")
        sockets.append(socket)
    gather(addresses)
    for index, due in moments(plan, effort):
        sleep_until(due)
        header = msgpack.packb({"index": index, "created_ns": time.monotonic_ns()})
        for socket in sockets:
            socket.send(header, zmq.SNDMORE)
            socket.send(pictures[index % len(pictures)], copy=False)
    for socket in sockets:
        socket.close(int(1000 * PATIENCE_S))
    context.term()
    return effort


def send_websockets(pictures: Pictures, plan: Plan, watchers: int, gather: Gather) -> Effort:
    """A websockets server on asyncio with a queue for each watcher, without compression."""
    return asyncio.run(_send_websockets(pictures, plan, watchers, gather))


async def _send_websockets(pictures: Pictures, plan: Plan, watchers: int, gather: Gather) -> Effort:
    from websockets.asyncio.server import ServerConnection, serve  # noqa: PLC0415

    effort = Effort()
    queues: list[asyncio.Queue[tuple[bytes, memoryview]]] = []
    handlers: list[asyncio.Task[None]] = []

    async def handle(connection: ServerConnection) -> None:
        queue: asyncio.Queue[tuple[bytes, memoryview]] = asyncio.Queue(WINDOW)
        queues.append(queue)
        handlers.append(asyncio.current_task())  # type: ignore[arg-type]
        for _ in range(plan.frames):
            header, payload = await queue.get()
            await connection.send(header)
            await connection.send(payload)

    payloads = [memoryview(picture.reshape(-1)) for picture in pictures]
    # The library's own limit of what waits to be written: a larger one makes asyncio copy it again and again.
    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await asyncio.to_thread(gather, [f"ws://127.0.0.1:{port}"] * watchers)
        for index, due in moments(plan, effort):
            if (left := due - time.monotonic()) > 0:
                await asyncio.sleep(left)
            header = msgpack.packb({"index": index, "created_ns": time.monotonic_ns()})
            for queue in queues:
                await queue.put((header, payloads[index % len(payloads)]))
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*handlers)
    return effort


def sleep_until(due: float) -> None:
    """Waits for a moment of the monotonic clock; none if it has passed."""
    if (left := due - time.monotonic()) > 0:
        time.sleep(left)
