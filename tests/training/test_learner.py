# SPDX-License-Identifier: Apache-2.0
"""What moves the weights: rates, clipping, gradients that are not finite, Muon and its state."""

from dataclasses import replace

import pytest
import torch
from latent_source import CPU, small_student
from shotstream_training.errors import TrainingError
from shotstream_training.stages.learner import LEFT_OUT_IN_A_ROW, Learner
from shotstream_training.stages.network import RunningAverage, TrainedNetwork
from shotstream_training.stages.settings import OptimizerSettings
from torch import Tensor, nn


class Point(nn.Module):
    """One number."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor([value]))


def learner(value: float, **settings: object) -> tuple[TrainedNetwork, Learner]:
    network = TrainedNetwork(Point(value), CPU)
    given = {"rate": 0.1, "weight_decay": 0.0} | settings
    return network, Learner([network], OptimizerSettings.model_validate(given))


def test_adamw_step_by_formula() -> None:
    network, moves = learner(2.0, weight_decay=0.01, clip=1.0)
    values = moves.update([lambda: network(lambda point: 5 * point.value.sum())], 0.5)
    # Without momentum the first step of Adam is the rate; decay is decoupled: w (1 - rate decay) - rate
    # sign(g).
    assert network.inner.value.item() == pytest.approx(2.0 * (1 - 0.05 * 0.01) - 0.05, abs=1e-6)
    assert values["loss"].item() == 10.0
    assert values["gradient"].item() == 5.0


def test_gradients_are_clipped_and_parts_are_averaged() -> None:
    network, moves = learner(1.0, betas=(0.0, 0.0), clip=0.5)
    seen: list[Tensor] = []
    plain = moves._driver.step
    moves._driver.step = lambda factor: (seen.append(network.inner.value.grad.clone()), plain(factor))[1]
    losses = [lambda scale=scale: network(lambda point: scale * point.value.sum()) for scale in (2.0, 4.0)]
    values = moves.update(losses, 1.0)
    assert values["gradient"].item() == 3.0
    assert seen[0].item() == pytest.approx(0.5, abs=1e-5)


def test_a_gradient_that_is_not_finite_is_left_out() -> None:
    network, moves = learner(1.0)
    broken = [lambda: network(lambda point: point.value.sum() * float("inf"))]
    for _ in range(LEFT_OUT_IN_A_ROW - 1):
        moves.update(broken, 1.0)
    assert network.inner.value.item() == 1.0
    moves.update([lambda: network(lambda point: point.value.sum())], 1.0)
    assert network.inner.value.item() == pytest.approx(0.9)
    for _ in range(LEFT_OUT_IN_A_ROW - 1):
        moves.update(broken, 1.0)
    with pytest.raises(TrainingError, match="not finite 20 times in a row"):
        moves.update(broken, 1.0)


def muon(seed: int) -> tuple[TrainedNetwork, Learner]:
    network = TrainedNetwork(small_student(seed), CPU)
    return network, Learner([network], OptimizerSettings(kind="muon", rate=0.01, other_rate=1e-3))


def step(network: TrainedNetwork, moves: Learner, number: int) -> None:
    generator = torch.Generator().manual_seed(number)
    wanted = [torch.randn(p.shape, generator=generator) for p in network.parameters()]

    def loss() -> Tensor:
        pairs = zip(network.parameters(), wanted, strict=True)
        return torch.stack([(p - w).square().sum() for p, w in pairs]).sum()

    moves.update([loss], 0.7)


def test_muon_goes_on_bit_for_bit() -> None:
    whole = muon(1)
    for number in range(4):
        step(*whole, number)
    first = muon(1)
    for number in range(2):
        step(*first, number)
    second = muon(2)
    second[0].load(first[0].weights())
    second[1].load(first[1].state())
    for number in range(2, 4):
        step(*second, number)
    for one, other in zip(whole[0].parameters(), second[0].parameters(), strict=True):
        assert one.equal(other)


def test_muon_says_where_it_cannot_work() -> None:
    network = TrainedNetwork(small_student(1), CPU)
    network.inner.head.requires_grad_(False)
    with pytest.raises(ValueError, match="trains all weights"):
        Learner([network], OptimizerSettings(kind="muon", rate=0.01, other_rate=1e-3))
    many = TrainedNetwork(small_student(1), CPU)
    many.place = replace(CPU, mesh=object())  # type: ignore[arg-type]  # only asked whether there is one
    with pytest.raises(ValueError, match="one process"):
        Learner([many], OptimizerSettings(kind="muon", rate=0.01, other_rate=1e-3))


def test_nothing_to_train_is_an_error() -> None:
    network = TrainedNetwork(small_student(1).requires_grad_(False), CPU)
    with pytest.raises(ValueError, match="every parameter is frozen"):
        Learner([network], OptimizerSettings(rate=0.01))


def test_average_by_formula() -> None:
    network = TrainedNetwork(Point(0.0), CPU)
    average = RunningAverage(network, 0.9)
    expected, decays = 0.0, [min(0.9, (1 + n) / (10 + n)) for n in range(3)]
    for number, decay in enumerate(decays):
        with torch.no_grad():
            network.inner.value.fill_(float(number + 1))
        average.update()
        expected = decay * expected + (1 - decay) * (number + 1)
    assert average.weights()["value"].item() == pytest.approx(expected)
    assert RunningAverage(network, 0.0).weights() == {}
