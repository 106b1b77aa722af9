# SPDX-License-Identifier: Apache-2.0
"""How measured figures are shown and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .failure import CommandFailed, ExitCode
from .terminal import console


def check_json_file(path: Path | None) -> None:
    """Makes sure before a measurement that its result can be written.

    Raises:
        CommandFailed: It cannot.
    """
    if path is not None and not path.absolute().parent.is_dir():
        raise CommandFailed(f"--json {path}: {path.parent} is not a folder", ExitCode.USAGE)


def keep(path: Path | None, figures: dict[str, Any], *, told: bool = True) -> None:
    """Writes figures to a file, if one is named.

    Args:
        path: The file.
        figures: As plain JSON values.
        told: Says so.
    """
    if path is None:
        return
    try:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"--json {path}: {error.strerror or error}") from error
    if told:
        console.print(f"Figures in {path}", style="dim", markup=False)
