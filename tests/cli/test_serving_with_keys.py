# SPDX-License-Identifier: Apache-2.0
"""`shotstream serve` with keys, and `shotstream play` at it: real processes, a real (tiny) model."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_process import Running, begin
from shotstream_bridge.allow_list import allow, revoke
from shotstream_bridge.keys import PublicKey, create_key
from shotstream_runtime.host.manifest import read_manifest

STORY = """\
global_caption: A fox in a red coat in the forest.
beats:
  - {text: "The fox walks.", chunks: 1}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of a server, of a client on its list, and of one that is not."""
    made = tmp_path_factory.mktemp("keys")
    for name in ("server", "known", "unknown"):
        create_key(name, made)
    allow(made / "allowed-clients", PublicKey.read(made / "known.pub"))
    (made / "story.yaml").write_text(STORY, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def address(tiny_folder: Path, folder: Path) -> Iterator[str]:
    """A server that listens at every interface."""
    arguments = ("serve", "--model", tiny_folder, "--bind", "tcp://*:0", "--keys", folder / "server.key")
    running: Running = begin(*arguments)
    try:
        port = running.line_with("Serving").rpartition(":")[2].strip()
        assert "Clients that are let in: 1" in running.line_with("let in")
        # What other machines can use, not 0.0.0.0.
        assert f"--address tcp://{socket.gethostname()}:{port} " in running.line_with("Try:")
        yield f"tcp://127.0.0.1:{port}"
    finally:
        running.process.kill()
        running.process.communicate()


def play(in_process: Any, folder: Path, address: str, output: Path, *keys: str | Path) -> Any:
    return in_process("play", folder / "story.yaml", "-o", output, "--address", address, *keys)


def test_an_allowed_client_plays_a_story(in_process: Any, folder: Path, address: str, tmp_path: Path) -> None:
    keys = ("--key", folder / "known.key", "--server-key", folder / "server.pub")
    outcome = play(in_process, folder, address, tmp_path / "take", *keys)
    assert outcome.code == 0, outcome.err
    assert read_manifest(tmp_path / "take" / "manifest.json").complete


@pytest.mark.parametrize(
    ("client", "server", "words"),
    [
        ("unknown", "server", "the server does not allow this client's key"),
        ("known", "unknown", "the server does not have the key that this client expects"),
        (None, None, "the server demands keys"),
    ],
)
def test_others_get_one_clear_line(
    in_process: Any,
    folder: Path,
    address: str,
    tmp_path: Path,
    client: str | None,
    server: str | None,
    words: str,
) -> None:
    keys = (
        ()
        if client is None
        else ("--key", folder / f"{client}.key", "--server-key", folder / f"{server}.pub")
    )
    outcome = play(in_process, folder, address, tmp_path / "take", *keys)
    assert outcome.code == 1
    assert words in outcome.error_line()
    assert not (tmp_path / "take").exists()


def test_the_list_is_taken_up_without_a_restart(
    in_process: Any, folder: Path, address: str, tmp_path: Path
) -> None:
    create_key("late", tmp_path)
    keys = ("--key", tmp_path / "late.key", "--server-key", folder / "server.pub")
    allow(folder / "allowed-clients", PublicKey.read(tmp_path / "late.pub"))
    assert play(in_process, folder, address, tmp_path / "take", *keys).code == 0
    revoke(folder / "allowed-clients", "late")
    outcome = play(in_process, folder, address, tmp_path / "again", *keys)
    assert "does not allow this client's key" in outcome.error_line()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--bind", "tcp://0.0.0.0:0"), 1, "only loopback addresses are served without keys"),
        (("--allow-list", "list"), 2, "--allow-list needs --keys"),
        (("--keys", "none.key"), 1, "cannot read the key none.key"),
    ],
)
def test_a_server_that_is_not_to_start(
    in_process: Any, tiny_folder: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    outcome = in_process("serve", "--model", tiny_folder, *arguments)
    assert outcome.code == code
    assert words in outcome.error_line()


def test_a_server_without_a_list(in_process: Any, tiny_folder: Path, tmp_path: Path) -> None:
    create_key("server", tmp_path)
    outcome = in_process("serve", "--model", tiny_folder, "--keys", tmp_path / "server.key")
    assert "make it with: shotstream keys allow FILE" in outcome.error_line()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--key", "a.key"), "--key needs --server-key"),
        (("--server-key", "a.pub"), "--server-key needs --key"),
    ],
)
def test_one_key_without_the_other(
    in_process: Any, folder: Path, arguments: tuple[str, ...], words: str
) -> None:
    outcome = in_process("play", folder / "story.yaml", *arguments)
    assert outcome.code == 2
    assert words in outcome.error_line()


def test_doctor_asks_the_server_who_it_is(in_process: Any, folder: Path, address: str) -> None:
    outcome = in_process("doctor", "--address", address)
    assert "--server-key" in outcome.out
    assert "a ShotStream server is at" not in " ".join(outcome.out.split())
    keys = ("--key", folder / "known.key", "--server-key", folder / "server.pub")
    outcome = in_process("doctor", "--address", address, *keys)
    assert f"a ShotStream server is at {address}: shotstream/" in " ".join(outcome.out.split())
