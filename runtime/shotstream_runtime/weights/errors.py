# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with weights, in words for the person who has the files."""

from __future__ import annotations


class WeightsError(Exception):
    """Weights cannot be used, found or fetched; the message names the file and says what to do."""
