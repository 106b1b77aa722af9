# SPDX-License-Identifier: Apache-2.0
"""Key files and the allow-list: what is written, who may read it, and what is refused."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
import zmq.auth
from shotstream_bridge import AllowList, KeyFileError, KeyPair
from shotstream_bridge.allow_list import allow, revoke
from shotstream_bridge.keys import PublicKey, create_key, read_server_key

posix_modes = pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX's")


def test_a_key_is_two_files_that_the_library_reads_too(tmp_path: Path) -> None:
    private, public = create_key("unreal-01", tmp_path / "keys")
    pair = KeyPair.read(private)
    assert zmq.auth.load_certificate(private) == (pair.public, pair.secret)
    assert zmq.auth.load_certificate(public) == (pair.public, None)
    assert PublicKey.read(public) == PublicKey("unreal-01", pair.public)
    assert pair.secret.decode() not in public.read_text()
    assert pair.secret.decode() not in repr(pair)


@posix_modes
def test_only_the_owner_may_read_a_private_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private, _ = create_key("a", tmp_path / "keys")
    finally:
        os.umask(before)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    private.chmod(0o640)
    with pytest.raises(KeyFileError, match=r"mode 0640.*chmod 600"):
        KeyPair.read(private)


@pytest.mark.parametrize("name", ["../a", "a/b", "", "a b", ".hidden", "x" * 65, "a\n"])
def test_a_name_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyFileError, match="is no name for a key"):
        create_key(name, tmp_path / "keys")
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    private, public = create_key("a", tmp_path)
    content = private.read_bytes()
    with pytest.raises(KeyFileError, match="exists; choose another name"):
        create_key("a", tmp_path)
    public.unlink()
    with pytest.raises(KeyFileError, match="exists; choose another name"):
        create_key("a", tmp_path)
    assert private.read_bytes() == content


def private_file(folder: Path, text: str) -> Path:
    path = folder / "broken.key"
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "is no key file"),
        ('curve\n    public-key = "short"\n', "is damaged"),
        ('curve\n    public-key = "' + "0" * 40 + '"\n', "holds a public key only"),
        ("x" * 100_000, "is no key file"),
    ],
    ids=["text", "short", "public", "huge"],
)
def test_what_is_no_private_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(KeyFileError, match=words):
        KeyPair.read(private_file(tmp_path, text))


def test_halves_of_two_keys(tmp_path: Path) -> None:
    one, two = KeyPair.generate(), KeyPair.generate()
    text = f'curve\n    public-key = "{one.public.decode()}"\n    secret-key = "{two.secret.decode()}"\n'
    with pytest.raises(KeyFileError, match="do not belong together"):
        KeyPair.read(private_file(tmp_path, text))


def test_a_missing_key_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot read the key"):
        KeyPair.read(tmp_path / "none.key")
    with pytest.raises(KeyFileError, match="is a folder"):
        KeyPair.read(tmp_path)


def test_the_servers_key_as_a_file_or_as_text(tmp_path: Path) -> None:
    private, public = create_key("server", tmp_path)
    key = KeyPair.read(private).public
    assert read_server_key(str(public)) == read_server_key(key.decode()) == key
    with pytest.raises(KeyFileError, match=r"neither a file nor a key.*NAME\.pub"):
        read_server_key("server")


# --- the allow-list ---------------------------------------------------------------------------------------


def client(name: str) -> PublicKey:
    return PublicKey(name, KeyPair.generate().public)


def test_clients_are_allowed_and_revoked(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "allowed-clients"
    one, two = client("one"), client("two")
    assert allow(path, one)
    assert allow(path, two)
    assert not allow(path, PublicKey("three", one.key))
    assert AllowList(path).clients == [one, two]
    with pytest.raises(KeyFileError, match="has another key for one"):
        allow(path, client("one"))
    revoke(path, "one")
    listed = AllowList(path)
    assert one.key not in listed
    assert two.key in listed
    with pytest.raises(KeyFileError, match="has no client 'one'"):
        revoke(path, "one")
    assert [file.name for file in path.parent.iterdir()] == ["allowed-clients"]


def test_a_key_with_the_sign_of_a_comment_in_it(tmp_path: Path) -> None:
    key = b"0#000" * 8
    allow(tmp_path / "list", PublicKey("odd", key))
    assert key in AllowList(tmp_path / "list")


@pytest.mark.parametrize(
    "line", ["one", "one two three", "a/b " + "0" * 40, "one " + "~" * 40, "one " + "#" * 40]
)
def test_a_wrong_line_is_named_at_the_start(tmp_path: Path, line: str) -> None:
    path = tmp_path / "list"
    path.write_text(f"# clients\n\n{line}\n")
    with pytest.raises(KeyFileError, match="list line 3: "):
        AllowList(path)


def test_a_missing_list_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="shotstream keys allow FILE"):
        AllowList(tmp_path / "none")


def test_a_change_is_noticed_and_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "list"
    one, two = client("one"), client("two")
    allow(path, one)
    listed = AllowList(path)
    assert not listed.refresh()
    allow(path, two)
    assert listed.refresh()
    assert two.key in listed
    assert listed.name_of(two.key) == "two"


def test_reading_again_fails_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "list"
    one, two = client("one"), client("two")
    allow(path, one)
    listed = AllowList(path)
    path.write_text(f"one {one.key.decode()[:-1]}\ntwo {two.key.decode()}\n")
    assert listed.refresh()
    assert one.key not in listed
    assert two.key in listed
    assert "line 1" in caplog.text
    path.unlink()
    assert listed.refresh()
    assert len(listed) == 0
    assert "nobody is let in" in caplog.text
    path.write_bytes(b"\xff\xfe")
    assert listed.refresh()
    assert len(listed) == 0
