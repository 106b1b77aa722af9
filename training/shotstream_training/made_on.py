# SPDX-License-Identifier: Apache-2.0
"""When, where and with which versions a result was made; stands inside every record."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "diffusers", "numpy", "shotstream")


def made_on() -> dict[str, Any]:
    """Date, processor, usable cores, system and versions, as JSON values."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        processor = next(
            (line.partition(":")[2].strip() for line in lines if "model name" in line), processor
        )
    affinity = getattr(os, "sched_getaffinity", None)  # only Linux knows affinities
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": processor,
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        # Run from its sources; hours of training must not be lost to that.
        return "not installed"
