# SPDX-License-Identifier: Apache-2.0
"""Stories as latents on the training device, and next-shot samples drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from shotstream_training.data.context_table import ContextTable
from shotstream_training.data.pictures import to_clips
from shotstream_training.data.rendered_story import RenderedStory
from shotstream_training.data.subject_cover import subject_cover
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.world.spec import FRAMES_PER_SHOT

PROMPTS_PER_SHOT = 2


@dataclass(frozen=True)
class SampledShots:
    """Next-shot samples before their captions are encoded.

    Attributes:
        context: ``[b, 6, channels, h, w]``; zeros before a first shot.
        context_flags: ``[b, 6]``.
        target: ``[b, f, channels, h, w]``.
        shot_flag: ``[b]``.
        token_ids: ``[b, n, text_len]``: at first 6 + 2, one caption per condition frame, then the target's.
        caption_index: ``[b, 6 + f]``.
        subject: Where the target shows its cast ``[b, f, h, w]``, 0 to 1.
    """

    context: Tensor
    context_flags: Tensor
    target: Tensor
    shot_flag: Tensor
    token_ids: Tensor
    caption_index: Tensor
    subject: Tensor

    def without_unread_captions(self) -> SampledShots:
        """The same samples without the captions that no frame of any of them reads; waits for the device."""
        read, index = torch.unique(self.caption_index, return_inverse=True)
        return replace(self, token_ids=self.token_ids[:, read], caption_index=index)


class StoryStore:
    """A ring of shots with their latents; the shots of a story lie one after another.

    Args:
        codec: Encodes arriving stories.
        capacity: Shots kept.
        max_shots: Most shots of a story.
        slots: Condition frames of a sample.
        text_len: Tokens per prompt.
        size: Latent rows and columns.
        shot_frames: Pixel frames of every shot.
    """

    def __init__(
        self,
        codec: LatentCodec,
        *,
        capacity: int,
        max_shots: int,
        slots: int,
        text_len: int,
        size: tuple[int, int],
        shot_frames: int = FRAMES_PER_SHOT,
    ) -> None:
        device = codec.device
        self._codec = codec
        self._capacity, self._max_shots, self._slots = capacity, max_shots, slots
        self.table = ContextTable.build(max_shots, shot_frames, slots, device)
        self._latent_frames = 1 + (shot_frames - 1) // 4
        picks = len(self.table.frames)
        latent = (codec.channels, *size)
        kind = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._targets = torch.zeros((capacity, self._latent_frames, *latent), dtype=kind, device=device)
        self._frames = torch.zeros((capacity, picks, *latent), dtype=kind, device=device)
        self._subject = torch.zeros((capacity, self._latent_frames, *size), dtype=kind, device=device)
        self._tokens = torch.zeros((capacity, PROMPTS_PER_SHOT, text_len), dtype=torch.long, device=device)
        self._latent_prompt = torch.zeros((capacity, self._latent_frames), dtype=torch.long, device=device)
        self._frame_prompt = torch.zeros((capacity, picks), dtype=torch.long, device=device)
        self._number = torch.zeros(capacity, dtype=torch.long, device=device)
        self._next = 0
        self._filled = 0

    def __len__(self) -> int:
        return self._filled

    def add(self, story: RenderedStory) -> None:
        """Encodes a story and keeps it."""
        count = len(story.shots)
        if self._next + count > self._capacity:
            # Stories stay in one piece: the rest of the ring is left as it is.
            self._next = 0
        rows = slice(self._next, self._next + count)
        device = self._codec.device
        pictures = torch.stack([torch.from_numpy(shot).to(device) for shot in story.shots])
        clips = to_clips(pictures)
        self._targets[rows] = self._codec.encode(clips).to(self._targets.dtype)
        size = (self._subject.shape[2], self._subject.shape[3])
        covers = [torch.from_numpy(subject_cover(story.spec, shot, size)) for shot in range(count)]
        self._subject[rows] = torch.stack(covers).to(self._subject)
        frames = clips[:, :, list(self.table.frames)].transpose(1, 2)
        encoded = self._codec.encode_frames(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        self._frames[rows] = encoded.to(self._frames.dtype)
        prompts = story.prompts
        tokens = torch.zeros((count, *self._tokens.shape[1:]), dtype=torch.long)
        for shot, ids in enumerate(prompts.token_ids):
            tokens[shot, : len(ids)] = torch.from_numpy(ids)
        of_latents = [prompts.prompt_of_latents(shot, self._latent_frames) for shot in range(count)]
        of_frames = [[prompts.prompt_at(shot, frame) for frame in self.table.frames] for shot in range(count)]
        self._tokens[rows] = tokens.to(device)
        self._latent_prompt[rows] = torch.tensor(of_latents, device=device)
        self._frame_prompt[rows] = torch.tensor(of_frames, device=device)
        self._number[rows] = torch.arange(count, device=device)
        self._next += count
        self._filled = max(self._filled, self._next)

    def at(self, rows: Tensor) -> SampledShots:
        """The samples whose targets are given rows ``[b]``."""
        history = self._number[rows]
        table = self.table
        first = (history == 0)[:, None]
        # Before a first shot there is no history; its own row stands in and is zeroed below.
        earlier = torch.where(first, rows[:, None], (rows - history)[:, None] + table.shot[history])
        picks = table.pick[history]
        context = self._frames[earlier, picks].float()
        context = torch.where(first[..., None, None, None], 0.0, context)
        context_tokens = self._tokens[earlier, self._frame_prompt[earlier, picks]]
        own = torch.arange(self._slots, device=rows.device).expand(len(rows), -1)
        caption_index = torch.cat(
            (torch.where(first, self._slots, own), self._slots + self._latent_prompt[rows]), dim=1
        )
        return SampledShots(
            context=context,
            context_flags=table.flags[history],
            target=self._targets[rows].float(),
            shot_flag=table.new_flag[history],
            token_ids=torch.cat((context_tokens, self._tokens[rows]), dim=1),
            caption_index=caption_index,
            subject=self._subject[rows].float(),
        )
