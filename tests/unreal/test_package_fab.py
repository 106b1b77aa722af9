# SPDX-License-Identifier: Apache-2.0
"""Packages for Fab: opened, and broken on purpose."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from engine_layer import PLUGIN
from package_fab import LONGEST_PATH, PackageRefused, package
from unreal_check.compile_layer import VERSIONS
from unreal_check.descriptor import check_descriptor

DOCS = "https://example.org/shotstream"


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A copy, with what a build leaves behind."""
    copy = tmp_path / "ShotStream"
    shutil.copytree(PLUGIN, copy)
    for folder in ("Binaries/Win64", "Intermediate/Build", "Saved", "Content/Python/__pycache__"):
        (copy / folder).mkdir(parents=True)
        (copy / folder / "left.dll").write_bytes(b"x")
    return copy


@pytest.mark.parametrize("engine", VERSIONS)
def test_a_package_is_the_plugin_for_one_engine(engine: str, plugin: Path, tmp_path: Path) -> None:
    made = package(plugin, engine, tmp_path / "out", docs_url=DOCS, year=2026)
    assert made.name == f"ShotStream-0.1.0-UE{engine}.zip"
    with zipfile.ZipFile(made) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
        names = archive.namelist()
    assert all(name.startswith("ShotStream/") for name in names)
    assert not [
        name for name in names if {"Binaries", "Intermediate", "Saved"}.intersection(Path(name).parts)
    ]
    assert max(len(name) - len("ShotStream/") for name in names) <= LONGEST_PATH
    unpacked = tmp_path / "unpacked" / "ShotStream"
    sources = {path.relative_to(PLUGIN) for path in PLUGIN.rglob("*") if path.suffix in {".h", ".cpp", ".cs"}}
    assert sources <= {Path(name).relative_to("ShotStream") for name in names}
    for path in sources:
        head = (unpacked / path).read_text(encoding="utf-8").splitlines()[:3]
        assert "// Copyright 2026 the ShotStream authors." in head, path
    descriptor = json.loads((unpacked / "ShotStream.uplugin").read_text(encoding="utf-8"))
    assert descriptor["EngineVersion"] == f"{engine}.0"
    assert descriptor["DocsURL"] == DOCS
    assert all(module["PlatformAllowList"] for module in descriptor["Modules"])
    assert (unpacked / "LICENSE").is_file()
    assert check_descriptor(unpacked, packaged_for=engine) == []


def test_the_same_sources_make_the_same_package(plugin: Path, tmp_path: Path) -> None:
    first = package(plugin, "5.6", tmp_path / "a", docs_url=DOCS, year=2026).read_bytes()
    assert package(plugin, "5.6", tmp_path / "b", docs_url=DOCS, year=2026).read_bytes() == first


REFUSED = [
    (
        "Source/ShotStream/Private/Copied.cpp",
        "// Copyright Epic Games, Inc.\n",
        "no '// Copyright the ShotStream",
    ),
    ("Source/ShotStream/Private/None.h", "#pragma once\n", "no '// Copyright the ShotStream"),
    ("Source/ShotStream/libzmq.lib", "x", "libraries go under Source/ThirdParty"),
    ("Content/Setup.exe", "x", "a package has no programs"),
    ("Content/" + "long/" * 33 + "name.txt", "x", "characters; Fab takes 170"),
    ("Content/two words.txt", "x", "plain names only"),
]


@pytest.mark.parametrize(("name", "text", "reason"), REFUSED)
def test_what_fab_refuses_is_refused_here(
    name: str, text: str, reason: str, plugin: Path, tmp_path: Path
) -> None:
    path = plugin / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with pytest.raises(PackageRefused, match=reason) as refused:
        package(plugin, "5.6", tmp_path / "out", docs_url=DOCS)
    assert str(refused.value).startswith(name)
    assert not list((tmp_path / "out").glob("*.zip"))


def test_third_party_code_keeps_its_own_lines(plugin: Path, tmp_path: Path) -> None:
    theirs = plugin / "Source" / "ThirdParty" / "libzmq" / "include" / "zmq.h"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("/* Copyright others */\n")
    made = package(plugin, "5.7", tmp_path / "out", docs_url=DOCS)
    with zipfile.ZipFile(made) as archive:
        inside = archive.read("ShotStream/Source/ThirdParty/libzmq/include/zmq.h")
    assert inside == b"/* Copyright others */\n"


def test_documentation_must_be_linked(plugin: Path, tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match="DocsURL is ''; give --docs-url"):
        package(plugin, "5.6", tmp_path / "out", docs_url="")
