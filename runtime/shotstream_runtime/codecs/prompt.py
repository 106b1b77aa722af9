# SPDX-License-Identifier: Apache-2.0
"""The prompt of one shot, as ShotStream was trained on it."""

from __future__ import annotations


def shot_prompt(global_caption: str, shot: int, caption: str) -> str:
    """The text the student sees for a shot: the global caption, directly followed by `shot{i}:` and its own.

    Args:
        global_caption: who, where and style of the whole story; may be empty.
        shot: index of the shot in its story, from 0.
        caption: what happens in this shot.

    Raises:
        ValueError: `shot` is negative.
    """
    if shot < 0:
        raise ValueError(f"shot must be 0 or more, got {shot}: shots of a story are counted from 0")
    return f"{global_caption}shot{shot}:{caption}"
