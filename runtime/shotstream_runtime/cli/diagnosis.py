# SPDX-License-Identifier: Apache-2.0
"""What `shotstream doctor` looks at. Every check runs where packages are missing or broken."""

from __future__ import annotations

import errno
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shotstream_bridge.client import Client
from shotstream_bridge.cores import usable_cores
from shotstream_bridge.errors import AddressError, AuthenticationError, BridgeError, HandshakeRefusedError
from shotstream_bridge.version import PROTOCOL_VERSIONS, __version__

from shotstream_runtime.weights.errors import WeightsError
from shotstream_runtime.weights.locate import MINI_FOLDER, OWN_FORMAT_FILES, is_own_format, locate

from .installation import install_command, pip, source_checkout
from .ports import check_free

if TYPE_CHECKING:
    from shotstream_bridge.security import ClientSecurity

_GIB = 1 << 30
_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)\s*(?:>=\s*(?P<least>[0-9.]+))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"](?P<extra>[^'\"]+)['\"]")
_ASK_S = 2.0  # for whoever listens at the address to say who it is
# Published student (2.8 GB as bf16), autoencoder and text encoder (11.4 GB as bf16), read one after another.
_PUBLISHED_MEMORY_GIB = 24
_PUBLISHED_GPU_GIB = 11  # with what `--vram` gives up; nothing is from 29 on


class Verdict(StrEnum):
    """How a check came out."""

    GOOD = "good"
    NOTE = "note"  # works, but less well or only in part
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, what was found, and what to do about it."""

    subject: str
    verdict: Verdict
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """The report: findings by section, and whether the demo will work."""

    sections: dict[str, list[Finding]]

    @property
    def usable(self) -> bool:
        """Whether nothing is bad."""
        return all(
            finding.verdict is not Verdict.BAD for findings in self.sections.values() for finding in findings
        )


def diagnose(address: str, model: Path | None, security: ClientSecurity | None = None) -> Diagnosis:
    """Looks at everything.

    Args:
        address: Where a server would listen, or does, ``tcp://HOST:PORT``.
        model: Folder of published weights to look at, if any.
        security: Keys for asking a server that has some.
    """
    sections: dict[str, Callable[[], Iterator[Finding]]] = {
        "Machine": _machine,
        "Packages": _packages,
        "Devices": _devices,
        "Engines": _engines,
        "Weights": lambda: _weights(model),
        "Movies": _movies,
        "Network": lambda: _network(address, security),
    }
    return Diagnosis({title: list(check()) for title, check in sections.items()})


def _machine() -> Iterator[Finding]:
    versions = ", ".join(str(version) for version in PROTOCOL_VERSIONS)
    yield Finding("ShotStream", Verdict.GOOD, f"{__version__}, protocol {versions}")
    yield Finding("Python", Verdict.GOOD, f"{platform.python_version()} at {sys.executable}")
    yield Finding("System", Verdict.GOOD, platform.platform())
    cores = usable_cores()
    memory = _memory_gib()
    detail = f"{cores} usable cores" + (f", {memory:.0f} GiB of memory" if memory else "")
    yield Finding("Processor", Verdict.GOOD, detail)


def _memory_gib() -> float | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB
    except (AttributeError, ValueError, OSError):  # Windows, and systems without these names
        return None


def _packages() -> Iterator[Finding]:
    try:
        lines = importlib.metadata.requires("shotstream") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding("shotstream", Verdict.NOTE, "runs from a source tree; versions are not checked")
        lines = []
    for line in lines:
        requirement, _, marker = line.partition(";")
        extra = _EXTRA.search(marker)
        match = _REQUIREMENT.match(requirement.strip())
        if match is None or match["name"] == "shotstream" or (extra and extra["extra"] != "runtime"):
            continue
        yield _package(match["name"], match["least"])


def _package(name: str, least: str | None) -> Finding:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, Verdict.BAD, "is not installed", install_command())
    if least is not None and _numbers(version) < _numbers(least):
        return Finding(
            name, Verdict.BAD, f"{version} is older than {least}", pip("install", "-U", f"{name}>={least}")
        )
    return Finding(name, Verdict.GOOD, version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3])


def _import(name: str) -> Any | Finding:
    """Imports a package, or says why that fails: missing, or broken (a wrong build, a missing library)."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return Finding(name, Verdict.BAD, "is not installed", install_command())
    except Exception as error:  # noqa: BLE001 - a broken package may raise anything while it is imported
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Finding(
            name, Verdict.BAD, f"cannot be imported: {reason}", pip("install", "--force-reinstall", name)
        )


