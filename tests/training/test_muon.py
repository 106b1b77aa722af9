# SPDX-License-Identifier: Apache-2.0
"""Muon's update against its definition."""

import torch
from shotstream_training.muon import MuonAdamW, orthogonalise


def test_orthogonalise_brings_singular_values_to_one() -> None:
    torch.manual_seed(0)
    for rows, columns in ((8, 20), (20, 8), (8, 8)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(3, rows, columns)))
        assert values.min() > 0.6
        assert values.max() < 1.3


def test_zero_gradient_leaves_a_matrix_alone() -> None:
    assert not orthogonalise(torch.zeros(2, 4, 6)).any()


def test_convolutions_of_one_shape_are_updated_each_by_its_own_gradient() -> None:
    torch.manual_seed(0)
    first, second = (torch.nn.Parameter(torch.zeros(4, 3, 1, 2, 2)) for _ in range(2))
    bias = torch.nn.Parameter(torch.zeros(4))
    optimizer = MuonAdamW([first, second], [bias], rate=0.1, other_rate=1e-3, momentum=0.0)
    optimizer.scale_rates(0.5)
    first.grad, second.grad, bias.grad = torch.randn_like(first), torch.randn_like(second), torch.ones(4)
    optimizer.step()
    for parameter in (first, second):
        expected = -0.05 * orthogonalise(parameter.grad.reshape(1, 4, 12))
        torch.testing.assert_close(parameter.data.reshape(1, 4, 12), expected)
    torch.testing.assert_close(bias.data, torch.full((4,), -0.5e-3))
