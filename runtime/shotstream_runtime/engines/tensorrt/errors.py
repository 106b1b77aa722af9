# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with TensorRT engines, in words for the person who wants to use one."""

from __future__ import annotations

from shotstream_runtime.engines.errors import EngineError


class TensorRtError(EngineError):
    """An engine cannot be defined, built, found, loaded or run; the message says what to do."""


class ProductMissing(TensorRtError):
    """The TensorRT product that was asked for is not installed, or another version than is needed."""


class BuildFailed(TensorRtError):
    """TensorRT did not build the network; the message has what it said."""


class EngineFolderUnusable(TensorRtError):
    """The folder that engines are kept in cannot be read or written to."""


class EngineUnusable(TensorRtError):
    """An engine on disk is damaged, or was made for something else; it can be built anew."""
