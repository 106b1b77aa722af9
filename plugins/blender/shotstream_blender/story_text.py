# SPDX-License-Identifier: GPL-3.0-or-later
"""Beats from written text. No Blender."""

import re

FPS, PER_CHUNK, IN_FIRST = 16.0, 12, 9
"""Frames a second, in a chunk and in a shot's first chunk, of the models that there are."""
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


def chunks_for(seconds: float, fps: float = FPS, *, begins_shot: bool = True) -> int:
    """The number of chunks that comes closest to a length, at least 1.

    Args:
        seconds: The length wanted.
        fps: Frames a second of the model.
        begins_shot: Whether the first of them is a shot's first, which is shorter.
    """
    missing = PER_CHUNK - IN_FIRST if begins_shot else 0
    return max(1, round((seconds * fps + missing) / PER_CHUNK))


def seconds_of(chunks: int, fps: float = FPS, *, begins_shot: bool = True) -> float:
    """How long so many chunks are; the other way round."""
    return (chunks * PER_CHUNK - (PER_CHUNK - IN_FIRST if begins_shot else 0)) / fps
