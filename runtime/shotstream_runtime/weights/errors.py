# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with weights, in words for the person who has the files."""

from __future__ import annotations


class WeightsError(Exception):
    """Weights cannot be found, read, used or fetched; the message names the file and says what to do."""


class CheckpointError(WeightsError):
    """A file of weights is damaged, is not one, or does not fit the model."""


class FetchError(WeightsError):
    """Weights cannot be downloaded. What has arrived is kept, unless the message says otherwise."""
