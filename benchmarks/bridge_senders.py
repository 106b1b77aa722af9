# SPDX-License-Identifier: Apache-2.0
"""The sending sides of the bridge's benchmark: the bridge, a bare pyzmq loop, and websockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgpack
import numpy as np
import zmq
from bridge_plan import WINDOW, Effort, Plan, paced
from bridge_watcher import PATIENCE_S, STORY
from shotstream_bridge import Client, Frame, ServerEndpoint
from still_service import StillService

Pictures = Sequence[np.ndarray]


class Audience(Protocol):
    """The watchers of a case, as far as a sender has to do with them."""

    def gather(self, addresses: Sequence[str]) -> None:
        """Starts a watcher for each address, and returns when all of them are ready."""
        ...

    def drain(self) -> None:
        """Returns when all of them have the fast frames."""
        ...

    def wait(self) -> None:
        """Returns when all of them have what they came for."""
        ...


def send_bridge(pictures: Pictures, plan: Plan, watchers: int, audience: Audience) -> Effort:
    """Publishes through a ServerEndpoint, as a host does."""
    height, width, _ = pictures[0].shape
    effort = Effort()
    with (
        ServerEndpoint(StillService(width, height), "tcp://127.0.0.1:0") as endpoint,
        # It opens the story; silent, so that it takes no time.
        Client.connect(endpoint.address, PATIENCE_S, heartbeat_s=30, timeout_s=120) as director,
    ):
        director.open_story(global_caption="", story_id=STORY)
        audience.gather([endpoint.address] * watchers)

        def publish(index: int) -> None:
            assert endpoint.wait_wants_frames(STORY, PATIENCE_S), "a watcher stalled"
            picture = pictures[index % len(pictures)]
            endpoint.publish_frame(Frame(STORY, 0, index, index, index // 12, index / 16, "b", 1, picture))

        publish_all(publish, plan, effort, audience)
        audience.wait()
    return effort


def send_bare(pictures: Pictures, plan: Plan, watchers: int, audience: Audience) -> Effort:
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
    audience.gather(addresses)

    def publish(index: int) -> None:
        header = msgpack.packb({"index": index, "created_ns": time.monotonic_ns()})
        for socket in sockets:
            socket.send(header, zmq.SNDMORE)
            socket.send(pictures[index % len(pictures)], copy=False)

    publish_all(publish, plan, effort, audience)
    audience.wait()
    for socket in sockets:
        socket.close(0)
    context.term()
    return effort


def send_websockets(pictures: Pictures, plan: Plan, watchers: int, audience: Audience) -> Effort:
    """A websockets server on asyncio with a queue for each watcher, without compression."""
    return asyncio.run(_send_websockets(pictures, plan, watchers, audience))


async def _send_websockets(pictures: Pictures, plan: Plan, watchers: int, audience: Audience) -> Effort:
    from websockets.asyncio.server import ServerConnection, serve  # noqa: PLC0415

    effort = Effort()
    queues: list[asyncio.Queue[tuple[bytes, memoryview]]] = []

    async def handle(connection: ServerConnection) -> None:
        queue: asyncio.Queue[tuple[bytes, memoryview]] = asyncio.Queue(WINDOW)
        queues.append(queue)
        for _ in range(plan.frames):
            header, payload = await queue.get()
            await connection.send(header)
            await connection.send(payload)

    payloads = [memoryview(picture.reshape(-1)) for picture in pictures]
    # The library's own limit of what waits to be written: a larger one makes asyncio copy it again and again.
    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await asyncio.to_thread(audience.gather, [f"ws://127.0.0.1:{port}"] * watchers)

        async def publish(index: int) -> None:
            header = msgpack.packb({"index": index, "created_ns": time.monotonic_ns()})
            for queue in queues:
                await queue.put((header, payloads[index % len(payloads)]))

        for index in range(plan.fast):
            await publish(index)
        await asyncio.to_thread(audience.drain)
        for index, due in paced(plan, effort):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await publish(index)
        await asyncio.to_thread(audience.wait)
    return effort


def publish_all(publish: Callable[[int], None], plan: Plan, effort: Effort, audience: Audience) -> None:
    """The fast frames, then the paced ones."""
    for index in range(plan.fast):
        publish(index)
    audience.drain()
    for index, due in paced(plan, effort):
        time.sleep(max(0.0, due - time.monotonic()))
        publish(index)
