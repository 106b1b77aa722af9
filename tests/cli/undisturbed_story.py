# SPDX-License-Identifier: Apache-2.0
"""The frames of a story that nothing disturbs, for servers that are killed to be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kept_frames import KeptFrames
from shotstream_bridge import BeatScript, StoryScript


def render_undisturbed(folder: Path, caption: str, seed: int, beats: Sequence[BeatScript]) -> np.ndarray:
    """The frames ``[frames, H, W, 3]`` of a story without a journal, a server or a crash."""
    import torch
    from shotstream_runtime.engines.eager import EagerEngine
    from shotstream_runtime.host.rendering import render_story
    from shotstream_runtime.weights.load import load_model

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as the generating thread of a server does
    model = load_model(folder)
    frames = KeptFrames()
    script = StoryScript(global_caption=caption, seed=seed, beats=tuple(beats))
    render_story(model, EagerEngine(model.student), script, seed, frames)
    torch.set_flush_denormal(False)
    return np.stack(frames.pixels)
