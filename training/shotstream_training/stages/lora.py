# SPDX-License-Identifier: Apache-2.0
"""Low-rank adapters on every linear layer of a network's blocks, and their exact merge."""

from __future__ import annotations

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from shotstream_runtime.model import Student
from torch import Tensor, nn

from shotstream_training.stages.settings import LoraSettings


def add_adapters(network: Student, settings: LoraSettings, seed: int) -> Student:
    """Puts adapters into a network and freezes everything else; the output stays the same until they learn.

    Args:
        network: Changed in place.
        settings: Rank and scale.
        seed: Seed of their starting values, the same on all processes.
    """
    network.requires_grad_(False)
    targets = [
        f"blocks.{name}" for name, module in network.blocks.named_modules() if isinstance(module, nn.Linear)
    ]
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha or settings.rank,  # type: ignore[arg-type]  # any number works
        target_modules=targets,
        lora_dropout=0.0,
        bias="none",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, network)
    return network


def merged_weights(weights: dict[str, Tensor], settings: LoraSettings) -> dict[str, Tensor]:
    """Weights of the plain network that does what a network with adapters does.

    The product is formed in float64 and rounded once: the merged layer differs from the sum of both branches
    by rounding alone.

    Args:
        weights: All tensors of the network with adapters, whole.
        settings: As given to `add_adapters`.

    Returns:
        Tensors under the plain network's names.
    """
    scale = (settings.alpha or settings.rank) / settings.rank
    merged: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if ".lora_" in name:
            continue
        plain = name.replace(".base_layer.", ".")
        if name.endswith(".base_layer.weight"):
            stem = name.removesuffix(".base_layer.weight")
            down, up = (weights[f"{stem}.lora_{part}.default.weight"].double() for part in "AB")
            merged[plain] = (tensor.double() + scale * up @ down).to(tensor.dtype)
        else:
            merged[plain] = tensor
    return merged


def adapted_layers(network: nn.Module) -> list[str]:
    """Names of the layers that have adapters."""
    return [name for name, module in network.named_modules() if isinstance(module, LoraLayer)]
