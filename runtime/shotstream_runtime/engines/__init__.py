# SPDX-License-Identifier: Apache-2.0
"""What executes the student, behind one small interface."""

from shotstream_runtime.engines.base import Engine, EngineSession, Renoise
from shotstream_runtime.engines.eager import EagerEngine, EagerSession
from shotstream_runtime.engines.errors import EngineError
from shotstream_runtime.engines.precision import Precision

__all__ = ["EagerEngine", "EagerSession", "Engine", "EngineError", "EngineSession", "Precision", "Renoise"]
