# SPDX-License-Identifier: GPL-3.0-or-later
"""Beats from written text. No Blender."""

import re

CONTINUE = re.compile(r"^(?:>|continue:)\s*", re.IGNORECASE)


def paragraphs(text: str) -> list[tuple[str, str]]:
    """Text and mode of each paragraph; one that begins with ``>`` or ``continue:`` continues the shot before.

    Paragraphs are divided by empty lines; lines that begin with ``#`` are left out.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    beats = []
    for block in re.split(r"\n\s*\n", "\n".join(lines)):
        words = " ".join(block.split())
        if not words:
            continue
        said = CONTINUE.sub("", words)
        mode = "continue" if said != words and beats else "cut"
        if said:
            beats.append((said, mode))
    return beats


def chunks_for(seconds: float, fps: float, per_chunk: int, in_first: int) -> int:
    """The number of chunks that comes closest to a length, at least 1.

    Args:
        seconds: The length wanted.
        fps: Frames a second of the model.
        per_chunk: Frames of a chunk.
        in_first: Frames of a shot's first chunk.
    """
    frames = seconds * fps
    return max(1, round((frames - in_first) / per_chunk) + 1)
