# SPDX-License-Identifier: Apache-2.0
"""The flow-matching schedule: sigma table, few-step times, clean estimates and re-noising."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

TABLE_ENTRIES = 1000
"""Entries of the sigma table; times are 1000 times sigma."""


class FlowSchedule:
    """A shifted flow-matching table, ``x_t = (1 - sigma) x_0 + sigma noise``.

    Attributes:
        sigmas: ``[1000]`` float32, ``shift u / (1 + (shift - 1) u)`` for u = 1, 0.999, ..., 0.001.
        times: ``[1000]`` float32, 1000 times sigma.
        steps: The few denoising times, in order.
    """

    def __init__(self, shift: float, denoising_steps: tuple[int, ...]) -> None:
        # Float32 throughout, as the recorded tables are: the time features see a difference of one unit in
        # the last place of a time.
        positions = torch.linspace(1.0, 0.0, TABLE_ENTRIES + 1)[:-1]
        self.sigmas = shift * positions / (1 + (shift - 1) * positions)
        self.times = self.sigmas * TABLE_ENTRIES
        self.steps = tuple(self.times[TABLE_ENTRIES - step].item() for step in denoising_steps)

    def nearest(self, time: float) -> int:
        """Index of the table entry nearest to a time on the 0..1000 scale.

        Time 0 maps to the last entry, whose sigma is not zero.
        """
        return int((self.times.double() - time).abs().argmin())

    def sigma(self, time: float) -> float:
        """Sigma of the nearest table entry."""
        return float(self.sigmas[self.nearest(time)])

    def clean(self, noisy: Tensor, flow: Tensor, sigma: float) -> Tensor:
        """The clean estimate ``noisy - sigma flow``, evaluated in float64 and rounded to the input's type."""
        return torch.sub(noisy.double(), flow.double(), alpha=sigma).to(noisy.dtype)

    def renoise(self, clean: Tensor, noise: Tensor, sigma: float) -> Tensor:
        """The noisy state ``(1 - sigma) clean + sigma noise``."""
        return (1 - sigma) * clean + sigma * noise

    def denoise(
        self, noise: Tensor, renoise: Callable[[int], Tensor], flow: Callable[[Tensor, int], Tensor]
    ) -> Tensor:
        """Walks the few steps from noise to a clean chunk.

        Args:
            noise: Initial noise.
            renoise: Fresh noise for the step with the given number (1 for the second step, ...).
            flow: The student's flow for a noisy state, at the step with the given number.

        Returns:
            The last clean estimate, same shape as ``noise``.
        """
        noisy = clean = noise
        for step, time in enumerate(self.steps):
            sigma = self.sigma(time)
            if step:
                noisy = self.renoise(clean, renoise(step), sigma)
            clean = self.clean(noisy, flow(noisy, step), sigma)
        return clean
