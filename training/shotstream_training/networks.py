# SPDX-License-Identifier: Apache-2.0
"""Building and starting the networks that training works on."""

from __future__ import annotations

from dataclasses import replace

import torch
from shotstream_runtime.model import RotaryEmbedding, Student, StudentConfig
from torch import nn

from shotstream_training.muon import MuonAdamW

MINI_STUDENT = StudentConfig(
    text_len=80,
    dim=256,
    ffn_dim=768,
    freq_dim=256,
    text_dim=128,
    num_heads=4,
    num_layers=8,
    timestep_shift=3.0,
)
"""Mini's dimensions.

The shift is 3 instead of the published 8: a shift makes up for neighbouring latents that tell the same story,
and mini's 10x16 latents have 40 tokens a frame where the published ones have 1,560. With shift 3 the four
steps stand at sigma 1, 0.895, 0.75, 0.513; with 8 the last would have to jump from 0.74 to a clean picture.
"""

TINY_STUDENT = replace(MINI_STUDENT, dim=64, ffn_dim=128, num_heads=2, num_layers=2, freq_dim=32)
"""Toy size, to try the commands on a CPU."""


class DeviceRotaryEmbedding(RotaryEmbedding):
    """The student's rotary embedding with its angles computed on the device that trains.

    The runtime computes them on the host, once per shot; a training batch needs a table of a hundred rows at
    every step. The arithmetic is the same, in float64.
    """

    def _computing_device(self, wanted: torch.device) -> torch.device:
        return wanted


def build_student(config: StudentConfig, device: torch.device) -> Student:
    """A network of the student's kind, ready to be trained from scratch.

    Every block starts as the identity (zero gates, zero output of the ungated cross-attention) and the last
    layer at zero, so that the first steps learn the easy part instead of undoing random blocks.
    """
    student = Student(config)
    silent: list[nn.Module] = [student.time_projection[1], student.head.head]
    for block in student._layers:
        silent.append(block.cross_attn.o)
        nn.init.zeros_(block.modulation)
    for layer in silent:
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
    nn.init.zeros_(student.head.modulation)
    return prepare(student, device)


def prepare(student: Student, device: torch.device) -> Student:
    """Moves a network to a device and gives it the rotary embedding for training."""
    student.to(device)
    student.rotary = DeviceRotaryEmbedding(student.config)
    return student


def compile_blocks(network: Student) -> Student:
    """Compiles the blocks of a network that only ever sees whole sequences.

    All blocks get one layer number, so that one compiled program serves them all: the number addresses the
    dual cache, which passes over whole sequences do not have.
    """
    for block in network._layers:
        block.layer = 0
        block.compile(dynamic=False)
    return network


def optimise_network(network: Student, rate: float, other_rate: float, *more: nn.Module) -> MuonAdamW:
    """Muon for the matrices inside the blocks, AdamW for all else: ends, embeddings, modulation, vectors.

    Args:
        network: The network.
        rate: Peak rate of the matrices.
        other_rate: Peak rate of the rest.
        more: Further modules; their matrices go to Muon, embeddings excepted.
    """
    modules: list[nn.Module] = [network.blocks, *more]
    layers = [layer for module in modules for layer in module.modules()]
    hidden = [
        layer.weight
        for layer in layers
        if isinstance(layer, nn.Linear) and isinstance(layer.weight, nn.Parameter)
    ]
    chosen = {id(weight) for weight in hidden}
    everything = [p for module in (network, *more) for p in module.parameters()]
    return MuonAdamW(
        hidden,
        [p for p in everything if id(p) not in chosen],
        rate=rate,
        other_rate=other_rate,
        precision=torch.bfloat16 if everything[0].is_cuda else torch.float32,
    )
