# SPDX-License-Identifier: Apache-2.0
"""Which stored frames become context, as tensors indexed by the number of finished shots."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from shotstream_runtime.streaming.context import select_context, selectable_frames
from torch import Tensor


@dataclass(frozen=True)
class ContextTable:
    """Context selections for 0, 1, 2, ... finished shots of equal length.

    Attributes:
        frames: Pixel frames of a shot that a selection can pick, sorted: what has to be encoded alone.
        shot: Shot of each condition frame ``[histories, 6]``.
        pick: Its index in ``frames`` ``[histories, 6]``.
        flags: Its shot flag ``[histories, 6]``.
        new_flag: Flag of the new shot ``[histories]``.
    """

    frames: tuple[int, ...]
    shot: Tensor
    pick: Tensor
    flags: Tensor
    new_flag: Tensor

    @classmethod
    def build(cls, histories: int, shot_frames: int, slots: int, device: torch.device) -> ContextTable:
        """Selections for 0 to ``histories - 1`` finished shots, by the runtime's own rule."""
        # The rounding of the rule depends on the parity of the frames before a shot.
        frames = sorted(
            set(selectable_frames(0, shot_frames, slots)) | set(selectable_frames(1, shot_frames, slots))
        )
        shots, picks, flags, new_flags = [], [], [], []
        for history in range(histories):
            selection = select_context([shot_frames] * history, slots)
            chosen = selection.picks
            shots.append([pick.shot for pick in chosen] or [0] * slots)
            picks.append([frames.index(pick.frame) for pick in chosen] or [0] * slots)
            flags.append(list(selection.shot_flags))
            new_flags.append(selection.new_shot_flag)
        return cls(
            tuple(frames),
            *(torch.tensor(values, device=device) for values in (shots, picks, flags, new_flags)),
        )