def _devices() -> Iterator[Finding]:
    torch = _import("torch")
    if isinstance(torch, Finding):
        yield Finding("CPU", torch.verdict, f"torch {torch.detail}", torch.fix)
        return
    yield Finding("CPU", Verdict.GOOD, "mini runs here in real time; published weights only slowly")
    if not torch.cuda.is_available():
        built = torch.version.cuda
        reason = (
            f"PyTorch is built for CUDA {built}, but finds no device" if built else "PyTorch is built for CPU"
        )
        fix = "" if _nvidia_driver() is False else "install a CUDA build of PyTorch: https://pytorch.org"
        yield Finding("CUDA", Verdict.NOTE, reason, fix)
        return
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        memory = device.total_memory / _GIB
        enough = memory >= _PUBLISHED_GPU_GIB
        few = "; for published weights too little, or just enough: shotstream weights fit says which"
        detail = f"{device.name}, {memory:.0f} GiB" + ("" if enough else few)
        yield Finding(f"CUDA {index}", Verdict.GOOD if enough else Verdict.NOTE, detail)


def _engines() -> Iterator[Finding]:
    """What can execute the student on the device that commands take by themselves."""
    if isinstance(_import("torch"), Finding):
        yield Finding("all", Verdict.NOTE, "not looked for without torch")
        return
    try:
        from shotstream_runtime.engines.choice import choose_engine  # noqa: PLC0415 - imports torch
        from shotstream_runtime.engines.device_facts import DeviceFacts  # noqa: PLC0415
        from shotstream_runtime.engines.kinds import ENGINE_KINDS  # noqa: PLC0415
        from shotstream_runtime.engines.precision import Precision  # noqa: PLC0415
        from shotstream_runtime.engines.tensorrt.offer import installed  # noqa: PLC0415
        from shotstream_runtime.engines.tensorrt.products import Product  # noqa: PLC0415
        from shotstream_runtime.host.compute import choose_device  # noqa: PLC0415
    except Exception as error:  # noqa: BLE001 - as above; which package it is stands under Packages
        yield Finding("all", Verdict.NOTE, f"not looked for: {' '.join(str(error).split())}")
        return
    device = DeviceFacts.of(choose_device("auto"))
    automatic = choose_engine(device).kind
    for kind in ENGINE_KINDS:
        refusals = {precision: kind.refusal(device, precision) for precision in Precision}
        able = [precision for precision, refusal in refusals.items() if refusal is None]
        if able:
            picked = "; what auto takes" if kind is automatic else ""
            yield Finding(kind.name, Verdict.GOOD, f"{', '.join(able)} on {device}{picked}")
        else:
            detail = f"{refusals[Precision.BF16]}"
            if kind.name == Product.TENSORRT_RTX and installed(Product.TENSORRT_RTX):
                detail += "; engines for other machines can be built here: shotstream engine build"
            missing = kind.name in list(Product) and device.cuda and not installed(Product(kind.name))
            yield Finding(kind.name, Verdict.NOTE, detail, install_command(kind.name) if missing else "")


def _nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or os.environ.get("CUDA_PATH") is not None


