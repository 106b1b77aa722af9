# SPDX-License-Identifier: Apache-2.0
"""The terminals that commands write to: results on standard output, errors and advice on standard error."""

from __future__ import annotations

from rich.console import Console

console = Console(highlight=False)
error_console = Console(stderr=True, highlight=False)
