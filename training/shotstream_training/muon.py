# SPDX-License-Identifier: Apache-2.0
"""Muon: momentum whose matrices are made orthogonal before they are applied, with AdamW for the rest.

Published by Keller Jordan (2024); written here from its description. `torch.optim.Muon` knows matrices only
and works through them one by one; here convolutions count as matrices (output channels by everything else),
and all weights of one shape go through the Newton-Schulz iteration together, which a network of many small
layers needs on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration that drives singular values towards 1."""


def orthogonalise(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Approximately replaces the singular values of matrices ``[n, rows, columns]`` by 1.

    The result's singular values lie between about 0.7 and 1.2; a matrix of zeros stays zero.
    """
    a, b, c = COEFFICIENTS
    x: Tensor = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    wide = x.shape[-2] <= x.shape[-1]
    x = x if wide else x.mT
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.mT


class MuonAdamW:
    """One optimiser for a whole network.

    Args:
        matrices: Weights of hidden layers, two dimensions or more; all dimensions but the first are joined.
        others: Everything else: first and last layers, embeddings, vectors.
        rate: Peak learning rate of the matrices. An update has singular values near ``rate``, times the
            square root of rows over columns where there are more rows.
        other_rate: Peak learning rate of the rest, by AdamW.
        momentum: Of the matrices' gradients, Nesterov.
        weight_decay: Decoupled, on matrices, as a part of the learning rate.
        other_weight_decay: The same for the rest.
        precision: Type of the iteration; bfloat16 suffices.

    On a GPU a step can be captured into a CUDA graph: the learning rates live on the device.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        others: Iterable[nn.Parameter],
        *,
        rate: float,
        other_rate: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        other_weight_decay: float = 0.0,
        precision: torch.dtype = torch.float32,
    ) -> None:
        self.other_rate = other_rate
        self.momentum, self.precision = momentum, precision
        self._groups: dict[tuple[int, int], list[nn.Parameter]] = {}
        for parameter in matrices:
            shape = (parameter.shape[0], parameter[0].numel())
            self._groups.setdefault(shape, []).append(parameter)
        self._velocity = {
            shape: torch.zeros((len(group), *shape), device=group[0].device)
            for shape, group in self._groups.items()
        }
        self._rest = rest = list(others)
        device = rest[0].device
        on_gpu = device.type == "cuda"
        self._rate, self._decay = rate, rate * weight_decay
        self._factor = torch.ones((), device=device)
        self._other_rate = torch.tensor(other_rate, device=device)
        self._adamw = torch.optim.AdamW(
            rest,
            lr=self._other_rate if on_gpu else other_rate,
            betas=(0.9, 0.99),
            weight_decay=other_weight_decay,
            fused=on_gpu,
            capturable=on_gpu,
        )

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Everything that is optimised."""
        grouped = [parameter for group in self._groups.values() for parameter in group]
        return grouped + [p for group in self._adamw.param_groups for p in group["params"]]

    def zero_grad(self) -> None:
        """Drops all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def scale_rates(self, factor: float) -> None:
        """Sets both learning rates to a part of their peaks, from the next step on."""
        self._factor.fill_(factor)
        self._other_rate.fill_(self.other_rate * factor)
        for group in self._adamw.param_groups:
            if not isinstance(group["lr"], Tensor):
                group["lr"] = self.other_rate * factor

    def tensors(self) -> dict[str, Tensor]:
        """Momentum and the states of AdamW by name, for checkpoints; not copied."""
        found = {f"velocity/{rows}x{columns}": v for (rows, columns), v in self._velocity.items()}
        for number, parameter in enumerate(self._rest):
            for key, value in self._adamw.state.get(parameter, {}).items():
                found[f"adamw/{number}/{key}"] = value
        return found

    @torch.no_grad()
    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Restores what `tensors` gave."""
        for name, value in tensors.items():
            kind, place, *key = name.split("/")
            if kind == "velocity":
                rows, columns = place.split("x")
                self._velocity[int(rows), int(columns)].copy_(value)
            else:
                parameter = self._rest[int(place)]
                self._adamw.state[parameter][key[0]] = value.to(parameter.device, copy=True)

    @torch.no_grad()
    def step(self) -> None:
        """One update."""
        for (rows, columns), group in self._groups.items():
            gradients = [p.grad for p in group if p.grad is not None]
            if not gradients:
                continue
            gradient = torch.stack([grad.float().reshape(rows, columns) for grad in gradients])
            velocity = self._velocity[rows, columns].lerp_(gradient, 1.0 - self.momentum)
            direction = gradient.lerp_(velocity, self.momentum).to(self.precision)
            length = self._factor * (self._rate * max(1.0, rows / columns) ** 0.5)
            update = orthogonalise(direction).float() * length
            for parameter, change in zip(group, update, strict=True):
                if self._decay:
                    parameter.mul_(1.0 - self._decay * self._factor)
                parameter.sub_(change.view(parameter.shape))
        self._adamw.step()
