# SPDX-License-Identifier: Apache-2.0
"""Where samples come from: a data set of the published form."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import torch
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.streaming.context import select_context
from torch import Tensor

from shotstream_training.data.context_table import ContextTable
from shotstream_training.data.epoch_order import EpochOrder
from shotstream_training.data.pictures import to_clips
from shotstream_training.data.published_stories import TARGET_FRAMES, ClipSample, PublishedStories, first_good
from shotstream_training.errors import TrainingError
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.captions import CaptionReader
from shotstream_training.stages.place import Place


class PixelCodec(Protocol):
    """Pixels to normalised latents and back, without gradient; see `LatentCodec`."""

    def encode(self, clips: Tensor) -> Tensor:
        """Clips ``[b, 3, 1 + 4k, H, W]`` to latents ``[b, 1 + k, channels, h, w]``."""
        ...

    def encode_frames(self, frames: Tensor) -> Tensor:
        """Frames ``[n, 3, H, W]``, each alone, to latents ``[n, channels, h, w]``."""
        ...

    def decode(self, latents: Tensor, batch: int = 8) -> Tensor:
        """Latents ``[b, f, channels, h, w]`` to clips ``[b, 3, 1 + 4 (f - 1), H, W]``."""
        ...


class ShotSource(Protocol):
    """Gives every process its samples of every step.

    Attributes:
        uses_context: False where every shot is trained as a first shot, to see what history is worth.
        position: Places shown so far by all processes; what a checkpoint keeps.
        table: The runtime's selection of context for shots of full length.
        size: Latent rows and columns.
    """

    uses_context: bool
    position: int
    table: ContextTable
    size: tuple[int, int]

    def take(self, batch: int) -> list[int]:
        """This process's places in the next step of ``batch`` samples, all processes together."""
        ...

    def samples(self, places: Sequence[int]) -> NextShotBatch:
        """The samples at these places."""
        ...

    def shot_of_stories(self, places: Sequence[int], shot: int) -> NextShotBatch:
        """A shot of the stories at these places, for stages that make the pictures themselves.

        Flags and captions are given; context and target are zeros.
        """
        ...


class ClipSource:
    """Samples from clips.

    Args:
        stories: The data set.
        codec: Encodes pictures.
        captions: Reads prompts.
        config: Sizes of the student.
        size: Latent rows and columns.
        place: Shares every step's samples among processes.
        seed: Seed of the order.
        readers: Threads that decode ahead.
        whole_chunks: Whether targets are cut to whole chunks, as causal stages need them.
    """

    uses_context = True

    def __init__(
        self,
        stories: PublishedStories,
        codec: PixelCodec,
        captions: CaptionReader,
        config: StudentConfig,
        *,
        size: tuple[int, int],
        place: Place,
        seed: int,
        readers: int = 4,
        whole_chunks: bool = False,
    ) -> None:
        self.stories, self.codec, self.captions, self.config = stories, codec, captions, config
        self.size = size
        self._place, self._whole_chunks = place, whole_chunks
        self._order = EpochOrder(len(stories), seed)
        longest = max(row.shots for row in stories.rows)
        self.table = ContextTable.build(longest, TARGET_FRAMES, config.max_context_frames, place.device)
        self._pool = ThreadPoolExecutor(max(1, readers))
        self._ahead: dict[int, Future[ClipSample]] = {}

    @property
    def position(self) -> int:
        """Places shown so far."""
        return self._order.position

    @position.setter
    def position(self, value: int) -> None:
        self._order.position = value

    def take(self, batch: int) -> list[int]:
        """See `ShotSource`."""
        return self._order.take(batch, self._place.rank, self._place.world)

    def samples(self, places: Sequence[int]) -> NextShotBatch:
        """See `ShotSource`; the places after these are read ahead meanwhile."""
        step = len(places) * self._place.world
        futures = [self._reading(place) for place in places]
        self._ahead = {place: future for place, future in self._ahead.items() if place > places[-1]}
        for place in places:
            self._reading(place + step)
        return self._encode([future.result() for future in futures])

    def shot_of_stories(self, places: Sequence[int], shot: int) -> NextShotBatch:
        """See `ShotSource`."""
        prompts = [
            first_good(self.stories, self._order.candidates(place), self.stories.story_prompts)[: shot + 1]
            for place in places
        ]
        selection = select_context([TARGET_FRAMES] * shot, self.config.max_context_frames)
        config, device = self.config, self._place.device
        frames = 1 + (TARGET_FRAMES - 1) // 4
        latent = (config.in_dim, *self.size)
        count, slots = len(places), config.max_context_frames
        own = [shot] * frames
        context = list(selection.shot_flags) if shot else [shot] * slots
        return NextShotBatch(
            context=torch.zeros(count, slots, *latent, device=device),
            context_flags=torch.tensor([selection.shot_flags] * count, device=device),
            target=torch.zeros(count, frames, *latent, device=device),
            shot_flag=torch.tensor([selection.new_shot_flag] * count, device=device),
            embeds=self.captions(prompts),
            caption_index=torch.tensor([context + own] * count, device=device),
        )

    def close(self) -> None:
        """Ends the reading threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _reading(self, place: int) -> Future[ClipSample]:
        if place not in self._ahead:
            candidates = self._order.candidates(place)
            self._ahead[place] = self._pool.submit(first_good, self.stories, candidates, self.stories.sample)
        return self._ahead[place]

    def _encode(self, samples: Sequence[ClipSample]) -> NextShotBatch:
        device, config = self._place.device, self.config
        targets = []
        contexts = []
        for sample in samples:
            clip = to_clips(torch.from_numpy(sample.target)[None].to(device))
            latents = self.codec.encode(clip)[0]
            if self._whole_chunks:
                latents = latents[: len(latents) // config.frames_per_chunk * config.frames_per_chunk]
            targets.append(latents)
            if len(sample.context):
                frames = to_clips(torch.from_numpy(sample.context)[None].to(device))[0].transpose(0, 1)
                contexts.append(self.codec.encode_frames(frames))
            else:
                contexts.append(latents.new_zeros(config.max_context_frames, *latents.shape[1:]))
        lengths = {len(target) for target in targets}
        if len(lengths) > 1:
            raise TrainingError(
                f"targets of {sorted(lengths)} latents in one batch; set micro_batch: 1, "
                f"or shortest_target: {TARGET_FRAMES} to leave short shots out"
            )
        return NextShotBatch(
            context=torch.stack(contexts),
            context_flags=torch.tensor([sample.context_flags for sample in samples], device=device),
            target=torch.stack(targets),
            shot_flag=torch.tensor([sample.shot_flag for sample in samples], device=device),
            embeds=self.captions([sample.prompts for sample in samples]),
            caption_index=torch.tensor(
                [sample.caption_index(len(target)) for sample, target in zip(samples, targets, strict=True)],
                device=device,
            ),
        )
