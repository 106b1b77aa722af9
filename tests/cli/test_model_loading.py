# SPDX-License-Identifier: Apache-2.0
"""What surrounds the import of the runtime's heavy packages."""

from __future__ import annotations

import gc

import pytest
from shotstream_runtime.cli.failure import CommandFailed
from shotstream_runtime.cli.model_loading import importing


def test_garbage_collection_rests_during_imports_only() -> None:
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(CommandFailed, match="no torch"), importing():
        raise ImportError("no torch", name="torch")
    assert gc.isenabled()


def test_a_part_of_our_own_that_is_missing_is_a_fault_and_no_advice() -> None:
    with pytest.raises(ImportError, match="not here"), importing():
        raise ImportError("not here", name="shotstream_runtime.lost")
