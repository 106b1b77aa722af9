# SPDX-License-Identifier: Apache-2.0
"""Which shots the samples of a step are, and how much of them is trained on.

Whether a student reads its captions shows in a shot's first chunk: later ones can copy what they follow.
First chunks cost a seventh of a whole shot, so a run on a processor may spend most of its steps on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.clip_source import ShotSource
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.settings import ShotPart

WHOLE = ShotPart(share=1.0)


class Mixture:
    """Draws a part for every step, and its samples.

    Args:
        parts: What steps may see; none: whole shots in all of them.
        batch: Samples of a step where a part does not say.
        source: Shots with their history; its position counts the samples of all parts.
        openings: First chunks of stories of a single shot, for the parts that want them.
        draws: Chooses, alike on all processes.
        chunk: Latent frames of a chunk.

    Raises:
        ValueError: If a part wants openings and there are none.
    """

    def __init__(
        self,
        parts: Sequence[ShotPart],
        batch: int,
        source: ShotSource,
        openings: ShotSource | None,
        draws: Draws,
        chunk: int,
    ) -> None:
        self.parts = tuple(parts) or (WHOLE,)
        self.source, self._openings = source, openings
        self._batch, self._draws, self._chunk = batch, draws, chunk
        if openings is None and any(part.openings for part in self.parts):
            raise ValueError("parts: openings are wanted, and the data have none; give data.openings")

    def part(self, number: int) -> ShotPart:
        """What a step sees."""
        total = sum(part.share for part in self.parts)
        left = total * self._draws.shared_uniform("part", number)
        for part in self.parts:
            left -= part.share
            if left < 0:
                return part
        return self.parts[-1]

    def take(self, part: ShotPart) -> list[int]:
        """This process's places in a step; see `ShotSource`."""
        source = self._source(part)
        # One count over all sources: places stay unique, and a checkpoint has one number to keep.
        source.position = self.source.position
        places = source.take(part.batch or self._batch)
        self.source.position = source.position
        return places

    def samples(self, part: ShotPart, places: Sequence[int]) -> NextShotBatch:
        """The samples at these places, as far as the part looks at them."""
        batch = self._source(part).samples(places)
        return batch.beginning(self._chunk * part.chunks) if part.chunks else batch

    def _source(self, part: ShotPart) -> ShotSource:
        if part.openings and self._openings is not None:
            return self._openings
        return self.source
