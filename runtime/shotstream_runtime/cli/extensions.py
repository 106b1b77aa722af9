# SPDX-License-Identifier: Apache-2.0
"""Sub-commands that other parts bring: found by entry point, so that the runtime imports none of them."""

from __future__ import annotations

from importlib.metadata import entry_points

import typer

GROUP = "shotstream.commands"
"""Entry points of this group are `typer.Typer` objects; their names become the sub-commands'."""


def mount_extensions(app: typer.Typer) -> None:
    """Adds the sub-commands whose packages are installed; the others are left out."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            commands = point.load()
        except ModuleNotFoundError:
            # An extra that is not installed: `shotstream[training]` for `train`.
            continue
        if isinstance(commands, typer.Typer):
            app.add_typer(commands, name=point.name)
