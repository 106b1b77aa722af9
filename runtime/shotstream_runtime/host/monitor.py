# SPDX-License-Identifier: Apache-2.0
"""A small HTTP server for those who watch over a ShotStream server: ``/metrics``, ``/healthz``, ``/readyz``.

It only tells, and nothing that a client of the bridge wrote. Whoever reaches its port may read it.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

from .errors import HostError
from .health import Verdict, liveness, readiness
from .metrics import metrics_registry
from .serving import Server

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

DEFAULT_HOST: Final = "127.0.0.1"
MOST_AT_ONCE: Final = 16
"""Requests answered at the same time; more are turned away, so that nobody can have threads made at will."""
_PATIENCE_S: Final = 10.0


class MonitorError(HostError):
    """The monitoring port cannot be listened at."""


class Monitor:
    """Listens while it is entered as a context.

    Args:
        server: The server to tell about.
        port: TCP port; 0 takes a free one.
        host: Name or address of the interface.
    """

    def __init__(self, server: Server, port: int, host: str = DEFAULT_HOST) -> None:
        self._application = _application(server)
        self._host, self._port = host, port
        self._http: _HttpServer
        self._thread: threading.Thread

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def __enter__(self) -> Self:
        try:
            (family, *_), *_ = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            kind = type("_HttpServer", (_HttpServer,), {"address_family": family})
            self._http = kind((self._host, self._port), _Handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise MonitorError(
                f"metrics cannot be told at port {self._port} of {self._host}: {why}; "
                "choose another --metrics-port or --metrics-host"
            ) from error
        self._http.set_app(self._application)
        self._port = self._http.server_port
        self._thread = threading.Thread(
            target=self._http.serve_forever, name="shotstream-monitor", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()


class _HttpServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(*arguments, **named)

    def server_bind(self) -> None:
        # Not WSGIServer's: it asks the name service for this host's name, which may take long.
        # On Windows this would let two servers have one port.
        if os.name == "posix":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that goes away in the middle is no news."""


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE_S

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are not logged."""


def _application(server: Server) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    metrics = make_wsgi_app(metrics_registry(server))

    def answer(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environment.get("PATH_INFO", "")
        if environment.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            return _text(start, HTTPStatus.METHOD_NOT_ALLOWED, "GET only")
        if path == "/metrics":
            told: Iterable[bytes] = metrics(environment, start)
            return told
        if path == "/healthz":
            return _verdict(start, liveness(server))
        if path == "/readyz":
            return _verdict(start, readiness(server))
        return _text(start, HTTPStatus.NOT_FOUND, "there are /metrics, /healthz and /readyz")

    return answer


def _verdict(start: StartResponse, verdict: Verdict) -> Iterable[bytes]:
    status = HTTPStatus.OK if verdict.well else HTTPStatus.SERVICE_UNAVAILABLE
    return _text(start, status, verdict.reason)


def _text(start: StartResponse, status: HTTPStatus, text: str) -> Iterable[bytes]:
    start(f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{text}\n".encode()]
