# SPDX-License-Identifier: Apache-2.0
"""A journal in the test's own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from shotstream_runtime.journal.journal import Journal


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    """Opens the journal in the test's folder, as often as it was closed."""
    opened: list[Journal] = []

    def start(**options: Any) -> Journal:
        journal = Journal(tmp_path / "journal", **options)
        opened.append(journal)
        return journal

    yield start
    for journal in opened:
        journal.close()
