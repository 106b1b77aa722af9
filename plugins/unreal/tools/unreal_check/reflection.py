# SPDX-License-Identifier: Apache-2.0
"""All rules of the engine's header tool that are checked here."""

from __future__ import annotations

from unreal_check.findings import Finding
from unreal_check.layer import Layer
from unreal_check.rules_classes import check_classes
from unreal_check.rules_delegates import check_delegates
from unreal_check.rules_files import check_files
from unreal_check.rules_functions import check_functions
from unreal_check.rules_properties import check_properties


def check_reflection(layer: Layer) -> list[Finding]:
    """Every broken rule, in order of file and line."""
    rules = (check_files, check_classes, check_properties, check_functions, check_delegates)
    return sorted({finding for rule in rules for finding in rule(layer)})
