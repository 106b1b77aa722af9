# SPDX-License-Identifier: Apache-2.0
"""Checking a folder of weights: are all files there, whole, and of the shapes the model needs?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..codecs.text import load_tokenizer
from ..codecs.video_config import VideoCodecConfig
from ..model.config import StudentConfig
from . import layouts
from .checkpoint import read_checkpoint
from .checksum import OnBytes, sha256_of
from .config_file import read_config
from .configs import read_configs
from .errors import WeightsError
from .layouts import Layout
from .load import load_own_text
from .locate import OWN_FORMAT_FILES, ModelFiles, find_parts, is_own_format, require_all
from .names import STUDENT_ENTRY
from .profile import ModelProfile
from .record import RECORD_FILE, FetchRecord

_SAMPLE_TEXT = "A fox in the snow."
_SHOWN_PROBLEMS = 10


@dataclass(frozen=True)
class Finding:
    """One thing that was checked.

    Attributes:
        subject: What: `student`, `autoencoder`, `text encoder`, `tokenizer`, `profile`, `checksum`.
        path: The file it is about, where there is one.
        good: Whether it is as it should be.
        detail: What was found; for a problem also what was expected.
    """

    subject: str
    path: Path | None
    good: bool
    detail: str


@dataclass(frozen=True)
class WeightsReport:
    """The result for a folder.

    Attributes:
        folder: The folder.
        findings: Everything that was checked, in order.
    """

    folder: Path
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether the weights can be used."""
        return all(finding.good for finding in self.findings)

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What is wrong."""
        return tuple(finding for finding in self.findings if not finding.good)


def verify_weights(folder: Path, *, checksums: bool = True, on_bytes: OnBytes | None = None) -> WeightsReport:
    """Checks a folder of published weights, of a diffusers layout, or in mini's own format.

    Names and shapes of all tensors are compared with the model's. Files that `fetch_weights` recorded are
    also compared with their checksums, which reads every byte.

    Args:
        folder: The folder.
        checksums: Whether to compare checksums.
        on_bytes: Told of every block of bytes that was summed.

    Raises:
        WeightsError: There is no such folder.
    """
    if not folder.is_dir():
        raise WeightsError(
            f"{folder} is not a folder; fetch the weights with: shotstream weights fetch {folder}"
        )
    check = _own_format if is_own_format(folder) else _published
    findings = list(check(folder))
    if checksums:
        findings += _checksums(folder, on_bytes)
    return WeightsReport(folder, tuple(findings))


def _published(folder: Path) -> Iterator[Finding]:
    try:
        found = find_parts(folder)
        files = require_all(folder, found)
        configs = read_configs(files)
    except WeightsError as error:
        yield Finding("folder", folder, False, str(error))
        return
    yield from _part("student", files.student.path, configs.student_layout(), STUDENT_ENTRY)
    yield from _part("autoencoder", files.video.path, configs.video_layout(files.video))
    yield from _part("text encoder", files.text.path, configs.text_layout(files.text))
    yield _tokenizer(files, configs.text.vocab_size)


def _own_format(folder: Path) -> Iterator[Finding]:
    missing = [name for name in OWN_FORMAT_FILES if not (folder / name).is_file()]
    for name in missing:
        yield Finding("folder", folder / name, False, "no such file")
    if missing:
        return
    try:
        profile = ModelProfile.from_json(folder / "profile.json")
        student = read_config(folder / "student_config.json", StudentConfig.from_dict)
        video = read_config(folder / "vae_config.json", VideoCodecConfig.model_validate)
    except WeightsError as error:
        yield Finding("folder", folder, False, str(error))
        return
    size = f"{profile.width}x{profile.height}"
    yield Finding("profile", folder / "profile.json", True, f"{profile.name}, {size} at {profile.fps:g} fps")
    yield from _part("student", folder / "student.safetensors", layouts.library_student_layout(student))
    yield from _part("autoencoder", folder / "vae.safetensors", layouts.library_video_layout(video))
    path = folder / "text.safetensors"
    try:
        encoder, _ = load_own_text(folder)
    except WeightsError as error:
        yield Finding("text encoder", path, False, str(error))
    else:
        yield Finding("text encoder", path, True, f"{len(encoder.words)} words")


def _part(subject: str, path: Path, layout: Layout, entry: str | None = None) -> Iterator[Finding]:
    try:
        problems = layout.problems(read_checkpoint(path, entry))
    except WeightsError as error:
        yield Finding(subject, path, False, str(error))
        return
    for problem in problems[:_SHOWN_PROBLEMS]:
        yield Finding(subject, path, False, problem)
    if len(problems) > _SHOWN_PROBLEMS:
        yield Finding(subject, path, False, f"and {len(problems) - _SHOWN_PROBLEMS} more problems")
    if not problems:
        count = f"{len(layout.shapes)} tensors, {layout.parameters / 1e6:,.1f} million parameters"
        yield Finding(subject, path, True, count)


def _tokenizer(files: ModelFiles, vocab_size: int) -> Finding:
    try:
        ids = load_tokenizer(files.tokenizer)(_SAMPLE_TEXT)
    except ValueError as error:
        return Finding("tokenizer", files.tokenizer, False, str(error))
    if not ids or not 0 <= min(ids) <= max(ids) < vocab_size:
        detail = f"gives the ids {list(ids)}; the text encoder knows ids below {vocab_size}"
        return Finding("tokenizer", files.tokenizer, False, detail)
    return Finding("tokenizer", files.tokenizer, True, f"ids below {vocab_size}")


def _checksums(folder: Path, on_bytes: OnBytes | None) -> Iterator[Finding]:
    try:
        record = FetchRecord.read(folder)
    except WeightsError as error:
        yield Finding("checksum", folder / RECORD_FILE, False, str(error))
        return
    if record is None:
        return
    for name, recorded in record.files.items():
        path = folder / name
        if not path.is_file():
            yield Finding("checksum", path, False, "no such file, although it was fetched; fetch again")
            continue
        size = path.stat().st_size
        sha256 = sha256_of(path, on_bytes) if size == recorded.size else None
        if sha256 is None:
            yield Finding(
                "checksum", path, False, f"has {size} bytes; {recorded.size} were fetched; fetch again"
            )
        elif sha256 != recorded.sha256:
            detail = f"SHA-256 is {sha256}; {recorded.sha256} was fetched; fetch again"
            yield Finding("checksum", path, False, detail)
        else:
            yield Finding(
                "checksum", path, True, f"SHA-256 {sha256[:12]}… as fetched from {recorded.repository}"
            )
