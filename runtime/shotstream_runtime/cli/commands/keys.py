# SPDX-License-Identifier: Apache-2.0
"""`shotstream keys`: make keys, and say which clients a server lets in."""
# ruff: noqa: PLC0415 - what help does not need is imported when the command runs

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..terminal import console

Folder = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="Folder of keys. Default: shotstream/keys in your settings."),
]
List = Annotated[
    Path | None,
    typer.Option(
        "--allow-list", metavar="FILE", help="The server's allow-list. Default: allowed-clients in --dir."
    ),
]


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is: server, unreal-01, ...")],
    folder: Folder = None,
) -> None:
    """Makes a key: NAME.key, which stays private, and NAME.pub, which is handed out."""
    from shotstream_bridge.keys import create_key, default_folder

    private, public = create_key(name, folder or default_folder())
    console.print(f"[green]Made[/] {escape(str(private))} (private: keep it)", soft_wrap=True)
    console.print(f"     {escape(str(public))} (public: hand it out)", soft_wrap=True)
    console.print(
        "A client's: have it allowed where the server runs, with: "
        f"shotstream keys allow {escape(public.name)}\n"
        f"A server's: start it with: shotstream serve --keys {escape(str(private))}",
        style="dim",
        soft_wrap=True,
        highlight=False,
    )


def allow(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The client's public key, NAME.pub.")],
    name: Annotated[
        str | None, typer.Option("--name", help="Name in the list. Default: the file's name.")
    ] = None,
    operator: Annotated[
        bool,
        typer.Option("--operator", help="Its shotstream top shows everybody's stories."),
    ] = False,
    folder: Folder = None,
    allow_list: List = None,
) -> None:
    """Adds a client's public key to the allow-list; a running server takes it up at once."""
    from shotstream_bridge.allow_list import allow as add
    from shotstream_bridge.keys import PublicKey

    path = _list_path(folder, allow_list)
    client = PublicKey.read(file)
    if name is not None:
        client = PublicKey(name, client.key)
    if add(path, client, operator=operator):
        console.print(f"[green]{escape(client.name)}[/] is allowed in {escape(str(path))}", soft_wrap=True)
    else:
        console.print(f"This key was allowed in {escape(str(path))} already", soft_wrap=True)


def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `shotstream keys list` shows it.")],
    folder: Folder = None,
    allow_list: List = None,
) -> None:
    """Takes a client off the allow-list; a running server drops it within a second."""
    from shotstream_bridge.allow_list import revoke as remove

    path = _list_path(folder, allow_list)
    remove(path, name)
    console.print(f"{escape(name)} is no longer allowed in {escape(str(path))}", soft_wrap=True)


def list_keys(folder: Folder = None, allow_list: List = None) -> None:
    """Shows the keys in the folder, and the clients that are allowed."""
    from shotstream_bridge.allow_list import AllowList
    from shotstream_bridge.errors import KeyFileError
    from shotstream_bridge.keys import PUBLIC_SUFFIX, PublicKey, default_folder

    where = folder or default_folder()
    path = _list_path(folder, allow_list)
    _say(f"[bold]Keys in {escape(str(where))}[/]")
    for file in sorted(where.glob(f"*{PUBLIC_SUFFIX}")):
        try:
            _say(f"  {escape(PublicKey.read(file).key.decode())}  {escape(file.stem)}")
        except KeyFileError as error:
            _say(f"  [bold red]{escape(str(error))}[/]")
    _say(f"[bold]Clients in {escape(str(path))}[/]")
    if path.exists():
        allowed = AllowList(path)
        for client in allowed.clients:
            rank = "  operator" if allowed.is_operator(client.key) else ""
            _say(f"  {escape(client.key.decode())}  {escape(client.name)}{rank}")


def _say(line: str) -> None:
    # Not in a table: a key that is cut off at the terminal's edge is no key.
    console.print(line, soft_wrap=True, highlight=False)


def _list_path(folder: Path | None, allow_list: Path | None) -> Path:
    from shotstream_bridge.allow_list import DEFAULT_NAME
    from shotstream_bridge.keys import default_folder

    return allow_list or (folder or default_folder()) / DEFAULT_NAME