def _weights(model: Path | None) -> Iterator[Finding]:
    missing = [name for name in OWN_FORMAT_FILES if not (MINI_FOLDER / name).is_file()]
    if missing:
        yield Finding("mini", Verdict.BAD, f"{', '.join(missing)} missing in {MINI_FOLDER}", _get_mini_back())
    else:
        size = sum((MINI_FOLDER / name).stat().st_size for name in OWN_FORMAT_FILES) / 1e6
        yield Finding("mini", Verdict.GOOD, f"built in, {size:.1f} MB")
    if model is None:
        yield Finding(
            "published",
            Verdict.NOTE,
            "not looked for",
            "shotstream weights fetch DIR, then shotstream doctor --model DIR",
        )
    elif not model.is_dir():
        yield Finding(
            "published", Verdict.BAD, f"{model} is not a folder", f"shotstream weights fetch {model}"
        )
    elif (lack := _lacks(model)) is not None:
        yield Finding("published", Verdict.BAD, lack, f"shotstream weights fetch {model}")
    else:
        memory = _memory_gib()
        small = is_own_format(model)
        tight = not small and memory is not None and memory < _PUBLISHED_MEMORY_GIB
        size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) / 1e9
        detail = f"{model}, {size:.1f} GB"
        if tight:
            detail += f"; loading needs about {_PUBLISHED_MEMORY_GIB} GiB of memory"
        verdict = Verdict.NOTE if tight else Verdict.GOOD
        yield Finding("published", verdict, detail, f"check the files: shotstream weights verify {model}")


def _get_mini_back() -> str:
    checkout = source_checkout()
    if checkout is not None:
        return f"git -C {checkout} restore {MINI_FOLDER.relative_to(checkout)}"
    return f"{install_command()} --force-reinstall"


def _lacks(folder: Path) -> str | None:
    """What keeps a folder from being a model's; None where all its files are there."""
    if is_own_format(folder):
        return None
    try:
        locate(folder)
    except WeightsError as error:
        return str(error)
    return None


def _movies() -> Iterator[Finding]:
    av = _import("av")
    if isinstance(av, Finding):
        yield Finding("H.264", av.verdict, f"av {av.detail}", av.fix)
    elif "libx264" in av.codecs_available:
        yield Finding("H.264", Verdict.GOOD, f"PyAV {av.__version__} with libx264")
    else:
        yield Finding(
            "H.264",
            Verdict.NOTE,
            "this PyAV has no libx264: no movies, only --png",
            pip("install", "--force-reinstall", "--only-binary", ":all:", "av"),
        )


def _network(address: str, security: ClientSecurity | None) -> Iterator[Finding]:
    try:
        check_free(address, secured=security is not None)
    except AddressError as error:
        taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
        # Beyond this machine only servers with keys are asked.
        if taken or security is not None:
            yield _who_listens(address, security)
        else:
            yield Finding("Address", Verdict.NOTE, str(error))
    else:
        yield Finding("Address", Verdict.GOOD, f"{address} is free for shotstream serve")


def _who_listens(address: str, security: ClientSecurity | None) -> Finding:
    """Asks whoever has the address who it is."""
    try:
        with Client.connect(address, _ASK_S, reconnect_s=0.0, security=security) as client:
            server = client.server
    except AuthenticationError as error:
        return Finding(
            "Address", Verdict.NOTE, str(error), "give this client's --key and the server's --server-key"
        )
    except HandshakeRefusedError as error:
        return Finding("Address", Verdict.NOTE, str(error))
    except BridgeError:
        return Finding(
            "Address",
            Verdict.NOTE,
            f"no ShotStream server answers at {address}; if another program has it, stop that or choose "
            "another port",
        )
    state = server.state.value + (f" ({server.detail})" if server.detail else "")
    detail = (
        f"a ShotStream server is at {address}: {server.product}, model {server.model}, "
        f"{server.width}x{server.height} at {server.fps:g} fps, {state}"
    )
    if server.product != f"shotstream/{__version__}":
        return Finding("Address", Verdict.NOTE, f"{detail}; this is shotstream/{__version__}")
    return Finding("Address", Verdict.GOOD, detail, f"shotstream play STORY --address {address}")
