# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the running story is, in the same words for the panel and the status bar."""

from .. import generating, story
from ..studio import Studio


def words(now: Studio, held: story.ShotStreamStory | None = None) -> tuple[str, float]:
    """What is being made, and the share of all that was asked for that is there, 0 to 1.

    Args:
        now: With a story that runs.
        held: The story that this stands beside, which may be another; None: none.
    """
    run = now.run
    if held is not None and held.uid != run.terms.story_uid:
        return f"{generating.whose(run, held)} is being generated", run.progress
    if not now.connection.ready:
        return "Waiting for the server", run.progress
    again = [attempt for attempt in run.attempts.values() if not attempt.recorded and not attempt.complete]
    if again:
        return f"Making the shots before again: {len(again)} to go", run.progress
    asked = [attempt for attempt in run.current if attempt.recorded]
    number = min(len(asked), 1 + sum(attempt.complete for attempt in asked))
    return f"Generating, beat {number} of {len(asked)}", run.progress
