# SPDX-License-Identifier: Apache-2.0
"""A text encoder that stays in main memory and computes on a GPU, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import UMT5EncoderModel


def stream_blocks(model: UMT5EncoderModel, device: torch.device) -> None:
    """Has the encoder's blocks compute on a device, which holds the weights of one at a time.

    The token embedding, by far the largest tensor, is only looked up and stays where it is. Reading 9 GB
    over PCIe takes a second or more for each caption that is new; captions are remembered.

    Args:
        model: The encoder, in main memory.
        device: Where it computes.
    """
    for part in (*model.encoder.block, model.encoder.final_layer_norm):
        _compute_on(part, device)


def _compute_on(module: nn.Module, device: torch.device) -> None:
    stay = [
        (owner, name, parameter)
        for owner in module.modules()
        for name, parameter in owner.named_parameters(recurse=False)
    ]

    def bring(_module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        for owner, name, parameter in stay:
            brought = parameter.detach().to(device, non_blocking=True)
            setattr(owner, name, nn.Parameter(brought, requires_grad=False))
        moved = {name: _moved(value, device) for name, value in named.items()}
        return tuple(_moved(value, device) for value in given), moved

    def leave(_module: nn.Module, _given: Any, _out: Any) -> None:
        for owner, name, parameter in stay:
            setattr(owner, name, parameter)

    module.register_forward_pre_hook(bring, with_kwargs=True)
    module.register_forward_hook(leave, always_call=True)


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value
