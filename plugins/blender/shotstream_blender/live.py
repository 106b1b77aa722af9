# SPDX-License-Identifier: GPL-3.0-or-later
"""The one timer: it pumps the connection, without threads and without ever waiting, and shows what has come.

Frames are shown newest first and recorded every one. A call takes no more than its budget; what is left waits
for the next one. What cannot be divided, such as to start a process, to make a strip or an undo step, is done
in calls that have little else to do, one thing in each. The callback survives the loading of files and every
error.
"""

import time
import traceback
from collections import deque

import bpy

from . import compat, live_picture, mirror, recovering, strip_sync, thumbnails
from .studio import Studio

BUDGET_S = 0.004
FREE_S = 0.001
"""A call that has taken no longer than this has room for one thing that cannot be divided."""
STEPS_WAIT_S = 0.25
"""Calls without such room hold them up no longer than this."""
ACTIVE_S = 0.01
"""Between two calls while frames are expected: a frame of 60 a second is 0.017 s."""
CONNECTED_S = 0.05
IDLE_S = 0.25
KEPT_TIMES = 4096

_studio: Studio | None = None
_had_room_at = 0.0
times: deque[float] = deque(maxlen=KEPT_TIMES)
"""How long the newest calls took, seconds."""
errors: deque[str] = deque(maxlen=20)
"""Tracebacks of calls that failed: there should be none."""


def studio() -> Studio:
    """What is under way.

    Raises:
        RuntimeError: The extension is not enabled.
    """
    if _studio is None:
        raise RuntimeError("the ShotStream extension is not enabled")
    return _studio


def register() -> None:
    """Starts the timer."""
    global _studio  # noqa: PLW0603
    _studio = Studio()
    ensure_timer()


def unregister() -> None:
    """Stops the timer, then everything that it looks after."""
    global _studio  # noqa: PLW0603
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    if _studio is not None:
        _studio.close()
        _studio = None


def ensure_timer() -> None:
    """Makes sure that the timer runs; operators call it, so that no request is made that nobody carries
    out.
    """
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=0.0, persistent=True)


def tick() -> float | None:
    """The timer's callback; returns the seconds until the next call."""
    start = time.perf_counter()
    if _studio is None:
        return None
    try:
        return _tick(_studio, start)
    except Exception as error:  # noqa: BLE001 - a timer that raises is never called again
        errors.append(traceback.format_exc())
        _studio.message = f"Unexpected error: {error} (see the system console)"
        print(errors[-1])
        return IDLE_S
    finally:
        times.append(time.perf_counter() - start)


def _tick(now: Studio, start: float) -> float:
    before = _shown(now)
    now.pump(start + BUDGET_S)
    shown = changed = False
    # A render reads the scene from another thread: nothing is written meanwhile, and nothing is lost.
    rendering = compat.is_rendering()
    if not rendering:
        shown = live_picture.show()
        frame = None if shown else now.newest
        if frame is not None:
            now.newest = None
            pixels = frame.rgb()
            live_picture.prepare(pixels)
            thumbnails.offer(now.run, frame, pixels)
            thumbnails.show_live(pixels)
        changed |= mirror.mirror(now)
        if now.look_again:
            now.look_again = False
            changed |= mirror.settle_unfinished(now)
            changed |= recovering.recover(now)
        changed |= strip_sync.color()
    changed |= _step(now, start)
    if not rendering and (shown or changed or before != _shown(now)):
        live_picture.redraw()
    if now.streaming or now.newest is not None or live_picture.waiting():
        return ACTIVE_S
    waits = now.busy or strip_sync.is_busy() or now.connection.wanted or now.server.alive
    return CONNECTED_S if waits else IDLE_S


def _step(now: Studio, start: float) -> bool:
    """Does one thing that cannot be divided, if this call has room for it; returns whether it did."""
    global _had_room_at  # noqa: PLW0603
    at = time.perf_counter()
    if at - start > FREE_S and at - _had_room_at < STEPS_WAIT_S:
        return False
    _had_room_at = at
    return now.step() or strip_sync.step()


def _shown(now: Studio) -> tuple:
    """What the panels say beside the story, which :func:`mirror.mirror` looks after."""
    link, server = now.connection, now.connection.server
    told = (server.model, server.state, server.detail) if server is not None else None
    rates = [compat.scene_rate(scene) for scene in bpy.data.scenes]
    left = now.finisher.left, strip_sync.left(), strip_sync.is_busy(), strip_sync.trouble()
    return link.link, link.message, told, now.message, now.server.phase, now.server.message, left, rates
