# SPDX-License-Identifier: Apache-2.0
"""Adapters: where they sit, what learns, and that merging them changes nothing."""

import torch
from latent_source import CONFIG, CPU, LatentSource, small_student
from shotstream_runtime.model import Student
from shotstream_training.distillation.matching import predict_flow
from shotstream_training.networks import prepare
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.lora import adapted_layers, add_adapters, merged_weights
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.settings import LoraSettings, OptimizerSettings
from torch import Tensor, nn

LORA = LoraSettings(rank=4, alpha=8.0)


def output(student: Student) -> Tensor:
    batch = LatentSource().samples([0, 1])
    time = torch.tensor([300.0, 700.0])
    return predict_flow(student, batch, batch.target.to(student.dtype), time)


def trained(dtype: torch.dtype = torch.float32) -> Student:
    """A network whose adapters hold something."""
    student = add_adapters(small_student(1), LORA, seed=0).to(dtype)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in student.parameters():
            if parameter.requires_grad:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    return student


def test_adapters_sit_on_every_linear_layer_of_the_blocks_and_nowhere_else() -> None:
    plain = small_student(1)
    expected = {
        f"blocks.{number}.{name}"
        for number, block in enumerate(plain.blocks)
        for name, module in block.named_modules()
        if isinstance(module, nn.Linear)
    }
    assert len(expected) == 2 * 10
    adapted = add_adapters(plain, LORA, seed=0)
    assert set(adapted_layers(adapted)) == expected
    learning = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert learning == {f"{layer}.lora_{part}.default.weight" for layer in expected for part in "AB"}


def test_fresh_adapters_change_nothing_and_start_alike_everywhere() -> None:
    plain = small_student(1)
    one, other = (add_adapters(small_student(1), LORA, seed=7) for _ in range(2))
    torch.testing.assert_close(output(one), output(plain), atol=0, rtol=0)
    for first, second in zip(one.parameters(), other.parameters(), strict=True):
        assert first.equal(second)


def test_merged_equals_unmerged() -> None:
    student = trained()
    with torch.no_grad():
        unmerged, before = output(student), output(small_student(1))
        merged = Student(CONFIG)
        merged.load_state_dict(merged_weights(student.state_dict(), LORA))
        result = output(prepare(merged, CPU.device))
    assert (unmerged - before).abs().max() > 0.01
    assert float((result - unmerged).abs().max() / unmerged.abs().max()) < 2e-5


def test_every_merged_layer_is_exact_in_double_precision() -> None:
    student = trained(torch.float64)
    merged = Student(CONFIG).double()
    merged.load_state_dict(merged_weights(student.state_dict(), LORA))
    generator = torch.Generator().manual_seed(3)
    for name in adapted_layers(student):
        with_adapter, plain = student.get_submodule(name), merged.get_submodule(name)
        x = torch.randn(5, plain.in_features, dtype=torch.float64, generator=generator)
        torch.testing.assert_close(plain(x), with_adapter(x), atol=1e-12, rtol=1e-12)


def test_training_moves_adapters_only() -> None:
    network = TrainedNetwork(add_adapters(small_student(1), LORA, seed=0), CPU)
    before = {name: p.detach().clone() for name, p in network.inner.named_parameters()}
    learner = Learner([network], OptimizerSettings(rate=1e-2))
    for _ in range(2):
        learner.update([lambda: network(output).square().mean()], 1.0)
    changed = {name for name, p in network.inner.named_parameters() if not p.equal(before[name])}
    # All but some: an adapter's first factor moves once its second has left zero.
    assert changed
    assert all(".lora_" in name for name in changed)
    assert set(network.weights(trained_only=True)) == {n for n in before if ".lora_" in n}
