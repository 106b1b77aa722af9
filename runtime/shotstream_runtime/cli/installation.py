# SPDX-License-Identifier: Apache-2.0
"""Commands that install more of ShotStream, or it again, in the way this copy was installed."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shlex
import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[3]


def pip(*arguments: str) -> str:
    """A command line for the pip of this Python, whatever is active in the shell."""
    return " ".join(map(_quoted, (sys.executable, "-m", "pip", *arguments)))


def install_command(extra: str = "runtime") -> str:
    """The command that installs ShotStream with one of its extras."""
    checkout = source_checkout()
    if checkout is not None:
        constraints = checkout / "constraints.txt"
        pinned = ("-c", str(constraints)) if constraints.is_file() else ()
        return pip("install", *pinned, "-e", f"{checkout}[{extra}]")
    url = _origin()
    return pip("install", f"shotstream[{extra}]" + (f" @ {url}" if url else ""))


def source_checkout() -> Path | None:
    """The checkout that this code runs from; None where it was copied into a Python's packages."""
    return _CHECKOUT if (_CHECKOUT / "pyproject.toml").is_file() else None


def _origin() -> str | None:
    """Where pip took the package from, if that was no index (PEP 610)."""
    try:
        record = importlib.metadata.distribution("shotstream").read_text("direct_url.json")
        url = json.loads(record)["url"] if record else None
    except (importlib.metadata.PackageNotFoundError, ValueError, KeyError):
        return None
    return str(url) if url else None


def _quoted(argument: str) -> str:
    if os.name == "nt":
        return f'"{argument}"' if set(argument) & set(" []<>=&@") else argument
    return shlex.quote(argument)
