# SPDX-License-Identifier: Apache-2.0
"""What the stages after the autoencoder share: data, codec, text side, held-out stories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.model import StudentConfig

from shotstream_training.budget import Budget
from shotstream_training.data.producer import StoryProducer
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.data.story_store import StoryStore
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.networks import encode_captions
from shotstream_training.next_shot import NextShotBatch

LATENT_SIZE = (10, 16)
"""Rows and columns of a latent of the storyboard world's 128x80 pictures."""


@dataclass
class Workshop:
    """Shared by the stages of one process.

    Attributes:
        student: Dimensions of all networks.
        text: The text side; trained with the teacher, frozen afterwards.
        codec: The frozen autoencoder.
        producer: Renders on.
        store: What it has rendered so far.
        judged: A few held-out stories, for sample pictures.
        device: Where everything is.
        live: Whether the producer works beside the trainer and may be asked at every step.
    """

    student: StudentConfig
    text: MiniTextEncoder
    codec: LatentCodec
    producer: StoryProducer
    store: StoryStore
    judged: StoryStore
    device: torch.device
    live: bool

    @classmethod
    def open(
        cls,
        student: StudentConfig,
        text: MiniTextEncoder,
        *,
        vae: Path,
        producer: StoryProducer,
        held_out: StoryRenderer,
        max_shots: int,
        capacity: int,
        device: torch.device,
        live: bool,
        seed: int,
    ) -> Workshop:
        """Loads the autoencoder and renders the held-out stories."""
        codec = LatentCodec.from_stage(vae, device)
        text.to(device)

        def store(shots: int, longest: int) -> StoryStore:
            return StoryStore(
                codec,
                capacity=shots,
                max_shots=longest,
                slots=student.max_context_frames,
                text_len=text.config.text_len,
                size=LATENT_SIZE,
                seed=seed,
            )

        judged = store(2 * held_out.max_shots, held_out.max_shots)
        for number in range(2):
            judged.add(held_out(number))
        return cls(student, text, codec, producer, store(capacity, max_shots), judged, device, live)

    def wait_for(self, shots: int, budget: Budget) -> None:
        """Waits until the store holds so many shots."""
        while len(self.store) < shots and budget.training:
            self.store.refill(self.producer, 8, wait_s=5.0)

    def refill(self, step: int) -> None:
        """Takes in what has been rendered meanwhile; without workers, now and then renders a story itself."""
        if self.live or step % 20 == 0:
            self.store.refill(self.producer, limit=2 if self.live else 1)

    @torch.no_grad()
    def batch(self, size: int) -> NextShotBatch:
        """A random batch with frozen caption features."""
        return encode_captions(self.store.draw(size), self.text)

    @torch.no_grad()
    def judged_batch(self, size: int = 8) -> NextShotBatch:
        """The first held-out shots."""
        rows = torch.arange(min(len(self.judged), size), device=self.device)
        return encode_captions(self.judged.at(rows), self.text)
