# SPDX-License-Identifier: Apache-2.0
"""What `shotstream doctor` finds, and what it says to do."""

from __future__ import annotations

import importlib.metadata
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from shotstream_bridge.version import __version__
from shotstream_runtime.cli import diagnosis
from shotstream_runtime.cli.diagnosis import Finding, Verdict, diagnose
from shotstream_runtime.cli.installation import install_command, pip
from shotstream_runtime.engines.choice import choose_engine
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.kinds import ENGINE_KINDS
from shotstream_runtime.host.compute import choose_device
from shotstream_runtime.host.model_facts import ModelFacts
from shotstream_runtime.host.serving import Server
from tiny_model_folder import HEIGHT, WIDTH

ADDRESS = "tcp://127.0.0.1:0"


def find(subject: str, model: Path | None = None, address: str = ADDRESS) -> Finding:
    sections = diagnose(address, model).sections
    return next(
        finding for findings in sections.values() for finding in findings if finding.subject == subject
    )


def test_a_machine_where_everything_is_there(
    in_process: Any, monkeypatch: pytest.MonkeyPatch, tiny_folder: Path
) -> None:
    monkeypatch.setattr(diagnosis, "OWN_FORMAT_FILES", ("text.safetensors",))
    outcome = in_process("doctor", "--address", ADDRESS, "--model", tiny_folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert "ShotStream works here. Try: shotstream demo" in outcome.out
    for subject in ("Python", "torch", "pyzmq", "mini", "published", "H.264", "Address"):
        assert f"  {subject} " in outcome.out


def test_every_engine_is_told_with_what_it_computes_in() -> None:
    engines = {finding.subject: finding for finding in diagnose(ADDRESS, None).sections["Engines"]}
    assert list(engines) == [kind.name for kind in ENGINE_KINDS]
    assert engines["eager"].detail.startswith("fp32, bf16, fp8 on ")
    automatic = choose_engine(DeviceFacts.of(choose_device("auto"))).kind.name
    assert [name for name, found in engines.items() if "what auto takes" in found.detail] == [automatic]
    if not torch.cuda.is_available():
        assert engines["cuda-graph"] == Finding("cuda-graph", Verdict.NOTE, "needs a CUDA device")


def test_a_mini_that_is_not_whole(in_process: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "OWN_FORMAT_FILES", ("text.safetensors", "soul.safetensors"))
    outcome = in_process("doctor", "--address", ADDRESS)
    assert outcome.code == 1
    assert "soul.safetensors missing" in " ".join(outcome.out.split())
    assert "ShotStream does not work here yet" in outcome.out


def test_packages_that_are_missing_or_old(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "av":
            raise importlib.metadata.PackageNotFoundError(name)
        return "3.9.1" if name == "transformers" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    missing = find("av")
    assert (missing.verdict, missing.detail) == (Verdict.BAD, "is not installed")
    assert missing.fix == install_command()
    old = find("transformers")
    assert (old.verdict, old.detail) == (Verdict.BAD, "3.9.1 is older than 5")
    assert old.fix == pip("install", "-U", "transformers>=5")


def test_a_package_that_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise OSError(f"lib{name}.so: cannot open shared object file")

    monkeypatch.setattr(diagnosis.importlib, "import_module", broken)
    finding = find("CPU")
    assert finding.verdict is Verdict.BAD
    assert finding.detail == "torch cannot be imported: OSError: libtorch.so: cannot open shared object file"
    assert finding.fix == pip("install", "--force-reinstall", "torch")


def test_an_address_that_is_taken_and_one_that_is_none() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finding = find("Address", address=f"tcp://127.0.0.1:{port}")
    assert finding.verdict is Verdict.NOTE
    assert finding.detail == (
        f"no ShotStream server answers at tcp://127.0.0.1:{port}; if another program has it, stop that or "
        "choose another port"
    )
    assert "only loopback addresses" in find("Address", address="tcp://example.org:1").detail


def test_a_server_at_the_address_says_who_it_is(in_process: Any, tiny_folder: Path) -> None:
    with Server(ModelFacts.read(tiny_folder), ADDRESS) as server:
        finding = find("Address", address=server.address)
        assert finding.verdict is Verdict.GOOD
        assert finding.detail == (
            f"a ShotStream server is at {server.address}: shotstream/{__version__}, model tiny, "
            f"{WIDTH}x{HEIGHT} at 16 fps, loading (starting)"
        )
        assert finding.fix == f"shotstream play STORY --address {server.address}"
        outcome = in_process("doctor", "--address", server.address)
        assert f"a ShotStream server is at {server.address}" in " ".join(outcome.out.split())


def test_a_folder_of_weights_that_is_not_there(tmp_path: Path) -> None:
    finding = find("published", model=tmp_path / "none")
    assert finding.verdict is Verdict.BAD
    assert finding.fix == f"shotstream weights fetch {tmp_path / 'none'}"


def test_a_folder_that_holds_no_weights(tmp_path: Path) -> None:
    finding = find("published", model=tmp_path)
    assert finding.verdict is Verdict.BAD
    assert "lacks the student" in finding.detail
