# SPDX-License-Identifier: Apache-2.0
"""The commands that errors name, complete but for the stories, which only the user knows."""

from __future__ import annotations

import shlex
from pathlib import Path

from .recipe import EngineRecipe
from .store import default_folder

_UNKNOWN_MODEL = "MODEL"


def build_command(recipe: EngineRecipe, model: str, folder: Path, *, anew: bool = False) -> str:
    """The command that builds the engine of a recipe.

    Args:
        recipe: What it is.
        model: As ``--model`` takes it; empty: not known.
        folder: Where engines are kept.
        anew: There is one already.
    """
    targets = recipe.targets if recipe.product.selectable_targets else ()
    return shlex.join(
        (
            *("shotstream", "engine", "build", "--model", model or _UNKNOWN_MODEL),
            *("--engine", recipe.product.value, "--precision", recipe.precision.value),
            *(part for target in targets for part in ("--target", f"sm{target}")),
            *(("--share-gpu",) if recipe.shared_memory_bytes is not None else ()),
            *(("--anew",) if anew else ()),
            *_kept_in(folder),
        )
    )


def calibrate_command(model: str = "", folder: Path | None = None) -> str:
    """The command that calibrates a model; STORY.yaml stands for the user's stories."""
    kept = () if folder is None else _kept_in(folder)
    return shlex.join(
        ("shotstream", "engine", "calibrate", "STORY.yaml", "--model", model or _UNKNOWN_MODEL, *kept)
    )


def _kept_in(folder: Path) -> tuple[str, ...]:
    return () if folder == default_folder() else ("--engines", str(folder))
