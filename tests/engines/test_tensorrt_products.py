# SPDX-License-Identifier: Apache-2.0
"""Which product runs what where, and what is said when it does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt import offer
from shotstream_runtime.engines.tensorrt.errors import ProductMissing, TensorRtError
from shotstream_runtime.engines.tensorrt.products import Product

RTX, CENTRE = Product.TENSORRT_RTX, Product.TENSORRT


def gpu(major: int, minor: int) -> DeviceFacts:
    return DeviceFacts(type="cuda", name="a GPU", capability=(major, minor))


@pytest.fixture(autouse=True)
def _both_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer, "installed", lambda product: True)


@pytest.mark.parametrize(
    ("precision", "targets"),
    [
        (Precision.BF16, (80, 86, 89, 120)),
        (Precision.FP8, (89, 120)),
        (Precision.NVFP4, (120,)),
    ],
)
def test_targets_are_all_that_have_the_format(precision: Precision, targets: tuple[int, ...]) -> None:
    assert RTX.targets_for(precision) == targets
    assert RTX.targets_for(precision, (120,)) == (120,)
    assert CENTRE.targets_for(precision) == ()


def test_impossible_targets_are_refused_with_those_that_are_possible() -> None:
    with pytest.raises(TensorRtError, match=r"sm86, sm80: tensorrt-rtx in fp8 can be built for sm89, sm120"):
        RTX.targets_for(Precision.FP8, (86, 89, 80))
    with pytest.raises(TensorRtError, match=r"tensorrt builds for the GPU of this machine only.*sm90"):
        CENTRE.targets_for(Precision.BF16, (90,))
    for product in Product:
        with pytest.raises(TensorRtError, match=r"no fused attention in fp32; use bf16 or fp8"):
            product.targets_for(Precision.FP32)


@pytest.mark.parametrize(
    ("product", "capability", "precision", "told"),
    [
        (RTX, (8, 9), Precision.FP8, None),
        (RTX, (12, 0), Precision.NVFP4, None),
        (RTX, (8, 6), Precision.BF16, None),
        (CENTRE, (9, 0), Precision.FP8, None),
        (RTX, (9, 0), Precision.BF16, "not for SM90"),
        (RTX, (8, 6), Precision.FP8, "SM86 does not compute in fp8"),
        (RTX, (8, 9), Precision.NVFP4, "SM89 does not compute in nvfp4"),
        (RTX, (7, 5), Precision.BF16, "SM75 does not compute in bf16"),
        (CENTRE, (9, 0), Precision.FP32, "no fused attention in fp32"),
    ],
)
def test_what_runs_where(
    product: Product, capability: tuple[int, int], precision: Precision, told: str | None
) -> None:
    refused = offer.refusal(product, gpu(*capability), precision)
    assert refused is None if told is None else told in str(refused)


def test_bindings_without_libraries_are_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A package that fails as the bindings do where a library that they link is missing."""
    (tmp_path / "tensorrt.py").write_text("import ctypes\nctypes.CDLL('libnvonnxparser.so.0')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    with pytest.raises(
        ProductMissing, match=r"libnvonnxparser\.so\.0.*install it whole with: pip install .* tensorrt$"
    ):
        CENTRE.load()


def test_without_a_gpu_or_the_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = DeviceFacts(type="cpu", name="CPU")
    assert offer.refusal(RTX, cpu, Precision.BF16) == "tensorrt-rtx needs an NVIDIA GPU"
    monkeypatch.setattr(offer, "installed", lambda product: False)
    assert offer.refusal(CENTRE, gpu(9, 0), Precision.BF16) == (
        "tensorrt is not installed; it comes with shotstream's extra 'tensorrt' (docs/engines.md)"
    )
