# SPDX-License-Identifier: Apache-2.0
"""Weights in eight bits, and joined ones, against the plain layers."""

from __future__ import annotations

import pytest
import torch
from shotstream_runtime.model.linear_storage import EightBitLinear, join_rows, store_in_eight_bits
from torch import Tensor, nn


def layer(out: int = 48, width: int = 64, seed: int = 0) -> nn.Linear:
    generator = torch.Generator().manual_seed(seed)
    made = nn.Linear(width, out)
    with torch.no_grad():
        # Rows of very different size: one scale for all would lose the small ones.
        rows = torch.logspace(-3, 2, out)[:, None]
        made.weight.copy_(torch.randn(out, width, generator=generator) * rows)
        made.bias.copy_(torch.randn(out, generator=generator))
    return made


def relative(actual: Tensor, expected: Tensor) -> Tensor:
    return ((actual - expected).norm(dim=0) / expected.norm(dim=0)).max()


@pytest.mark.parametrize(("dtype", "bound"), [(torch.int8, 0.012), (torch.float8_e4m3fn, 0.045)])
def test_eight_bits_are_within_their_rounding(dtype: torch.dtype, bound: float) -> None:
    plain, x = layer(), torch.randn(100, 64, generator=torch.Generator().manual_seed(1))
    stored = EightBitLinear.of(plain, dtype)
    with torch.no_grad():
        assert 1e-4 < relative(stored(x) - plain.bias, plain(x) - plain.bias) < bound
    assert stored.bytes < 0.3 * plain.weight.nbytes


def test_native_products_are_those_of_rounded_inputs() -> None:
    plain, x = layer(), torch.randn(2, 16, 64, generator=torch.Generator().manual_seed(1)).bfloat16()
    native = EightBitLinear.of(plain, torch.float8_e4m3fn, native=True)
    spread = EightBitLinear.of(plain, torch.float8_e4m3fn)
    assert native.native
    assert not spread.native
    with torch.no_grad():
        got = native(x)
        assert got.shape == (2, 16, 48)
        assert got.dtype is torch.bfloat16
        assert relative(got.flatten(0, 1).float(), spread(x).flatten(0, 1).float()) < 0.06


def test_a_side_that_native_products_do_not_take_is_spread() -> None:
    odd = EightBitLinear.of(layer(out=50), torch.float8_e4m3fn, native=True)
    assert not odd.native
    assert odd(torch.zeros(3, 64)).shape == (3, 50)


def test_a_row_of_zeros_gives_its_bias() -> None:
    plain = layer()
    with torch.no_grad():
        plain.weight[3] = 0
    stored = EightBitLinear.of(plain, torch.int8)
    assert torch.equal(stored(torch.ones(1, 64))[0, 3], plain.bias.detach()[3])


@pytest.mark.parametrize("dtype", [None, torch.float8_e4m3fn])
def test_joined_layers_give_what_each_gives(dtype: torch.dtype | None) -> None:
    parts: list[nn.Module] = [layer(seed=seed) for seed in range(3)]
    if dtype is not None:
        parts = [EightBitLinear.of(part, dtype) for part in parts if isinstance(part, nn.Linear)]
    x = torch.randn(5, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = torch.cat([part(x) for part in parts], dim=-1)
        joined = join_rows(parts)
        assert torch.allclose(joined(x), before, rtol=1e-5, atol=1e-3)
        assert torch.allclose(torch.cat([part(x) for part in parts], dim=-1), before, rtol=1e-5, atol=1e-3)
    assert len({part.weight.untyped_storage().data_ptr() for part in (joined, *parts)}) == 1


def test_layers_of_two_kinds_are_not_joined() -> None:
    with pytest.raises(TypeError, match="EightBitLinear"):
        join_rows((layer(), EightBitLinear.of(layer(), torch.int8)))


def test_all_linear_layers_inside_a_module_are_stored() -> None:
    module = nn.Sequential(layer(), nn.Sequential(layer(48, 48), nn.ReLU()))
    store_in_eight_bits(module, torch.int8)
    kinds = [type(part).__name__ for part in module.modules()]
    assert kinds.count("EightBitLinear") == 2
    assert "Linear" not in kinds
