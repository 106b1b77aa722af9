# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the server as the panel shows it: made, kept and made again without ever waiting."""

import re
import time
import uuid
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import bpy
from shotstream_bridge import (
    AuthenticationError,
    BridgeError,
    Client,
    ClientEvent,
    ClientSecurity,
    ConnectionInterrupted,
    ConnectionLost,
    ConnectionResumed,
    HandshakeRefusedError,
    ServerInfo,
    ServerStateName,
)
from shotstream_bridge.address import is_loopback

from . import preferences

_ADDRESS = re.compile(r"tcp://[^/\s]+:\d+")
CONNECT_S = 4.0
"""Patience with a server that does not answer, before that is said. It is tried again all the same."""
RETRY_S = 1.5
SOON_S = 0.2
SILENCE_S = 60.0
"""Blender does not pump while it renders: the server must not take it for dead meanwhile."""
RECONNECT_S = 3600.0


class Link(Enum):
    """How the connection stands."""

    OFF = "off"
    CONNECTING = "connecting"
    ONLINE = "online"
    LOST = "lost"
    FAILED = "failed"


class Connection:
    """One connection to one server, until :meth:`drop`.

    Args:
        leaves: Whether the server at an address is about to stop, so that connecting to it is of no use yet.

    Attributes:
        link: How it stands.
        message: What the user should know of it; empty when all is well.
        client: The bridge's client, while there is one.
        wanted: Whether the user wants to be connected.
    """

    def __init__(self, leaves: Callable[[str], bool]) -> None:
        self._leaves = leaves
        self.link = Link.OFF
        self.message = ""
        self.client: Client | None = None
        self.wanted = False
        self._client_id = f"blender-{uuid.uuid4().hex[:12]}"
        self._retry_at = 0.0

    @property
    def online(self) -> bool:
        """Whether requests can be made; while the connection is lost they wait for its return."""
        return self.client is not None and self.link in (Link.ONLINE, Link.LOST)

    @property
    def ready(self) -> bool:
        """Whether the server is there and has its model."""
        return self.link is Link.ONLINE and self.client.server.state is ServerStateName.READY

    @property
    def held_back(self) -> bool:
        """Whether it waits for a server on this machine to have stopped."""
        return self.wanted and self.client is None and self._leaves(preferences.get().address.strip())

    @property
    def server(self) -> ServerInfo | None:
        """What the server tells of itself, once it has."""
        return None if self.client is None or self.client.connecting else self.client.server

    def want(self) -> None:
        """Connects, or says in :attr:`message` why that cannot be."""
        self.wanted = True
        if self.client is None:
            self.link, self.message = Link.CONNECTING, ""
            self._begin()

    def drop(self, message: str = "") -> None:
        """Says goodbye and disconnects."""
        self.wanted = False
        self._close()
        self.link = Link.OFF
        self.message = message

    def pump(self) -> list[ClientEvent]:
        """Goes on with whatever is under way; returns what has happened. Never waits."""
        if self.client is None:
            if self.wanted and self._retry_at and time.monotonic() >= self._retry_at:
                self._begin()
            return []
        try:
            events = self.client.pump(0.0)
        except BridgeError as error:
            self._failed(error)
            return []
        if self.link in (Link.CONNECTING, Link.FAILED) and not self.client.connecting:
            self.link, self.message = Link.ONLINE, ""
        for event in events:
            self._note(event)
        return events

    def _note(self, event: ClientEvent) -> None:
        if isinstance(event, ConnectionInterrupted):
            self.link = Link.LOST
            why = event.reason[:1].upper() + event.reason[1:]
            self.message = f"{why}. What came is kept, and it goes on when the server is back"
        elif isinstance(event, ConnectionResumed):
            self.link, self.message = Link.ONLINE, ""
        elif isinstance(event, ConnectionLost):
            self._close()
            self.link = Link.FAILED
            self.message = f"Connection over: {event.reason}"
            # A server that was stopped may come back.
            self._retry_at = time.monotonic() + RETRY_S if self.wanted else 0.0

    def _begin(self) -> None:
        chosen = preferences.get()
        self._retry_at = 0.0
        address = chosen.address.strip()
        if self._leaves(address):
            self._retry_at = time.monotonic() + SOON_S
            return
        try:
            if _ADDRESS.fullmatch(address) and not is_loopback(address) and not bpy.app.online_access:
                raise BridgeError(
                    f"the server at {address} is not on this machine, and Blender may not go online: allow "
                    "it in Preferences > System > Network"
                )
            self.client = Client.begin(
                address,
                CONNECT_S,
                client_id=self._client_id,
                product=f"shotstream-blender (Blender {bpy.app.version_string})",
                timeout_s=SILENCE_S,
                reconnect_s=RECONNECT_S,
                security=_security(chosen),
            )
        except BridgeError as error:
            self._failed(error)
            return

    def _failed(self, error: BridgeError) -> None:
        self._close()
        self.link = Link.FAILED
        self.message = explain(error)
        if _may_help_later(error):
            self._retry_at = time.monotonic() + RETRY_S
        else:
            self.wanted = False

    def _close(self) -> None:
        if self.client is not None:
            self.client.close()
            self.client = None


def explain(error: BridgeError) -> str:
    """An error of the bridge in the words of the panel."""
    # The button that starts one stands below it.
    text = str(error).replace("start one with `shotstream serve`", "start it")
    if isinstance(error, HandshakeRefusedError) and error.code == "version_unsupported":
        ours, theirs = (
            ", ".join(map(str, v)) or "none" for v in (error.client_versions, error.server_versions)
        )
        return (
            f"The server speaks protocol version {theirs}, this extension {ours}: "
            "update the one that is older"
        )
    return text[:1].upper() + text[1:]


def _may_help_later(error: BridgeError) -> bool:
    if isinstance(error, HandshakeRefusedError):
        return error.retryable
    if isinstance(error, AuthenticationError):
        return False
    return "no server answers" in str(error) or "did not answer" in str(error)


def _security(chosen: preferences.ShotStreamPreferences) -> ClientSecurity | None:
    key, server = chosen.client_key.strip(), chosen.server_key.strip()
    if not key and not server:
        return None
    if not key or not server:
        missing = "your own key (Your Key)" if not key else "the server's public key (Server's Key)"
        raise BridgeError(f"a server with keys needs both of them: {missing} is missing in the preferences")
    if server.startswith("//") or Path(server).is_file():
        server = bpy.path.abspath(server)
    return ClientSecurity.read(Path(bpy.path.abspath(key)), server)
