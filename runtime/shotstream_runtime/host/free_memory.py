# SPDX-License-Identifier: Apache-2.0
"""How much memory there is still: on the device, in the machine, and within the limits of this process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import torch

from shotstream_runtime.streaming.footprint import Footprint

CGROUPS: Final = Path("/sys/fs/cgroup")
OWN_CGROUPS: Final = Path("/proc/self/cgroup")


def free_memory(device: torch.device) -> Footprint:
    """Memory that this process could take now. A CPU has none of its own: all of it is the host's."""
    if device.type != "cuda":
        return Footprint(host=free_host_bytes())
    free, total = torch.cuda.mem_get_info(device)
    allocated = torch.cuda.memory_allocated(device)
    # What torch has taken from the driver and does not use, it gives out again.
    cached = torch.cuda.memory_reserved(device) - allocated
    # A limit that this process was given (--vram).
    left = int(total * torch.cuda.get_per_process_memory_fraction(device)) - allocated
    return Footprint(device=max(0, min(free + cached, left)), host=free_host_bytes())


def free_host_bytes() -> int:
    """Main memory: the least of what the machine, the container and the process's own limit leave."""
    return int(min(psutil.virtual_memory().available, cgroup_room(), address_room()))


def address_room() -> float:
    """What the limit on this process's address space (``ulimit -v``) leaves; infinite without one."""
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return math.inf
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if limit == resource.RLIM_INFINITY else max(0, limit - psutil.Process().memory_info().vms)


def cgroup_room(own: Path = OWN_CGROUPS, root: Path = CGROUPS) -> float:
    """What the limits of this process's control groups (a container's, a service's) leave.

    Args:
        own: The file that names its groups.
        root: Where the groups' files are: those of version 2, or the folder `memory` of version 1.

    Returns:
        Bytes; infinite where there is no limit, or no control group.
    """
    return min((_room(*files) for files in _limited_groups(own, root)), default=math.inf)


def _limited_groups(own: Path, root: Path) -> Iterator[tuple[Path, Path, Path, str]]:
    """Files with limit and usage, and the statistics of every group that this process is in."""
    try:
        lines = own.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if not controllers:
            for folder in _upwards(root, name):
                yield (
                    folder / "memory.max",
                    folder / "memory.current",
                    folder / "memory.stat",
                    "inactive_file",
                )
        elif "memory" in controllers.split(","):
            for folder in _upwards(root / "memory", name):
                limit, usage = folder / "memory.limit_in_bytes", folder / "memory.usage_in_bytes"
                yield limit, usage, folder / "memory.stat", "total_inactive_file"


def _upwards(root: Path, name: str) -> Iterator[Path]:
    # In a container the name may be the host's, which is not there: the container's own group is the root.
    place = Path(name.lstrip("/"))
    yield from (root / part for part in (place, *place.parents))


def _room(limit: Path, usage: Path, statistics: Path, reclaimable: str) -> float:
    try:
        most = limit.read_text(encoding="ascii").strip()
        if most == "max":
            return math.inf
        used = int(usage.read_text(encoding="ascii"))
        entries = dict(line.split() for line in statistics.read_text(encoding="ascii").splitlines())
        # Pages of files that nobody reads are given up before anything fails.
        return max(0, int(most) - used + int(entries.get(reclaimable, 0)))
    except (OSError, ValueError):
        return math.inf
