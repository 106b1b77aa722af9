# SPDX-License-Identifier: Apache-2.0
"""The clients a server lets in: a text file of names and public keys, read again whenever it changes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from shotstream_bridge.errors import KeyFileError
from shotstream_bridge.keys import PublicKey, check_name, make_private_folder, read_key_text, write_private

DEFAULT_NAME: Final = "allowed-clients"
_HEADER: Final = (
    "# Clients that a ShotStream server lets in, one on a line: NAME PUBLIC-KEY [operator].\n"
    "# An operator sees the status of everybody's stories (shotstream top), the others of their own.\n"
    "# Taking a line away shuts the client out within a second; no restart is needed.\n"
)
_OPERATOR: Final = "operator"
_LARGEST_FILE: Final = 4 * 1024 * 1024

_log = logging.getLogger(__name__)


class AllowList:
    """Public keys that a server accepts. Belongs to one thread.

    Args:
        path: The file. Lines are ``NAME PUBLIC-KEY``, with ``operator`` behind it for who sees everyone's
            stories in ``status``; empty lines and those that begin with ``#`` are not
            looked at (a key may contain ``#``, so that there are no comments behind one).

    Raises:
        KeyFileError: The file is missing or a line is wrong.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._stamp = self._look()
        self._names: dict[bytes, str] = {}
        self._operators: frozenset[bytes] = frozenset()
        self._take(self._read(strict=True))

    def __contains__(self, key: object) -> bool:
        return key in self._names

    def __len__(self) -> int:
        return len(self._names)

    def name_of(self, key: bytes) -> str:
        """The name of an allowed key."""
        return self._names[key]

    def is_operator(self, key: bytes) -> bool:
        """Whether a key's clients see everyone's stories in ``status``."""
        return key in self._operators

    @property
    def clients(self) -> list[PublicKey]:
        """All of them, in the order of the file."""
        return [PublicKey(name, key) for key, name in self._names.items()]

    def refresh(self) -> bool:
        """Reads the file again if it has changed; returns whether it had.

        It fails closed: a line that is wrong lets nobody in, and without a readable file nobody is let in.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        before = set(self._names)
        self._take(self._read(strict=False))
        added, gone = len(set(self._names) - before), len(before - set(self._names))
        _log.info("%s was read again: %d clients, %d new, %d gone", self.path, len(self), added, gone)
        return True

    def _take(self, lines: list[tuple[bytes, str, bool]]) -> None:
        self._names = {key: name for key, name, _ in lines}
        self._operators = frozenset(key for key, _, operator in lines if operator)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            seen = self.path.stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_size, seen.st_ino

    def _read(self, *, strict: bool) -> list[tuple[bytes, str, bool]]:
        try:
            if self.path.stat().st_size > _LARGEST_FILE:
                raise KeyFileError(f"the allow-list {self.path} has more than {_LARGEST_FILE} bytes")
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError, KeyFileError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            message = f"cannot read the allow-list {self.path}: {why}"
            if strict:
                raise KeyFileError(f"{message}; make it with: shotstream keys allow FILE") from error
            _log.error("%s; nobody is let in", message)
            return []
        clients = []
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            try:
                clients.append(_parse(line))
            except KeyFileError as error:
                message = f"{self.path} line {number}: {error}"
                if strict:
                    raise KeyFileError(message) from error
                _log.error("%s; this line lets nobody in", message)
        return clients


def allow(path: Path, client: PublicKey, *, operator: bool = False) -> bool:
    """Adds a client to an allow-list, which is made if need be; or makes one that is on it an operator.

    Returns:
        False when the key was on it already, whatever its name, and nothing changed.

    Raises:
        KeyFileError: Another key has this name, or the file is damaged or cannot be written.
    """
    listed = AllowList(path) if path.exists() else None
    clients = listed.clients if listed is not None else []
    operators = {known.key for known in clients if listed is not None and listed.is_operator(known.key)}
    if any(known.key == client.key for known in clients):
        if not operator or client.key in operators:
            return False
        _write(path, clients, operators | {client.key})
        return True
    check_name(client.name)
    if any(known.name == client.name for known in clients):
        raise KeyFileError(
            f"{path} has another key for {client.name}; choose another name, or revoke that one first"
        )
    _write(path, [*clients, client], operators | ({client.key} if operator else set()))
    return True


def revoke(path: Path, name: str) -> None:
    """Takes a client off an allow-list.

    Raises:
        KeyFileError: There is none of this name, or the file is damaged or cannot be written.
    """
    listed = AllowList(path)
    clients = listed.clients
    if all(client.name != name for client in clients):
        raise KeyFileError(f"{path} has no client {name!r}; shotstream keys list shows those it has")
    operators = {client.key for client in clients if listed.is_operator(client.key)}
    _write(path, [client for client in clients if client.name != name], operators)


def _write(path: Path, clients: list[PublicKey], operators: set[bytes]) -> None:
    lines = [
        f"{client.name} {client.key.decode()}{' ' + _OPERATOR if client.key in operators else ''}\n"
        for client in clients
    ]
    try:
        make_private_folder(path.parent)
        write_private(path, _HEADER + "".join(lines), replace=True)
    except OSError as error:
        raise KeyFileError(f"cannot write the allow-list {path}: {error.strerror or error}") from error


def _parse(line: str) -> tuple[bytes, str, bool]:
    words = line.split()
    if len(words) != 2 and words[2:] != [_OPERATOR]:
        raise KeyFileError(f"{line.strip()!r} is not NAME PUBLIC-KEY, nor NAME PUBLIC-KEY {_OPERATOR}")
    name, key = words[:2]
    return read_key_text(key), check_name(name), len(words) > 2
