# SPDX-License-Identifier: Apache-2.0
"""How many processor cores there are to use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Cores this process may run on; containers often allow fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux knows affinities
        return os.cpu_count() or 1
