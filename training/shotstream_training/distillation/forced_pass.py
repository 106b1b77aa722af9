# SPDX-License-Identifier: Apache-2.0
"""All chunks of a shot in one pass, each with given clean chunks before it.

What the runtime does chunk by chunk over the dual cache, this does for a whole shot at once: the clean
frames write their keys into the cache under the causal mask, then every noisy chunk attends to the context,
to the clean chunks before it, and to itself. Tests hold it against the step-by-step rollout.
"""

from __future__ import annotations

import torch
from shotstream_runtime.model import CacheAccess, CacheSpan, DualCache, Student, from_patches
from shotstream_runtime.model.attention import RoutedCaptions
from torch import Tensor

from shotstream_training.next_shot import NextShotBatch, causal_frame_mask


def forced_frame_mask(context: int, frames: int, chunk: int) -> Tensor:
    """Which frame may attend to which over ``[context | clean | noisy]``, true where it may.

    Clean frames as in `causal_frame_mask`, without those of the last chunk, which nothing would see; a noisy
    chunk sees the context, the clean chunks before it, and itself.
    """
    clean = context + frames - chunk
    mask = torch.zeros(clean + frames, clean + frames, dtype=torch.bool)
    mask[:clean, :clean] = causal_frame_mask(context, frames - chunk, chunk)
    chunks = torch.arange(frames) // chunk
    mask[clean:, :context] = True
    mask[clean:, context:clean] = chunks[:, None] > chunks[None, :-chunk]
    mask[clean:, clean:] = chunks[:, None] == chunks[None, :]
    return mask


class ForcedPass:
    """Passes over whole shots with the student's dual cache.

    Args:
        student: The network.
        cache: A cache of this batch size that holds a whole shot.
        frames: Latent frames of a shot; at most the cache's local window.

    Attributes:
        cache: That cache; a `Rollout` that fills it may stand in for `fill`.

    Raises:
        ValueError: If a shot does not fit into the cache.
    """

    def __init__(self, student: Student, cache: DualCache, frames: int) -> None:
        config = student.config
        if frames > config.local_window_frames:
            raise ValueError(
                f"a shot of {frames} latent frames exceeds local_window_frames={config.local_window_frames}"
            )
        self._student, self.cache = student, cache
        self._context, self._clean = config.max_context_frames, frames - config.frames_per_chunk
        tokens = cache.tokens_per_frame
        mask = forced_frame_mask(self._context, frames, config.frames_per_chunk).to(student.device)
        mask = mask.repeat_interleave(tokens, 0).repeat_interleave(tokens, 1)
        start, stop = self._context * tokens, (self._context + self._clean) * tokens
        self._clean_mask = mask[start:stop, :stop].contiguous()
        self._noisy_mask = mask[stop:].contiguous()
        self._clean_span = CacheSpan(start=start, stop=stop, keys=stop)
        self._noisy_span = CacheSpan(start=stop, stop=stop, keys=stop)

    @torch.no_grad()
    def fill(self, batch: NextShotBatch, clean: Tensor) -> None:
        """Writes the keys of context and clean target ``[b, f, channels, h, w]``, without gradient.

        The last chunk's keys are left out: no chunk comes after it.
        """
        access = CacheAccess(self.cache, self.cache.context_span())
        self._run(batch, batch.context, 0.0, access, 0, None, keys_only=True)
        if self._clean:
            access = CacheAccess(self.cache, self._clean_span)
            before = clean[:, : self._clean]
            self._run(batch, before, 0.0, access, self._context, self._clean_mask, keys_only=True)

    def flow(self, batch: NextShotBatch, noisy: Tensor, times: Tensor | float) -> Tensor:
        """The flow of noisy chunks over the filled cache, with gradient where it is enabled.

        Args:
            batch: Flags and captions.
            noisy: ``[b, f, channels, h, w]``.
            times: One time for all, or ``[b, f]``.
        """
        access = CacheAccess(self.cache, self._noisy_span, in_place=False)
        return self._run(batch, noisy, times, access, self._context, self._noisy_mask).float()

    def _run(
        self,
        batch: NextShotBatch,
        latents: Tensor,
        times: Tensor | float,
        access: CacheAccess,
        first: int,
        mask: Tensor | None,
        *,
        keys_only: bool = False,
    ) -> Tensor:
        student = self._student
        frames = latents.shape[1]
        if isinstance(times, float):
            times = torch.full((frames,), times, device=latents.device)
        height, width = latents.shape[-2:]
        flags = batch.flags[:, first : first + frames]
        positions = batch.positions[first : first + frames].expand_as(flags)
        rotary = student.rotary_table(positions, flags, height, width)
        modulation = student.modulate(times)
        captions = RoutedCaptions(
            student.text_embedding(batch.embeds.to(student.dtype)),
            batch.caption_index[:, first : first + frames],
        )
        x = student.patchify(latents)
        *blocks, last = student._layers
        for block in blocks:
            x = block(x, modulation.projection, rotary, captions, access, mask)
        if keys_only:
            last.store_keys(x, modulation.projection, rotary, access)
            return x
        x = last(x, modulation.projection, rotary, captions, access, mask)
        return from_patches(student.head(x, modulation.embed), student.config, height, width)
