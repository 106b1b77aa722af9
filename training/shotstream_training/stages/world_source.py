# SPDX-License-Identifier: Apache-2.0
"""Where samples come from: the storyboard world, rendered while training, the same in every run of a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch
from shotstream_runtime.model import StudentConfig

from shotstream_training.budget import Every
from shotstream_training.data.producer import StoryProducer
from shotstream_training.data.rendered_story import RenderedStory, StoryRenderer
from shotstream_training.data.story_store import SampledShots, StoryStore
from shotstream_training.errors import TrainingError
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.captions import LearningCaptions
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.place import Place
from shotstream_training.stages.run_config import WorldData

FIRST_STORY = 10_000_000
"""Stories of a seed start at this multiple of it."""

TOLD_S = 10.0
"""Seconds between lines of progress while stories are rendered."""

FIRST_OPENING = FIRST_STORY // 2
"""Where the numbers of openings start within a seed."""


def story_window(data: WorldData, position: int) -> range:
    """Numbers of the stories that are drawn from after so many samples."""
    end = data.first_stories + position // data.new_story_every
    return range(max(0, end - data.stories), end)


class TakesStories(Protocol):
    """Where a supply's stories go."""

    def add(self, story: RenderedStory) -> None:
        """Takes a story; its pictures are valid until the call returns."""
        ...


class _Stride:
    """Every ``stride``-th story, for one of several render processes."""

    def __init__(self, renderer: StoryRenderer, offset: int, stride: int) -> None:
        self._renderer, self._offset, self._stride = renderer, offset, stride
        self.max_shots, self.frames = renderer.max_shots, renderer.frames

    def __call__(self, number: int) -> RenderedStory:
        return self._renderer(self._offset + number * self._stride)


class StorySupply:
    """Stories in order of their number, however many processes render them.

    Start it before the process touches a GPU: render processes are forked.

    Args:
        renderer: Makes a story from its number.
        workers: Render processes; 0 renders when asked.
        first: Number of the first story, from 0.
        seed: Seed of the run.
        offset: Where the numbers of a second supply begin, so that it makes other stories.
    """

    def __init__(
        self, renderer: StoryRenderer, *, workers: int, first: int, seed: int, offset: int = 0
    ) -> None:
        self.renderer = renderer
        self.next = first
        lanes = max(1, workers)
        base = seed * FIRST_STORY + offset
        # One process per lane, each in order: together they are in order as well.
        self._lanes = [
            StoryProducer(
                _Stride(renderer, base + lane, lanes),  # type: ignore[arg-type]  # asks for no more
                workers=min(workers, 1),
                first_seed=_first_of_lane(first, lane, lanes),
            )
            for lane in range(lanes)
        ]

    def add_next(self, store: TakesStories) -> int:
        """Gives the next story away and returns its number of shots."""
        lane = self._lanes[self.next % len(self._lanes)]
        self.next += 1
        count = 0
        while not count:
            # To the end: a producer counts a story when it is asked for the one after.
            for story in lane.stories(1, wait_s=10.0):
                store.add(story)
                count = len(story.shots)
        return count

    def close(self) -> None:
        """Ends the render processes."""
        for lane in self._lanes:
            lane.close()


