# SPDX-License-Identifier: Apache-2.0
"""What moves the weights: an optimiser over networks that may be shared out among processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.errors import TrainingError
from shotstream_training.networks import optimise_network
from shotstream_training.stages.network import TrainedNetwork, assign, full, snapshot
from shotstream_training.stages.settings import OptimizerSettings

LEFT_OUT_IN_A_ROW = 20
"""Steps without a finite gradient after which a run is given up."""


class Learner:
    """An optimiser with its clipping and its peak rate, over one or several networks.

    Args:
        networks: What it moves: their parameters that want a gradient. With Muon, the first is a student and
        all of
            its parameters are trained.
        settings: Which optimiser, and its numbers.

    Raises:
        ValueError: If nothing wants a gradient, or Muon cannot work here.
    """

    def __init__(self, networks: Sequence[TrainedNetwork], settings: OptimizerSettings) -> None:
        self.networks, self.settings = tuple(networks), settings
        self.place = networks[0].place
        self.named = {
            f"{number}.{name}": parameter
            for number, network in enumerate(networks)
            for name, parameter in network.inner.named_parameters()
            if parameter.requires_grad
        }
        if not self.named:
            raise ValueError("nothing to train: every parameter is frozen")
        self._left_out = 0
        self._driver = _MuonDriver(self) if settings.kind == "muon" else _AdamWDriver(self)

    def update(self, losses: Sequence[Callable[[], Tensor]], factor: float) -> dict[str, Tensor]:
        """One optimiser step over parts of a batch whose gradients add up.

        Args:
            losses: Each gives the mean loss of an equal part of this process's samples.
            factor: Scales the learning rate.

        Returns:
            ``loss``, the mean over all processes, and ``gradient``, the norm before clipping.

        Raises:
            TrainingError: If the gradient has not been finite many times in a row.
        """
        self._drop_gradients()
        total = torch.zeros((), device=self.place.device)
        for number, loss_of in enumerate(losses):
            for network in self.networks:
                network.synchronise(number + 1 == len(losses))
            loss = loss_of() / len(losses)
            loss.backward()
            total += loss.detach().float()
        norm = full(torch.nn.utils.clip_grad_norm_(list(self.named.values()), self.settings.clip))
        if bool(torch.isfinite(norm)):
            # The norm is that of all processes together: they agree.
            self._driver.step(factor)
            self._left_out = 0
        else:
            self._leave_out()
        self._drop_gradients()
        return {"loss": self.place.mean(total), "gradient": norm.detach()}

    def state(self) -> dict[str, Tensor]:
        """The optimiser's tensors, whole copies on the CPU; every process must ask."""
        return self._driver.state()

    def load(self, state: dict[str, Tensor]) -> None:
        """Restores what `state` gave."""
        self._driver.load(state)

    def _leave_out(self) -> None:
        """A step whose gradient is not finite is left out instead of ruining the weights."""
        self._left_out += 1
        if self._left_out == LEFT_OUT_IN_A_ROW:
            raise TrainingError(
                f"the gradient was not finite {LEFT_OUT_IN_A_ROW} times in a row; "
                "start afresh with a lower rate"
            )

    def _drop_gradients(self) -> None:
        for parameter in self.named.values():
            parameter.grad = None


class _AdamWDriver:
    """AdamW over parameters that may be shared out."""

    def __init__(self, learner: Learner) -> None:
        settings = learner.settings
        self._named, self._rate = learner.named, settings.rate
        self._optimizer = torch.optim.AdamW(
            learner.named.values(),
            lr=settings.rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
        )

    def step(self, factor: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * factor
        self._optimizer.step()

    @torch.no_grad()
    def state(self) -> dict[str, Tensor]:
        return {
            f"{name}/{key}": snapshot(value)
            for name, parameter in self._named.items()
            for key, value in self._optimizer.state.get(parameter, {}).items()
        }

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        for full_name, value in state.items():
            name, key = full_name.rsplit("/", 1)
            parameter = self._named[name]
            slots = self._optimizer.state[parameter]
            if value.ndim:
                slots[key] = torch.zeros_like(parameter)
                assign(slots[key], value)
            else:
                slots[key] = value.clone()


class _MuonDriver:
    """Muon for the matrices inside blocks, AdamW for the rest; for one process."""

    def __init__(self, learner: Learner) -> None:
        settings = learner.settings
        if learner.place.mesh is not None:
            raise ValueError("muon works on whole matrices, in one process; set the optimizer's kind: adamw")
        student, *others = (network.inner for network in learner.networks)
        everything = [p for network in learner.networks for p in network.inner.parameters()]
        if not isinstance(student, Student) or len(everything) != len(learner.named):
            raise ValueError("muon trains all weights of a network; set trained: all, or kind: adamw")
        if settings.other_rate is None:
            raise ValueError("muon needs other_rate")
        self._optimizer = optimise_network(student, settings.rate, settings.other_rate, *others)

    def step(self, factor: float) -> None:
        self._optimizer.scale_rates(factor)
        self._optimizer.step()

    def state(self) -> dict[str, Tensor]:
        return {name: snapshot(tensor) for name, tensor in self._optimizer.tensors().items()}

    def load(self, state: dict[str, Tensor]) -> None:
        self._optimizer.load_tensors(state)
