# SPDX-License-Identifier: Apache-2.0
"""What of the student is computed outside the network: once per caption, time or chunk, not in a pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.model import CaptionKeys, Student

from .student_tensors import StudentTensors

_SCALES = (1, 4)
"""Rows of a block's modulation that scale: of attention and of the feed-forward."""


class PreparedStudent:
    """Captions, modulation and rotary tables in the form that the network reads.

    Args:
        student: The student; `release` frees what only the network needs.
        precision: The network's number format.
    """

    def __init__(self, student: Student, precision: Precision) -> None:
        self._student = student
        self._dtype = precision.dtype
        self._modulations: dict[float, tuple[Tensor, Tensor]] = {}
        # A student whose large matrices are gone can still say these.
        self._blocks = torch.cat([block.modulation.float() for block in student._layers])
        self._head = student.head.modulation.float()

    @property
    def device(self) -> torch.device:
        """Where the buffers of a session are."""
        return self._student.device

    def release(self) -> None:
        """Frees the weights that only the network needs: all but an eighth."""
        for block in self._student._layers:
            for module in (block.self_attn, block.ffn, block.cross_attn.q, block.cross_attn.o):
                nn.Module.to(module, device="meta")

    def caption_keys(self, embeds: Tensor) -> CaptionKeys:
        """Keys and values of one caption ``[text_len, text_dim]``.

        They lie in memory as ``[1, heads, text_len, head_dim]``, in the network's type.

        Raises:
            ValueError: If the features do not have the student's text shape.
        """
        keys = self._student.embed_captions(embeds[None].to(self.device, self._student.dtype))
        return CaptionKeys(tuple((self._heads_first(k), self._heads_first(v)) for k, v in keys.layers))

    def _heads_first(self, x: Tensor) -> Tensor:
        return x.to(self._dtype).transpose(1, 2).contiguous().transpose(1, 2)

    def modulation(self, time: float) -> tuple[Tensor, Tensor]:
        """Modulation at a time on the 0..1000 scale, one added to what scales; computed once for each time.

        Returns:
            Of the blocks ``[layers, 6, dim]`` and of the head ``[1, 2, dim]``, float32.
        """
        if time not in self._modulations:
            times = torch.tensor([time], dtype=torch.float64, device=self.device)
            modulation = self._student.modulate(times)
            blocks = self._blocks + modulation.projection[0].float()
            blocks[:, _SCALES] += 1
            head = self._head + modulation.embed[0, :, None].float()
            head[:, 1] += 1
            self._modulations[time] = blocks, head
        return self._modulations[time]

    def rotary(
        self, positions: Iterable[int], shot_flags: Sequence[int], tensors: StudentTensors
    ) -> tuple[Tensor, Tensor]:
        """Cosines and sines of whole latent frames, ``[1, tokens, head_dim / 2]`` float32."""
        table = self._student.rotary_table(
            torch.tensor(list(positions)), torch.tensor(shot_flags), tensors.height, tensors.width
        )
        return table.cos[:, :, 0].contiguous(), table.sin[:, :, 0].contiguous()
