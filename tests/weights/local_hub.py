# SPDX-License-Identifier: Apache-2.0
"""A small server that speaks the hub's endpoints, for the real client; it can cut connections."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE_BYTES = 1000
"""Files from this size on are stored as large ones, of which the hub states the SHA-256."""


@dataclass
class LocalHub:
    """Repositories in memory, served on loopback.

    Attributes:
        files: Content by repository and path.
        cut_after: Bytes after which a transfer of a path is cut, one entry for each transfer.
        wrong_sha256: Paths whose checksum is stated wrongly.
        transfers: What was asked for: path, and first byte.
        status: An HTTP error given to everything, if any.
    """

    files: dict[str, dict[str, bytes]]
    cut_after: dict[str, list[int]] = field(default_factory=dict)
    wrong_sha256: set[str] = field(default_factory=set)
    transfers: list[tuple[str, int]] = field(default_factory=list)
    status: int | None = None

    def __enter__(self) -> LocalHub:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub._get(self)

            def do_POST(self) -> None:
                hub._post(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        if self.status is not None:
            _answer(request, self.status, {"error": "asked to fail"})
        elif match := re.fullmatch(r"/api/models/(\w[^/]*/[^/]+)(?:/revision/(\w+))?", path):
            self._model_info(request, match[1], match[2] or "main")
        elif match := re.fullmatch(rf"/api/models/([^/]+/[^/]+)/tree/{COMMIT}", path):
            stored = self.files[match[1]]
            _answer(request, 200, [self._path_info(name, content) for name, content in stored.items()])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/\w+/(.+)", path):
            self._content(request, match[2], self.files[match[1]][match[2]])
        else:
            _answer(request, 404, {"error": f"no {path}"})

    def _model_info(self, request: BaseHTTPRequestHandler, repository: str, revision: str) -> None:
        if repository not in self.files:
            _answer(request, 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        elif revision not in ("main", COMMIT):
            _answer(request, 404, {"error": "Invalid rev"}, {"X-Error-Code": "RevisionNotFound"})
        else:
            siblings = [{"rfilename": path} for path in self.files[repository]]
            _answer(request, 200, {"id": repository, "sha": COMMIT, "siblings": siblings, "tags": []})

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        paths = parse_qs(body).get("paths", [])
        match = re.fullmatch(rf"/api/models/([^/]+/[^/]+)/paths-info/{COMMIT}", unquote(request.path))
        assert match is not None, request.path
        stored = self.files[match[1]]
        _answer(request, 200, [self._path_info(path, stored[path]) for path in paths if path in stored])

    def _path_info(self, path: str, content: bytes) -> dict[str, Any]:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        info: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": blob}
        if len(content) >= LARGE_BYTES:
            digest = hashlib.sha256(content + b"?" * (path in self.wrong_sha256)).hexdigest()
            info["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
        return info

    def _content(self, request: BaseHTTPRequestHandler, path: str, content: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        self.transfers.append((path, first))
        part = content[first:]
        request.send_response(206 if asked else 200)
        request.send_header("Content-Length", str(len(part)))
        if asked:
            request.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        request.end_headers()
        cuts = self.cut_after.get(path)
        if cuts:
            # The rest of the announced body never comes.
            request.wfile.write(part[: cuts.pop(0)])
            request.wfile.flush()
            request.close_connection = True
            request.connection.close()
        else:
            request.wfile.write(part)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that closes its connection early is nothing to report."""


def _answer(
    request: BaseHTTPRequestHandler, status: int, values: Any, headers: dict[str, str] | None = None
) -> None:
    body = json.dumps(values).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