def _first_of_lane(first: int, lane: int, lanes: int) -> int:
    """Which of its own stories a lane starts with, so that none before number ``first`` is made."""
    return max(0, -(-(first - lane) // lanes))


class WorldSource:
    """Next-shot samples of the last stories.

    Args:
        supply: Gives stories in order, from the oldest that is needed.
        codec: Encodes them.
        captions: Reads their prompts.
        config: Sizes of the student.
        data: How many stories are kept, and how often a new one comes.
        size: Latent rows and columns.
        place: Shares every step's samples among processes; each holds all stories.
        seed: Seed of the draws.
        story_shots: Least shots of a story that is drawn as a whole.
        position: Samples shown before.
    """

    uses_context = True

    def __init__(
        self,
        supply: StorySupply,
        codec: LatentCodec,
        captions: LearningCaptions,
        config: StudentConfig,
        *,
        data: WorldData,
        size: tuple[int, int],
        place: Place,
        seed: int,
        story_shots: int = 5,
        position: int = 0,
    ) -> None:
        self.size, self.position = size, position
        self._supply, self._captions, self._place = supply, captions, place
        self._data = data
        self._story_shots = story_shots
        self._draws = Draws(seed, "world", place.device)
        most = supply.renderer.max_shots
        # Room for a story on its way in, and for the end of the ring that no story fits into.
        self._capacity = (data.stories + 2) * most
        self._store = StoryStore(
            codec,
            capacity=self._capacity,
            max_shots=most,
            slots=config.max_context_frames,
            text_len=config.text_len,
            size=size,
            shot_frames=data.frames,
        )
        self.table = self._store.table
        self._next_row = 0
        self._rows: dict[int, tuple[int, int]] = {}

    def take(self, batch: int) -> list[int]:
        """See `ShotSource`; takes in the stories that are due."""
        self._take_in()
        share = batch // self._place.world
        if share * self._place.world != batch:
            raise ValueError(f"batch={batch} must be a multiple of the {self._place.world} processes")
        first = self.position + self._place.rank * share
        self.position += batch
        return list(range(first, first + share))

    def samples(self, places: Sequence[int]) -> NextShotBatch:
        """See `ShotSource`: a random shot of a random story each."""
        self._begin()
        numbers = sorted(self._rows)
        rows = []
        for story, shot in self._draws.uniform(places, (2,), "shot").tolist():
            first, count = self._rows[numbers[int(story * len(numbers))]]
            rows.append(first + int(shot * count))
        return self._batch(rows)

    def shot_of_stories(self, places: Sequence[int], shot: int) -> NextShotBatch:
        """See `ShotSource`.

        Raises:
            TrainingError: If no story is long enough.
        """
        self._begin()
        least = self._story_shots
        firsts = [first for _, (first, count) in sorted(self._rows.items()) if count >= least]
        if not firsts:
            raise TrainingError(f"no story has {least} shots; raise data.shot_counts or lower forcing.shots")
        chosen = self._draws.uniform(places, (1,), "story")[:, 0].tolist()
        batch = self._batch([firsts[int(part * len(firsts))] + shot for part in chosen])
        return replace(batch, context=torch.zeros_like(batch.context), target=torch.zeros_like(batch.target))

    def _begin(self) -> None:
        """Takes in the first stories where no step has: trajectories are sampled before any."""
        if not self._rows:
            self._take_in()

    def _take_in(self) -> None:
        """Takes in the stories that are due, and tells how far it is where that takes long."""
        first, end = self._supply.next, story_window(self._data, self.position).stop
        tell = Every(TOLD_S)
        while self._supply.next < end:
            self._add()
            if tell() and self._place.leads:
                print(f"stories: {self._supply.next - first} of {end - first}", flush=True)

    def _add(self) -> None:
        number = self._supply.next
        count = self._supply.add_next(self._store)
        # The store's own rule: a story that does not fit into what is left of the ring starts at its
        # beginning.
        first = self._next_row if self._next_row + count <= self._capacity else 0
        self._next_row = first + count
        self._rows[number] = (first, count)
        self._rows.pop(number - self._data.stories, None)

    def _batch(self, rows: Sequence[int]) -> NextShotBatch:
        shots: SampledShots = self._store.at(torch.tensor(rows, device=self._place.device))
        return with_captions(shots.without_unread_captions(), self._captions)


def with_captions(shots: SampledShots, captions: LearningCaptions) -> NextShotBatch:
    """Samples with the features of their captions."""
    return NextShotBatch(
        context=shots.context,
        context_flags=shots.context_flags,
        target=shots.target,
        shot_flag=shots.shot_flag,
        embeds=captions.read_ids(shots.token_ids),
        caption_index=shots.caption_index,
        subject=shots.subject,
    )
