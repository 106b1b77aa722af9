# SPDX-License-Identifier: Apache-2.0
"""How characters move: smooth poses at 16 frames a second for every action, blended where a beat changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TAU = 2 * np.pi
_BLEND_FRAMES = 6
_WALK_SPEED = 0.020
_RUN_SPEED = 0.058
_WALK_PERIOD = 14.0
_RUN_PERIOD = 8.0
_JUMP_PERIOD = 20.0
_SPIN_PERIOD = 28.0
JUMP_HEIGHT = {"wide": 0.42, "medium": 0.22, "close": 0.13}


@dataclass
class Pose:
    """Joint state of one frame; lengths in body heights, angles in radians.

    Attributes:
        x: ground position in output pixels (before the camera).
        yaw: 0 faces the viewer, positive turns to the right of the picture.
        lift: height of the feet above the ground.
        squash: vertical scale of the body (1 = rest).
        lean: tilt of the body, positive to the right.
        feet: (dx, dy) of the left and right foot.
        arms: swing of the left and right arm, 0 hangs down, pi points up; positive to the right.
        eyes: 1 open, 0 closed.
    """

    x: float
    yaw: float
    lift: float
    squash: float
    lean: float
    feet: tuple[tuple[float, float], tuple[float, float]]
    arms: tuple[float, float]
    eyes: float

    @property
    def yaw_sine(self) -> float:
        """How far the body is turned sideways, -1..1."""
        return float(np.sin(self.yaw))


def _cycle(action: str, frame: float, phase: float, facing: float, jump: float) -> np.ndarray:
    """Pose numbers of one action: lift, squash, lean, feet (4), arms (2)."""
    a = _TAU * phase
    breath = np.sin(_TAU * frame / 40 + a)
    lift, squash, lean = 0.0, 1.0 + 0.012 * breath, 0.0
    feet = [0.0, 0.0, 0.0, 0.0]
    arms = [-0.22 - 0.04 * breath, 0.22 + 0.04 * breath]
    if action in ("walk", "run"):
        running = action == "run"
        p = _TAU * (frame / (_RUN_PERIOD if running else _WALK_PERIOD)) + a
        stride, height, swing = (0.17, 0.13, 1.15) if running else (0.10, 0.055, 0.55)
        s, c = np.sin(p), np.cos(p)
        feet = [facing * stride * s, height * max(0.0, c), -facing * stride * s, height * max(0.0, -c)]
        arms = [-facing * swing * s - 0.12, facing * swing * s + 0.12]
        lift = (0.050 if running else 0.020) * abs(s if not running else c)
        lean = facing * (0.16 if running else 0.04)
        squash = 1.0
    elif action == "jump":
        u = (frame / _JUMP_PERIOD + phase) % 1.0
        if u < 0.25:
            dip = np.sin(np.pi * u / 0.25)
            squash = 1.0 - 0.13 * dip
            arms = [-0.3 - 0.5 * dip, 0.3 + 0.5 * dip]
        else:
            v = (u - 0.25) / 0.75
            arc = 4 * v * (1 - v)
            lift = jump * arc
            squash = 1.0 + 0.05 * np.sin(np.pi * v)
            arms = [-0.3 - 2.0 * arc, 0.3 + 2.0 * arc]
            feet = [-0.03 * arc, 0.05 * arc, 0.03 * arc, 0.05 * arc]
    elif action == "wave":
        swing = np.sin(_TAU * frame / 10 + a)
        arms[1] = 2.32 + 0.40 * swing
        lean = -0.03 + 0.015 * swing
    elif action == "spin":
        bounce = abs(np.sin(_TAU * frame / _SPIN_PERIOD + a))
        arms = [-1.15, 1.15]
        lift = 0.02 * bounce
    return np.array([lift, squash, lean, *feet, *arms])


def poses(
    actions: list[tuple[int, str]],
    frames: int,
    *,
    height: float,
    framing: str,
    x: float,
    x_range: tuple[float, float],
    facing: float,
    rng: np.random.Generator,
) -> list[Pose]:
    """Poses of one character for a whole shot.

    Args:
        actions: (first frame, action) in order, the first at frame 0.
        frames: how many poses.
        height: body height in output pixels.
        framing: wide, medium or close: bounds how high a jump goes.
        x: where it starts, output pixels. x_range: where it turns around when it walks or runs.
        facing: +1 or -1.
        rng: phases and blinks.
    """
    phase = float(rng.uniform())
    blink_offset = int(rng.integers(0, 48))
    jump = JUMP_HEIGHT[framing]
    rest_yaw = facing * 0.30
    yaw, starts = rest_yaw, [first for first, _ in actions]
    if actions[0][1] in ("walk", "run"):
        yaw = facing * 0.95
    out: list[Pose] = []
    for frame in range(frames):
        current = max(i for i, first in enumerate(starts) if first <= frame)
        first, action = actions[current]
        local = frame - first
        use_phase = phase if current == 0 else 0.0
        numbers = _cycle(action, local, use_phase, facing, jump)
        if current > 0 and local < _BLEND_FRAMES:
            before = _cycle(actions[current - 1][1], frame - starts[current - 1], phase, facing, jump)
            t = (local + 1) / (_BLEND_FRAMES + 1)
            t = t * t * (3 - 2 * t)
            numbers = before + (numbers - before) * t
        if action in ("walk", "run"):
            x += facing * height * (_RUN_SPEED if action == "run" else _WALK_SPEED)
            if (x > x_range[1] and facing > 0) or (x < x_range[0] and facing < 0):
                facing = -facing
        if action == "spin":
            yaw += _TAU / _SPIN_PERIOD
        else:
            target = facing * 0.95 if action in ("walk", "run") else facing * 0.30
            delta = (target - yaw + np.pi) % _TAU - np.pi
            yaw += delta * 0.30
        b = (frame + blink_offset) % 48
        eyes = 0.1 if b in (1, 2) else 0.55 if b in (0, 3) else 1.0
        n = [float(v) for v in numbers]
        out.append(Pose(x, yaw, n[0], n[1], n[2], ((n[3], n[4]), (n[5], n[6])), (n[7], n[8]), eyes))
    return out
