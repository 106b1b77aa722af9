# SPDX-License-Identifier: Apache-2.0
"""The student as plain torch modules."""

from shotstream_runtime.model.attention import CacheAccess, CaptionKeys, CaptionRun
from shotstream_runtime.model.config import StudentConfig
from shotstream_runtime.model.dual_cache import CacheSpan, DualCache, context_span, local_span
from shotstream_runtime.model.patches import from_patches, to_patches
from shotstream_runtime.model.rope import RotaryEmbedding, RotaryTable
from shotstream_runtime.model.schedule import FlowSchedule
from shotstream_runtime.model.student import Student, TimeModulation

__all__ = [
    "CacheAccess",
    "CacheSpan",
    "CaptionKeys",
    "CaptionRun",
    "DualCache",
    "FlowSchedule",
    "RotaryEmbedding",
    "RotaryTable",
    "Student",
    "StudentConfig",
    "TimeModulation",
    "context_span",
    "from_patches",
    "local_span",
    "to_patches",
]
