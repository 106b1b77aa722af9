# SPDX-License-Identifier: Apache-2.0
"""The kinds of engines there are."""

from __future__ import annotations

from shotstream_runtime.engines.engine_kind import EngineKind
from shotstream_runtime.engines.tensorrt.offer import TENSORRT, TENSORRT_RTX
from shotstream_runtime.engines.torch_kinds import COMPILED, CUDA_GRAPH, EAGER

ENGINE_KINDS: tuple[EngineKind, ...] = (CUDA_GRAPH, EAGER, COMPILED, TENSORRT_RTX, TENSORRT)
"""All kinds, those first that ``auto`` prefers."""
