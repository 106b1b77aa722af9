# SPDX-License-Identifier: Apache-2.0
"""Measuring what a clip shows against its ground truth, from its pixels alone."""

from .cuts import dynamic_degree, find_cuts, shot_cut_accuracy
from .shot import CharacterMeasure, ShotMeasure, measure_shot

__all__ = [
    "CharacterMeasure",
    "ShotMeasure",
    "dynamic_degree",
    "find_cuts",
    "measure_shot",
    "shot_cut_accuracy",
]
