# SPDX-License-Identifier: Apache-2.0
"""Errors whose message was written for the person at the command line."""

from __future__ import annotations


class TrainingError(Exception):
    """Training cannot do what was asked; the message says why and what to do."""
