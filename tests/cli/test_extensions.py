# SPDX-License-Identifier: Apache-2.0
"""Sub-commands that other parts bring."""

from importlib.metadata import EntryPoint

import pytest
import typer
from shotstream_runtime.cli import extensions
from shotstream_runtime.cli.app import app


def names(commands: typer.Typer) -> list[str | None]:
    return [group.name for group in commands.registered_groups]


def test_train_is_mounted_where_training_is_installed() -> None:
    assert "train" in names(app)


def test_what_lacks_its_packages_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("absent", "no_such_package_here.command:app", extensions.GROUP),
        EntryPoint("train", "shotstream_training.command:app", extensions.GROUP),
        EntryPoint("odd", "shotstream_training.errors:TrainingError", extensions.GROUP),
    ]
    monkeypatch.setattr(extensions, "entry_points", lambda group: points)
    commands = typer.Typer()
    extensions.mount_extensions(commands)
    assert names(commands) == ["train"]
