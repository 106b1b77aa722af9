# SPDX-License-Identifier: Apache-2.0
"""CURVE keys in files: a private key which only its owner may read, and a public one to hand out.

The files are those of ``zmq.auth`` (ZPL, ZeroMQ RFC 4), so that other ZeroMQ tools read them.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import zmq
import zmq.auth
from zmq.utils import z85

from shotstream_bridge.errors import KeyFileError

KEY_CHARS: Final = 40
"""A key is 32 bytes, written as 40 characters of Z85 (ZeroMQ RFC 32)."""
PRIVATE_SUFFIX: Final = ".key"
PUBLIC_SUFFIX: Final = ".pub"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LARGEST_FILE: Final = 64 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def default_folder() -> Path:
    """Where keys are kept unless something else is said: the user's folder for settings."""
    if os.name == "nt":
        base = os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming"
    else:
        base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "shotstream" / "keys"


@dataclass(frozen=True)
class KeyPair:
    """A private key and its public half.

    Attributes:
        public: 40 characters of Z85.
        secret: 40 characters of Z85; never shown.
    """

    public: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """A new pair from the system's random numbers.

        Raises:
            KeyFileError: The ZeroMQ library was built without CURVE.
        """
        check_curve()
        return cls(*zmq.curve_keypair())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a private key file.

        Raises:
            KeyFileError: It is missing, damaged, no private key, or others may read it too.
        """
        check_curve()
        path = Path(path)
        if path.is_dir():
            raise KeyFileError(f"{path} is a folder; name the private key file in it, NAME{PRIVATE_SUFFIX}")
        public, secret = _load(path)
        if secret is None:
            raise KeyFileError(
                f"{path} holds a public key only; name the private key file, NAME{PRIVATE_SUFFIX}"
            )
        _check_private(path)
        if zmq.curve_public(secret) != public:
            raise KeyFileError(f"{path} is damaged: its two halves do not belong together; make a new key")
        return cls(public, secret)


@dataclass(frozen=True)
class PublicKey:
    """A public key and the name of whoever holds the private one."""

    name: str
    key: bytes

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a public key file (a private key file has the public half as well).

        Raises:
            KeyFileError: It is missing or damaged.
        """
        public, _ = _load(Path(path))
        return cls(Path(path).stem, public)


def create_key(name: str, folder: Path) -> tuple[Path, Path]:
    """Makes a key and writes its two files.

    Args:
        name: 1 to 64 letters, digits, dots, underscores and hyphens.
        folder: Where to; made, for its owner only, if need be.

    Returns:
        The private key file ``NAME.key`` (mode 0600) and the public one ``NAME.pub``.

    Raises:
        KeyFileError: The name is none, there is a key of this name, or the folder cannot be written.
    """
    check_name(name)
    private, public = folder / f"{name}{PRIVATE_SUFFIX}", folder / f"{name}{PUBLIC_SUFFIX}"
    for path in (private, public):
        if path.exists():
            raise KeyFileError(f"{path} exists; choose another name, or remove it to make a new key")
    pair = KeyPair.generate()
    try:
        make_private_folder(folder)
        write_private(private, _text(name, pair.public, pair.secret), replace=False)
        public.write_text(_text(name, pair.public), encoding="utf-8")
    except OSError as error:
        raise KeyFileError(f"cannot write a key to {folder}: {error.strerror or error}") from error
    return private, public


def read_key_text(text: str) -> bytes:
    """A public key as text.

    Raises:
        KeyFileError: It is none.
    """
    key = text.encode("ascii", "replace")
    try:
        whole = len(key) == KEY_CHARS and len(z85.decode(key)) == 32
    except (KeyError, ValueError, struct.error):
        whole = False
    if not whole:
        raise KeyFileError(f"{text!r} is no public key; one has {KEY_CHARS} characters of Z85")
    return key


def read_server_key(file_or_text: str) -> bytes:
    """The server's public key, from a file or as the text itself.

    Raises:
        KeyFileError: It is neither.
    """
    # A key may hold a slash and look like a path: what reads as a key is one.
    try:
        return read_key_text(file_or_text)
    except KeyFileError:
        path = Path(file_or_text)
        if path.exists():
            return PublicKey.read(path).key
        raise KeyFileError(
            f"the server's key {file_or_text!r} is neither a file nor a key of {KEY_CHARS} characters; "
            f"ask for the server's NAME{PUBLIC_SUFFIX}"
        ) from None


def check_name(name: str) -> str:
    """Checks a name for a key or a client.

    Raises:
        KeyFileError: It is none.
    """
    if not _NAME.fullmatch(name):
        raise KeyFileError(
            f"{name!r} is no name for a key; use 1 to 64 letters, digits, dots, underscores and hyphens"
        )
    return name


def check_curve() -> None:
    """Raises KeyFileError when the ZeroMQ library was built without CURVE."""
    if not zmq.has("curve"):
        raise KeyFileError("this ZeroMQ library was built without CURVE; install pyzmq from PyPI")


def make_private_folder(folder: Path) -> None:
    """Makes a folder for its owner only; one that exists is left as it is."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Writes a file that nobody else may read, at no moment either.

    Args:
        path: The file.
        text: Its content.
        replace: Whether an older one may be replaced, which happens at once or not at all.

    Raises:
        OSError: As the system says; FileExistsError without ``replace``.
    """
    target = path.with_name(f".{path.name}.{os.getpid()}.new") if replace else path
    if replace:
        target.unlink(missing_ok=True)
    number = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        target.replace(path)


def _text(name: str, public: bytes, secret: bytes | None = None) -> str:
    warning = "Keep this file to yourself." if secret else "This key may be handed out."
    text = (
        f"# ShotStream {'private' if secret else 'public'} key. {warning}\n\n"
        f'metadata\n    name = "{name}"\ncurve\n    public-key = "{public.decode()}"\n'
    )
    return text + (f'    secret-key = "{secret.decode()}"\n' if secret else "")


def _load(path: Path) -> tuple[bytes, bytes | None]:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise KeyFileError(f"{path} is no key file: it has {path.stat().st_size} bytes")
        public, secret = zmq.auth.load_certificate(path)
    except OSError as error:
        raise KeyFileError(f"cannot read the key {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise KeyFileError(f"{path} is no key file; make one with `shotstream keys new NAME`") from error
    for key in (public, secret):
        if key is not None:
            try:
                read_key_text(key.decode("ascii", "replace"))
            except KeyFileError as error:
                raise KeyFileError(f"{path} is damaged: {error}") from error
    return public, secret


def _check_private(path: Path) -> None:
    # Windows has no such bits: there the folder's access list holds, see SECURITY.md.
    if os.name == "nt":
        return
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # said by _load
    if mode & _OTHERS:
        raise KeyFileError(
            f"others may use the private key {path} (mode {stat.S_IMODE(mode):04o}); "
            f"take that away with: chmod 600 {path}"
        )
