# SPDX-License-Identifier: Apache-2.0
"""What the stages after the autoencoder share: data, codec, text side, held-out stories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.model import StudentConfig

from shotstream_training.data.producer import StoryProducer
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.data.story_store import StoryStore
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.networks import encode_captions
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.stage_folder import open_codec

LATENT_SIZE = (10, 16)
"""Rows and columns of a latent of the storyboard world's 128x80 pictures."""


@dataclass
class Workshop:
    """Shared by the stages of one process.

    Attributes:
        student: Dimensions of all networks.
        text: The text side.
        codec: The frozen autoencoder.
        producer: Renders on.
        store: What it has rendered so far.
        judged: A few held-out stories, for sample pictures.
        device: Where everything is.
    """

    student: StudentConfig
    text: MiniTextEncoder
    codec: LatentCodec
    producer: StoryProducer
    store: StoryStore
    judged: StoryStore
    device: torch.device

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
        seed: int,
    ) -> Workshop:
        """Loads the autoencoder and renders the held-out stories."""
        codec = open_codec(vae, device, "--vae")
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
        return cls(student, text, codec, producer, store(capacity, max_shots), judged, device)

    def refill(self, step: int) -> None:
        """Now and then renders one more story."""
        if step % 20 == 0:
            self.store.refill(self.producer, limit=1)

    @torch.no_grad()
    def judged_batch(self, size: int = 8) -> NextShotBatch:
        """The first held-out shots."""
        rows = torch.arange(min(len(self.judged), size), device=self.device)
        return encode_captions(self.judged.at(rows), self.text)
