# SPDX-License-Identifier: Apache-2.0
"""How an open story stands, for `status`: read under the host's lock."""

from __future__ import annotations

import psutil
import torch
from shotstream_bridge.messages import BeatStage, StoryActivity, StoryReport

from .hosted_story import HostedStory, Need


def report(story: HostedStory, *, watchers_have_room: bool) -> StoryReport:
    """The report of one story; what the endpoint knows is left to it.

    Args:
        story: The story.
        watchers_have_room: False while a lossless watcher is behind.
    """
    journal = None if story.recorder is None else story.recorder.journal
    return StoryReport(
        story_id=story.id,
        client_id=story.owner,
        activity=_activity(story, watchers_have_room),
        shot=story.shots - 1 if story.shots else None,
        chunk=story.chunk,
        frames=story.frames,
        frames_per_s=story.rate.per_second(),
        beats_waiting=sum(record.stage is BeatStage.ACCEPTED for record in story.beats.values()),
        journal_chunks=None if journal is None else journal.behind,
    )


def process_memory() -> int:
    """Bytes of memory that this process holds (resident set)."""
    return int(psutil.Process().memory_info().rss)


def gpu_memory() -> int | None:
    """Bytes that PyTorch has allocated on the GPU that this process uses; None where it uses none."""
    if not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return int(sum(torch.cuda.memory_allocated(index) for index in range(torch.cuda.device_count())))


def _activity(story: HostedStory, watchers_have_room: bool) -> StoryActivity:
    match story.need:
        case Need.AN_END:
            return StoryActivity.ENDING
        case Need.NOTHING:
            return StoryActivity.PREPARING if story.stream is None else StoryActivity.IDLE
        case Need.A_CHUNK:
            if story.recorder is not None and not story.recorder.journal.has_room:
                return StoryActivity.WAITING_FOR_DISK
            return StoryActivity.RUNNING if watchers_have_room else StoryActivity.WAITING_FOR_WATCHERS
