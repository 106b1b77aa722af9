# SPDX-License-Identifier: Apache-2.0
"""How captions become the prompt of a shot."""

from __future__ import annotations


def shot_prompt(global_caption: str, shot: int, caption: str) -> str:
    """The prompt of one shot, in the form the published student was trained on.

    Args:
        global_caption: Who, where and in which style; may be empty.
        shot: Number of the shot, from 0.
        caption: The shot's own caption.

    Returns:
        The global caption directly followed by ``shot{i}:`` and the caption.
    """
    return f"{global_caption}shot{shot}:{caption}"
