# SPDX-License-Identifier: Apache-2.0
"""The two TensorRT products behind one face: where each runs, where it builds, how it is imported."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from enum import StrEnum
from types import ModuleType
from typing import Any

from shotstream_runtime.engines.precision import Precision

from .errors import ProductMissing, TensorRtError
from .precisions import capable_targets

MODULES = {
    # The metapackage first; where only the bindings and libraries are installed, the bindings themselves.
    "tensorrt": ("tensorrt", "tensorrt_bindings"),
    "tensorrt-rtx": ("tensorrt_rtx", "tensorrt_rtx_bindings"),
}
_PACKAGES = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt-rtx-cu13-bindings tensorrt-rtx-cu13-libs"}
"""What the extras of the same names bring of NVIDIA's."""
_REQUIRED = ("add_attention_v2", "add_kv_cache_update", "add_rotary_embedding", "add_normalization_v2")


class Product(StrEnum):
    """A TensorRT product, by the name of its extra and of its engine."""

    TENSORRT = "tensorrt"
    TENSORRT_RTX = "tensorrt-rtx"

    @property
    def builds_without_gpu(self) -> bool:
        """TensorRT for RTX leaves kernels to the first run; TensorRT times them when it builds."""
        return self is Product.TENSORRT_RTX

    @property
    def gpus(self) -> str:
        """Which GPUs it is for."""
        if self is Product.TENSORRT_RTX:
            return "GeForce and RTX PRO (compute capability 7.5, 8.0, 8.6, 8.9, 12.0)"
        return "every NVIDIA GPU from Turing on; the choice for data centres (A100, L40S, H100, B200)"

    @property
    def selectable_targets(self) -> tuple[int, ...]:
        """Compute capabilities an engine can be built for beforehand; none where it is the GPU at hand."""
        return (75, 80, 86, 89, 120) if self is Product.TENSORRT_RTX else ()

    @property
    def not_installed(self) -> str:
        """What to tell where it is missing."""
        name = self.value
        return f"{name} is not installed; it comes with shotstream's extra '{name}' (docs/engines.md)"

    def targets_for(self, precision: Precision, wanted: Sequence[int] = ()) -> tuple[int, ...]:
        """The compute capabilities an engine is built for.

        Args:
            precision: Number format; decides what is possible.
            wanted: What is asked for; none: everything that is possible.

        Returns:
            In ascending order; empty where the product builds for the GPU at hand.

        Raises:
            TensorRtError: One of the wanted cannot be had; lists those that can.
        """
        if not capable_targets(precision):
            raise TensorRtError(f"{self.value} has no fused attention in {precision}; use bf16 or fp8")
        if not self.selectable_targets:
            if wanted:
                raise TensorRtError(
                    f"{self.value} builds for the GPU of this machine only, not for a target "
                    f"({', '.join(f'sm{target}' for target in wanted)}); leave the target out"
                )
            return ()
        possible = tuple(target for target in self.selectable_targets if target in capable_targets(precision))
        impossible = [target for target in wanted if target not in possible]
        if impossible:
            raise TensorRtError(
                f"target {', '.join(f'sm{target}' for target in impossible)}: {self.value} in "
                f"{precision.value} can be built for {', '.join(f'sm{target}' for target in possible)}"
            )
        return tuple(sorted(set(wanted))) or possible

    def load(self) -> Any:
        """Imports the Python API.

        Raises:
            ProductMissing: It is not installed, cannot be loaded, or is too old for this network.
        """
        module: ModuleType | None = None
        for name in MODULES[self.value]:
            try:
                module = importlib.import_module(name)
            except ModuleNotFoundError as error:
                if error.name is None or not error.name.startswith("tensorrt"):
                    raise
            except (ImportError, OSError) as error:
                # The bindings are there and the libraries are not, or not whole.
                raise ProductMissing(
                    f"{self.value} is installed without its libraries, or they do not fit ({error}); install "
                    f"it whole with: pip install --force-reinstall {_PACKAGES[self.value]}"
                ) from error
            # The metapackages import even where what they stand for is missing.
            if module is not None and hasattr(module, "INetworkDefinition"):
                break
        else:
            raise ProductMissing(self.not_installed)
        missing = [name for name in _REQUIRED if not hasattr(module.INetworkDefinition, name)]
        if missing:
            raise ProductMissing(
                f"{self.value} {module.__version__} lacks {', '.join(missing)}; "
                f"install the version that shotstream's extra '{self.value}' names (docs/engines.md)"
            )
        return module
