# SPDX-License-Identifier: Apache-2.0
"""Trajectories of the teacher: sampled once, kept on disk, regressed onto (published form of S2.1)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.noise_levels import trajectory_times
from shotstream_training.stages.scores import ScoreRule, wide

RECIPE = "recipe.json"


@torch.no_grad()
def sample_trajectory(
    network: Student,
    batch: NextShotBatch,
    noise: Tensor,
    rule: ScoreRule,
    *,
    steps: int,
    kept: Sequence[int],
    guidance: float,
) -> Tensor:
    """Follows the teacher from noise to a clean shot by Euler steps along the shifted table.

    Args:
        network: The teacher.
        batch: Context, flags, captions; of the target only the shape is used.
        noise: Where it starts, like the target.
        rule: How the teacher is read; its negative prompt is the unguided branch.
        steps: Euler steps.
        kept: Steps whose entering states are wanted.
        guidance: ``u + guidance (c - u)``; 1 means none.

    Returns:
        States ``[b, kept + 1, f, channels, h, w]``: those entering the kept steps, then the final latents.
    """
    times = trajectory_times(steps, network.config.timestep_shift).tolist()
    unguided = rule.unguided(batch)
    latents = noise
    states = []
    for step in range(steps):
        if step in kept:
            states.append(latents)
        time = torch.full((len(batch),), times[step], device=latents.device)
        flow = rule.flow(network, batch, latents, time)
        if guidance != 1.0:
            silent = rule.flow(network, unguided, latents, time)
            flow = silent + guidance * (flow - silent)
        latents = latents + flow * ((times[step + 1] - times[step]) / 1000)
    return torch.stack([*states, latents], dim=1)


class TrajectoryStore:
    """A folder with one file per trajectory: states, context, flags and caption features.

    Args:
        folder: Created where missing.
        recipe: What the trajectories were made with; a folder of another recipe is refused.

    Raises:
        ValueError: If the folder holds trajectories of another recipe.
    """

    def __init__(self, folder: Path, recipe: dict[str, object]) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / RECIPE
        text = json.dumps(recipe, indent=1, sort_keys=True)
        if path.is_file() and path.read_text(encoding="utf-8") != text:
            raise ValueError(
                f"{folder} holds trajectories made otherwise (see {RECIPE}); give another folder"
            )
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)

    def missing(self, count: int) -> list[int]:
        """Numbers below ``count`` that are not stored yet."""
        return [number for number in range(count) if not self._path(number).is_file()]

    def save(self, number: int, batch: NextShotBatch, row: int, states: Tensor) -> None:
        """Stores one sample of a batch with its states ``[kept + 1, f, channels, h, w]``, in bfloat16."""
        tensors = {
            "states": states.to(torch.bfloat16),
            "context": batch.context[row].to(torch.bfloat16),
            "context_flags": batch.context_flags[row],
            "shot_flag": batch.shot_flag[row],
            "embeds": batch.embeds[row].to(torch.bfloat16),
            "caption_index": batch.caption_index[row],
        }
        path = self._path(number)
        part = path.with_suffix(".part")
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, part)
        os.replace(part, path)

    def load(self, numbers: Sequence[int], device: torch.device) -> tuple[NextShotBatch, Tensor]:
        """Samples and their states ``[b, kept + 1, f, channels, h, w]``; the target is the final latents.

        Raises:
            FileNotFoundError: If a trajectory is missing.
        """
        rows: list[dict[str, Tensor]] = []
        for number in numbers:
            path = self._path(number)
            if not path.is_file():
                raise FileNotFoundError(f"{path} is missing; run the stage again to sample what is missing")
            with safe_open(path, "pt") as file:
                rows.append({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        most = max(len(row["embeds"]) for row in rows)
        for row in rows:
            embeds = row["embeds"]
            row["embeds"] = torch.cat((embeds, embeds.new_zeros(most - len(embeds), *embeds.shape[1:])))
        joined = {name: torch.stack([row[name] for row in rows]).to(device) for name in rows[0]}
        states = joined["states"].float()
        batch = NextShotBatch(
            context=joined["context"].float(),
            context_flags=joined["context_flags"],
            target=states[:, -1],
            shot_flag=joined["shot_flag"],
            embeds=joined["embeds"].float(),
            caption_index=joined["caption_index"],
        )
        return batch, states

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:07d}.safetensors"


def mixed_states(states: Tensor, times: Tensor, choice: Tensor, chunk: int) -> tuple[Tensor, Tensor]:
    """The student's input: every chunk in a state of its own.

    Args:
        states: ``[b, s, f, channels, h, w]``, the last one clean.
        times: Time of each state ``[s]``, the last one 0.
        choice: State of each chunk ``[b, f / chunk]``.
        chunk: Latent frames of a chunk.

    Returns:
        Latents ``[b, f, channels, h, w]`` and their times ``[b, f]``.
    """
    per_frame = choice.repeat_interleave(chunk, dim=1)
    rows = torch.arange(states.shape[0], device=states.device)[:, None]
    frames = torch.arange(states.shape[2], device=states.device)[None]
    return states[rows, per_frame, frames], times.to(states.device)[per_frame]


def regression_loss(flow: Tensor, latents: Tensor, times: Tensor, final: Tensor) -> Tensor:
    """Squared error of the clean estimates to the final latents, mean over frames whose time is above 0.

    A batch whose frames are all clean teaches nothing: its loss is 0.

    Args:
        flow: The student's flow, like the latents.
        latents: What it saw ``[b, f, channels, h, w]``.
        times: At which times ``[b, f]``.
        final: Where the trajectories end.
    """
    estimate = latents - wide(times / 1000) * flow
    error = (estimate - final).square().mean(dim=(2, 3, 4))
    noisy = times > 0
    return (error * noisy).sum() / noisy.sum().clamp_min(1)
