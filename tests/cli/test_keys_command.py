# SPDX-License-Identifier: Apache-2.0
"""`shotstream keys`: keys are made, shown, allowed and revoked."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from shotstream_bridge import AllowList, KeyPair
from shotstream_bridge.keys import PublicKey


def test_a_key_from_its_making_to_its_revocation(in_process: Any, tmp_path: Path) -> None:
    server, client = tmp_path / "server", tmp_path / "client"
    made = in_process("keys", "new", "unreal-01", "--dir", client)
    assert (made.code, made.err) == (0, "")
    assert str(client / "unreal-01.key") in made.out
    pair = KeyPair.read(client / "unreal-01.key")
    assert pair.secret.decode() not in made.out
    if sys.platform != "win32":
        assert stat.S_IMODE((client / "unreal-01.key").stat().st_mode) == 0o600
    assert in_process("keys", "new", "server", "--dir", server).code == 0

    allowed = in_process("keys", "allow", client / "unreal-01.pub", "--dir", server)
    assert allowed.out == f"unreal-01 is allowed in {server / 'allowed-clients'}\n"
    again = in_process("keys", "allow", client / "unreal-01.pub", "--dir", server)
    assert "already" in again.out
    assert AllowList(server / "allowed-clients").clients == [PublicKey("unreal-01", pair.public)]

    listed = in_process("keys", "list", "--dir", server).out
    assert pair.public.decode() in listed
    assert KeyPair.read(server / "server.key").public.decode() in listed
    assert KeyPair.read(server / "server.key").secret.decode() not in listed

    assert in_process("keys", "revoke", "unreal-01", "--dir", server).code == 0
    assert len(AllowList(server / "allowed-clients")) == 0


def test_a_name_of_ones_own_choice(in_process: Any, tmp_path: Path) -> None:
    in_process("keys", "new", "me", "--dir", tmp_path)
    listing = tmp_path / "elsewhere"
    in_process("keys", "allow", tmp_path / "me.pub", "--name", "workstation", "--allow-list", listing)
    assert [client.name for client in AllowList(listing).clients] == ["workstation"]


def test_keys_are_kept_in_the_users_settings(
    in_process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME", str(tmp_path))
    assert in_process("keys", "new", "me").code == 0
    assert (tmp_path / "shotstream" / "keys" / "me.key").exists()
    assert "me" in in_process("keys", "list").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["new", "../me"], "'../me' is no name for a key"),
        (["allow", "none.pub"], "cannot read the key none.pub"),
        (["revoke", "nobody"], "cannot read the allow-list"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    in_process: Any, tmp_path: Path, arguments: list[str], words: str
) -> None:
    outcome = in_process("keys", *arguments, "--dir", tmp_path)
    assert outcome.code == 1
    assert words in outcome.error_line()


def test_a_private_key_is_not_put_on_the_list(in_process: Any, tmp_path: Path) -> None:
    """Its public half is, should somebody name the wrong file; the private one is never copied."""
    in_process("keys", "new", "me", "--dir", tmp_path)
    in_process("keys", "allow", tmp_path / "me.key", "--dir", tmp_path)
    secret = KeyPair.read(tmp_path / "me.key").secret.decode()
    assert secret not in (tmp_path / "allowed-clients").read_text()
