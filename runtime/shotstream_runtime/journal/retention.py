# SPDX-License-Identifier: Apache-2.0
"""Which stories of a journal have to go."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from .catalogue import end_of, remove, story_folders
from .story_folder import StoryFolder


@dataclass(frozen=True, slots=True)
class Retention:
    """How long stories are kept that have ended or were suspended; open ones always are.

    Attributes:
        max_age_s: Seconds since a story ended or was suspended; None for ever.
        max_bytes: Of all stories together, open ones included; None for any.
    """

    max_age_s: float | None = None
    max_bytes: int | None = None


def enforce_retention(folder: Path, retention: Retention) -> list[int]:
    """Deletes the ended stories of a journal that have to go, the oldest first; returns their numbers.

    Raises:
        JournalError: A file cannot be removed.
    """
    if retention.max_age_s is None and retention.max_bytes is None:
        return []
    stories = list(story_folders(folder))
    sizes = {}
    if retention.max_bytes is not None:
        sizes = {number: StoryFolder(path).size() for number, path in stories}
    total = sum(sizes.values())
    now = time.time()
    ended = [(when, number, path) for number, path in stories if (when := end_of(path)) is not None]
    gone = []
    for when, number, path in sorted(ended):
        old = retention.max_age_s is not None and now - when > retention.max_age_s
        if not old and (retention.max_bytes is None or total <= retention.max_bytes):
            continue
        remove(path)
        total -= sizes.get(number, 0)
        gone.append(number)
    return gone
