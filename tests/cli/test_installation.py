# SPDX-License-Identifier: Apache-2.0
"""The pip command that is advised fits the way this copy was installed, and can be pasted."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shlex
import sys
from pathlib import Path

import pytest
from shotstream_runtime.cli import installation
from shotstream_runtime.cli.installation import install_command, pip, source_checkout

REPOSITORY = Path(__file__).resolve().parents[2]
not_on_windows = pytest.mark.skipif(os.name == "nt", reason="quoted for another shell")


class Installed:
    """What pip notes beside a package."""

    def __init__(self, direct_url: str | None) -> None:
        self.direct_url = direct_url

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.direct_url


def test_from_a_checkout_it_is_the_readmes_own_command() -> None:
    assert source_checkout() == REPOSITORY
    command = install_command("runtime,dev")
    assert command == pip(
        "install", "-c", str(REPOSITORY / "constraints.txt"), "-e", f"{REPOSITORY}[runtime,dev]"
    )
    if os.name != "nt":
        assert shlex.split(command)[:4] == [sys.executable, "-m", "pip", "install"]


@not_on_windows
@pytest.mark.parametrize(
    ("direct_url", "wanted"),
    [
        (None, "shotstream[runtime]"),
        (
            json.dumps({"url": "file:///a b/shotstream", "dir_info": {}}),
            "shotstream[runtime] @ file:///a b/shotstream",
        ),
        ("{}", "shotstream[runtime]"),
        ("not JSON", "shotstream[runtime]"),
    ],
    ids=["from an index", "from a folder", "no address", "damaged"],
)
def test_from_elsewhere_it_asks_there_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, direct_url: str | None, wanted: str
) -> None:
    monkeypatch.setattr(installation, "_CHECKOUT", tmp_path)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Installed(direct_url))
    assert source_checkout() is None
    assert shlex.split(install_command()) == [sys.executable, "-m", "pip", "install", wanted]


def test_what_a_shell_would_read_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "py")
    wanted = 'py -m pip install "av>=14"' if os.name == "nt" else "py -m pip install 'av>=14'"
    assert pip("install", "av>=14") == wanted
