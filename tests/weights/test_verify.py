# SPDX-License-Identifier: Apache-2.0
"""The report on a folder of weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from published_folder import TinyPublished, write_tokenizer
from shotstream_runtime.weights.checksum import git_blob_id_of, sha256_of
from shotstream_runtime.weights.errors import WeightsError
from shotstream_runtime.weights.record import FetchRecord, RecordedFile
from shotstream_runtime.weights.verify import WeightsReport, verify_weights

VIDEO_FILE = "Wan2.1_VAE.pth"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return TinyPublished().write(tmp_path / "weights")


def problems(report: WeightsReport) -> list[tuple[str, str]]:
    return [(finding.subject, finding.detail) for finding in report.problems]


def record(folder: Path, *names: str) -> None:
    files = {
        name: RecordedFile(
            repository="somebody/something",
            revision="main",
            size=(folder / name).stat().st_size,
            sha256=sha256_of(folder / name),
            modified_ns=(folder / name).stat().st_mtime_ns,
        )
        for name in names
    }
    FetchRecord(files=files).write(folder)


@pytest.mark.parametrize("kind", ["pickle", "safetensors", "diffusers"])
def test_a_good_folder_of_every_layout(tmp_path: Path, kind: str) -> None:
    report = verify_weights(TinyPublished().write(tmp_path / kind, kind))  # type: ignore[arg-type]
    assert report.good
    assert report.problems == ()
    assert [finding.subject for finding in report.findings] == [
        "student",
        "autoencoder",
        "text encoder",
        "tokenizer",
    ]
    details = {finding.subject: finding.detail for finding in report.findings}
    assert details["autoencoder"].startswith("194 tensors, ")
    assert details["text encoder"].startswith("22 tensors, ")


def test_every_part_is_checked_even_if_one_is_wrong(folder: Path) -> None:
    weights = TinyPublished()
    del weights.student["model.head.head.bias"]
    weights.video["conv2.bias"] = torch.zeros(3)
    weights.write(folder)
    (folder / "models_t5_umt5-xxl-enc-bf16.pth").write_bytes(b"PK\x03\x04 cut")
    write_tokenizer(folder / "google" / "umt5-xxl" / "tokenizer.json")
    assert problems(verify_weights(folder)) == [
        ("student", "tensor 'model.head.head.bias' is missing (expected shape [16])"),
        ("autoencoder", "tensor 'conv2.bias' has shape [3]; expected [4]"),
        (
            "text encoder",
            f"{folder / 'models_t5_umt5-xxl-enc-bf16.pth'} (8 bytes) is truncated or not a checkpoint of "
            "torch.save; fetch it again",
        ),
    ]


def test_many_problems_are_counted_not_listed(folder: Path) -> None:
    weights = TinyPublished()
    weights.student = {f"x.{name}": tensor for name, tensor in weights.student.items()}
    weights.write(folder)
    details = [detail for _, detail in problems(verify_weights(folder))]
    assert len(details) == 11
    assert details[-1] == f"and {2 * len(weights.student) - 10} more problems"


def test_missing_parts_are_all_named(folder: Path) -> None:
    (folder / VIDEO_FILE).unlink()
    (folder / "shotstream_merged.pt").unlink()
    ((subject, detail),) = problems(verify_weights(folder))
    assert subject == "folder"
    assert "lacks the student (shotstream_merged.pt), the autoencoder (Wan2.1_VAE.pth or " in detail


def test_a_tokenizer_of_another_vocabulary(folder: Path) -> None:
    from published_folder import TEXT, random_tensors, write_json
    from shotstream_runtime.weights.layouts import text_layout

    small = TEXT.model_copy(update={"vocab_size": 3})
    write_json(folder / "t5_config.json", small.model_dump())
    torch.save(random_tensors(text_layout(small), 3), folder / "models_t5_umt5-xxl-enc-bf16.pth")
    ((subject, detail),) = problems(verify_weights(folder))
    assert subject == "tokenizer"
    assert "the text encoder knows ids below 3" in detail


def test_checksums_of_fetched_files(folder: Path) -> None:
    names = (VIDEO_FILE, "shotstream_merged.pt", "t5_config.json")
    record(folder, *names)
    seen: list[int] = []
    report = verify_weights(folder, on_bytes=seen.append)
    checked = [finding.path for finding in report.findings if finding.subject == "checksum"]
    assert report.good
    assert checked == [folder / name for name in names]
    assert sum(seen) == sum((folder / name).stat().st_size for name in names)

    # A flipped bit in the numbers: names and shapes cannot show it.
    content = bytearray((folder / VIDEO_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / VIDEO_FILE).write_bytes(content)
    (folder / "t5_config.json").write_text("{", encoding="utf-8")
    found = [detail for subject, detail in problems(verify_weights(folder)) if subject == "checksum"]
    assert "was fetched; fetch again" in found[0]
    assert found[1].startswith("has 1 bytes; ")
    assert not any(f.subject == "checksum" for f in verify_weights(folder, checksums=False).findings)


def test_a_fetched_file_that_is_gone(folder: Path) -> None:
    record(folder, VIDEO_FILE, "profile.json")
    (folder / "profile.json").unlink()
    assert problems(verify_weights(folder)) == [
        ("checksum", "no such file, although it was fetched; fetch again")
    ]


def test_a_damaged_record(folder: Path) -> None:
    (folder / "weights.json").write_text("no", encoding="utf-8")
    ((subject, detail),) = problems(verify_weights(folder))
    assert subject == "checksum"
    assert "is damaged" in detail


def test_own_format(tmp_path: Path) -> None:
    from tiny_model_folder import write_tiny_model

    folder = write_tiny_model(tmp_path / "own")
    report = verify_weights(folder)
    assert report.good
    assert [finding.subject for finding in report.findings] == [
        "profile",
        "student",
        "autoencoder",
        "text encoder",
    ]
    shutil.copy(folder / "student.safetensors", folder / "vae.safetensors")
    (folder / "text.safetensors").write_bytes(b"")
    subjects = {subject for subject, _ in problems(verify_weights(folder))}
    assert subjects == {"autoencoder", "text encoder"}
    (folder / "lexicon.json").unlink()
    assert problems(verify_weights(folder)) == [("folder", "no such file")]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is not a folder; fetch the weights with"):
        verify_weights(tmp_path / "nowhere")


def test_checksums_are_those_of_the_standard_tools(tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(b"hello\n")
    # printf 'hello\n' | sha256sum; printf 'hello\n' | git hash-object --stdin
    assert sha256_of(path) == "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
    assert git_blob_id_of(path) == "ce013625030ba8dba906f756967f9e9ca394464a"
