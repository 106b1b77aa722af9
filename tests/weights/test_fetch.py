# SPDX-License-Identifier: Apache-2.0
"""Fetching with the real hub client from a small server on loopback."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from local_hub import COMMIT, LocalHub
from published_folder import TinyPublished
from rich.console import Console
from shotstream_runtime.weights import fetch as fetch_module
from shotstream_runtime.weights.errors import FetchError, WeightsError
from shotstream_runtime.weights.fetch import PARTIAL_FOLDER, PUBLISHED_SOURCES, FetchSummary, fetch_weights
from shotstream_runtime.weights.load import load_model
from shotstream_runtime.weights.record import FetchRecord
from shotstream_runtime.weights.verify import verify_weights

TEXT_FILE = "models_t5_umt5-xxl-enc-bf16.pth"
VIDEO_FILE = "Wan2.1_VAE.pth"
CHUNK_BYTES = 50
CONFIG_FILES = ("profile.json", "student_config.json", "vae_config.json", "t5_config.json")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyPublished().write(tmp_path_factory.mktemp("hub") / "published")


@pytest.fixture
def hub(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    # The machine's own settings for the hub have no part in this.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # The client pauses between its attempts; on loopback there is nothing to wait for.
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    # It passes on what has arrived in blocks of 10 MB; the files here are a few kB.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", CHUNK_BYTES)
    contents: dict[str, dict[str, bytes]] = {}
    for source in PUBLISHED_SOURCES:
        for name in source.files:
            path = published / name
            content = path.read_bytes() if path.exists() else f"stand-in for {name}".encode()
            contents.setdefault(source.repository, {})[name] = content
    contents["KlingTeam/ShotStream"]["another_20_GB_file.pt"] = b"never asked for"
    with LocalHub(contents) as served:
        yield served


def fetch(hub: LocalHub, destination: Path) -> FetchSummary:
    return fetch_weights(destination, endpoint=hub.endpoint, console=Console(file=io.StringIO()))


def all_files() -> list[str]:
    return [name for source in PUBLISHED_SOURCES for name in source.files]


def test_fetched_weights_are_checked_recorded_and_loadable(
    hub: LocalHub, published: Path, tmp_path: Path
) -> None:
    destination = tmp_path / "new" / "weights"
    summary = fetch(hub, destination)
    assert summary.fetched == tuple(all_files())
    assert summary.kept == ()
    on_disk = [path.relative_to(destination).as_posix() for path in destination.rglob("*") if path.is_file()]
    assert sorted(on_disk) == sorted([*all_files(), "weights.json"])
    assert summary.transferred_bytes == sum((destination / name).stat().st_size for name in all_files())
    record = FetchRecord.read(destination)
    assert record is not None
    for name, recorded in record.files.items():
        content = (destination / name).read_bytes()
        assert recorded.sha256 == hashlib.sha256(content).hexdigest()
        assert (recorded.size, recorded.revision) == (len(content), COMMIT)
    for name in CONFIG_FILES:  # the tiny model's dimensions are not those of the published one
        shutil.copy(published / name, destination)
    assert load_model(destination).profile.weights_hash == load_model(published).profile.weights_hash
    assert verify_weights(destination).good


def test_a_second_fetch_transfers_nothing(hub: LocalHub, tmp_path: Path) -> None:
    fetch(hub, tmp_path)
    hub.transfers.clear()
    summary = fetch(hub, tmp_path)
    assert (summary.fetched, summary.kept) == ((), tuple(all_files()))
    assert hub.transfers == []
    # Neither does one that finds the files without the record of them.
    (tmp_path / "weights.json").unlink()
    assert fetch(hub, tmp_path).fetched == ()
    assert FetchRecord.read(tmp_path) is not None


def test_a_cut_connection_goes_on_where_it_stopped(hub: LocalHub, tmp_path: Path) -> None:
    hub.cut_after[TEXT_FILE] = [700, 0, 50]
    fetch(hub, tmp_path)
    assert [first for path, first in hub.transfers if path == TEXT_FILE] == [0, 700, 700, 750]
    assert (tmp_path / TEXT_FILE).read_bytes() == hub.files["Wan-AI/Wan2.1-T2V-1.3B"][TEXT_FILE]


def test_a_fetch_that_was_given_up_goes_on_in_the_next_run(hub: LocalHub, tmp_path: Path) -> None:
    hub.cut_after[TEXT_FILE] = [900] + [0] * 40
    with pytest.raises(FetchError, match=r"connection was cut.*what has arrived is kept, so run the same"):
        fetch(hub, tmp_path)
    assert not (tmp_path / TEXT_FILE).exists()
    hub.cut_after.clear()
    hub.transfers.clear()
    summary = fetch(hub, tmp_path)
    # What was whole is not transferred again, and the file that was begun goes on.
    assert (TEXT_FILE, 900) in hub.transfers
    assert [path for path, _ in hub.transfers] == list(summary.fetched)
    assert VIDEO_FILE in summary.kept
    assert (tmp_path / TEXT_FILE).read_bytes() == hub.files["Wan-AI/Wan2.1-T2V-1.3B"][TEXT_FILE]
    assert not (tmp_path / PARTIAL_FOLDER).exists()


def test_content_that_does_not_match_its_checksum_is_not_kept(hub: LocalHub, tmp_path: Path) -> None:
    hub.wrong_sha256.add(VIDEO_FILE)
    with pytest.raises(
        FetchError, match=r"VAE\.pth arrived damaged: its checksum is \w{64}, the hub states \w{64}"
    ):
        fetch(hub, tmp_path)
    assert not (tmp_path / VIDEO_FILE).exists()
    assert list((tmp_path / PARTIAL_FOLDER).iterdir()) == []
    hub.wrong_sha256.clear()
    fetch(hub, tmp_path)


def test_a_newer_version_replaces_what_was_fetched(hub: LocalHub, tmp_path: Path) -> None:
    fetch(hub, tmp_path)
    hub.files["Wan-AI/Wan2.1-T2V-1.3B"][VIDEO_FILE] += b"and more"
    assert fetch(hub, tmp_path).fetched == (VIDEO_FILE,)
    assert (tmp_path / VIDEO_FILE).read_bytes().endswith(b"and more")


def test_a_spoilt_file_is_found_and_fetched_again(hub: LocalHub, tmp_path: Path) -> None:
    fetch(hub, tmp_path)
    content = bytearray((tmp_path / VIDEO_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / VIDEO_FILE).write_bytes(content)
    os.utime(tmp_path / VIDEO_FILE, ns=(1, 1))
    assert fetch(hub, tmp_path).fetched == (VIDEO_FILE,)
    assert (tmp_path / VIDEO_FILE).read_bytes() == hub.files["Wan-AI/Wan2.1-T2V-1.3B"][VIDEO_FILE]


def test_a_file_of_somebody_else_is_never_replaced(hub: LocalHub, tmp_path: Path) -> None:
    mine = tmp_path / "shotstream_merged.pt"
    mine.write_bytes(b"my own fine-tuned student")
    with pytest.raises(
        FetchError, match=r"shotstream_merged\.pt exists and is not the published file; move it"
    ):
        fetch(hub, tmp_path)
    assert mine.read_bytes() == b"my own fine-tuned student"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_refused_before_anything_is_transferred(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = sum(
        len(hub.files[source.repository][name]) for source in PUBLISHED_SOURCES for name in source.files
    )
    reserve = fetch_module._RESERVE_BYTES
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, needed + reserve - 1))
    message = r"0\.00 GB are still to come and 0\.27 GB must stay free, but the disk has 0\.27 GB left"
    with pytest.raises(FetchError, match=message):
        fetch(hub, tmp_path)
    assert hub.transfers == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, needed + reserve))
    fetch(hub, tmp_path)


def test_what_has_arrived_counts_against_the_room_that_is_needed(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(hub, tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 0))
    assert fetch(hub, tmp_path).fetched == ()


def test_a_disk_that_fills_up_meanwhile(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(self: Any, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shotstream_runtime.weights.hub._Counted.write", full)
    with pytest.raises(FetchError, match="the disk is full; make room: what has arrived is kept"):
        fetch(hub, tmp_path)


def test_a_file_that_moved_inside_its_repository_is_found(hub: LocalHub, tmp_path: Path) -> None:
    repository = hub.files["KlingTeam/ShotStream"]
    repository["checkpoints/shotstream_merged.pt"] = repository.pop("shotstream_merged.pt")
    fetch(hub, tmp_path)
    assert (tmp_path / "shotstream_merged.pt").read_bytes() == repository["checkpoints/shotstream_merged.pt"]


def test_a_repository_without_the_file(hub: LocalHub, tmp_path: Path) -> None:
    del hub.files["KlingTeam/ShotStream"]["shotstream_merged.pt"]
    with pytest.raises(
        FetchError, match=r"KlingTeam/ShotStream has no files 'shotstream_merged\.pt' at commit"
    ):
        fetch(hub, tmp_path)


def test_a_repository_that_is_not_there(hub: LocalHub, tmp_path: Path) -> None:
    del hub.files["KlingTeam/ShotStream"]
    with pytest.raises(FetchError, match="KlingTeam/ShotStream: no such repository"):
        fetch(hub, tmp_path)


def test_a_hub_that_fails(hub: LocalHub, tmp_path: Path) -> None:
    hub.status = 403
    with pytest.raises(FetchError, match="the hub answered 403; what has arrived is kept"):
        fetch(hub, tmp_path)


def test_no_network(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(FetchError, match=rf"{endpoint} cannot be reached"):
        fetch_weights(tmp_path, endpoint=endpoint, console=Console(file=io.StringIO()))


def test_a_destination_that_cannot_be_written(hub: LocalHub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(FetchError, match="file: cannot be written"):
        fetch(hub, tmp_path / "file")


def test_a_damaged_record_is_named(hub: LocalHub, tmp_path: Path) -> None:
    (tmp_path / "weights.json").write_text('{"files": 3}', encoding="utf-8")
    with pytest.raises(WeightsError, match=r"weights\.json is damaged .* delete it and fetch again"):
        fetch(hub, tmp_path)


def test_progress_is_shown_and_the_hubs_own_bars_and_warnings_are_not(
    hub: LocalHub, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.cut_after[TEXT_FILE] = [700]
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=160)
    fetch_weights(tmp_path, endpoint=hub.endpoint, console=console)
    assert VIDEO_FILE in shown.getvalue()
    assert f"checking {VIDEO_FILE}" in shown.getvalue()
    assert capfd.readouterr().err == ""
