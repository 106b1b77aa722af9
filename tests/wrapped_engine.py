# SPDX-License-Identifier: Apache-2.0
"""The real engine behind a wrapper that a test makes misbehave."""

from __future__ import annotations

from typing import Any

from shotstream_runtime.engines import EagerEngine


class WrappedEngine:
    """The eager engine; a subclass changes what `open_session` gives."""

    name = "wrapped"
    idle_bytes = 0

    def __init__(self, student: Any) -> None:
        self.inner = EagerEngine(student)

    def session_bytes(self, height: int, width: int, batch: int = 1) -> int:
        return self.inner.session_bytes(height, width, batch)

    def release_idle(self) -> None:
        self.inner.release_idle()

    def open_session(self, height: int, width: int, batch: int = 1) -> Any:
        return self.inner.open_session(height, width, batch)
