# SPDX-License-Identifier: Apache-2.0
"""What the options for keys mean, for those who connect and for the server."""

from __future__ import annotations

from pathlib import Path

from shotstream_bridge.security import ClientSecurity, ServerSecurity

from .failure import CommandFailed, ExitCode


def client_security(key: Path | None, server_key: str | None) -> ClientSecurity | None:
    """The keys of a client.

    Args:
        key: ``--key``.
        server_key: ``--server-key``.

    Raises:
        CommandFailed: One is given without the other.
        KeyFileError: One of them cannot be used.
    """
    if key is None and server_key is None:
        return None
    if key is None or server_key is None:
        there, missing, which = (
            ("--server-key", "--key", "this client's private key (shotstream keys new NAME makes one)")
            if key is None
            else ("--key", "--server-key", "the server's public key, which whoever runs it hands out")
        )
        raise CommandFailed(f"{there} needs {missing}: {which}", ExitCode.USAGE)
    return ClientSecurity.read(key, server_key)


def server_security(key: Path | None, allow_list: Path | None) -> ServerSecurity | None:
    """The keys of a server.

    Args:
        key: ``--keys``.
        allow_list: ``--allow-list``.

    Raises:
        CommandFailed: There is a list without a key.
        KeyFileError: One of them cannot be used.
    """
    if key is None:
        if allow_list is not None:
            raise CommandFailed(
                "--allow-list needs --keys: the server's private key (shotstream keys new server makes one)",
                ExitCode.USAGE,
            )
        return None
    return ServerSecurity.read(key, allow_list)
