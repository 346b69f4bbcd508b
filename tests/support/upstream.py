"""An upstream that does as a test says: serves, holds back, lies, breaks off, limits; and remembers what was asked."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from support.hub_client import CONFIG, INDEX, LAYER, MANIFEST, describe, digest_of


class Asked(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]


class Image(NamedTuple):
    """An image that an upstream serves."""

    digest: str
    data: bytes
    config: str
    layer: str


class Upstream:
    """`with Upstream() as upstream: upstream.url`. What it does may be changed at any time."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.headers: dict[str, str] = {}
        self.status = 0  # for every answer, unless 0
        self.login = ""  # the Authorization that it wants
        self.held_from: int | None = None  # bodies of blobs stop here until `go`
        self.go = threading.Event()
        self.cut_at: int | None = None  # and break off here
        self.wrong: dict[str, bytes] = {}  # bytes sent for a digest that are not its own
        self.elsewhere = ""  # where blobs are said to be
        self._open: list[socket.socket] = []
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                upstream._open.append(self.connection)

            def do_GET(self) -> None:
                upstream._answer(self)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *words: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *about: Any) -> None:
                pass  # a client that left

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.address = f"localhost:{self._server.server_address[1]}"
        self.url = "http://" + self.address

    def __enter__(self) -> Upstream:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def stop(self) -> None:
        """Be down: nobody listens, and what was connected is so no more."""
        self._server.shutdown()
        self._server.socket.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def add_manifest(self, name: str, data: bytes, media_type: str, *tags: str) -> str:
        for reference in (digest_of(data), *tags):
            self.manifests[name, reference] = (data, media_type)
        return digest_of(data)

    def add_image(self, name: str, *tags: str, layer: bytes = b"a layer", seed: str = "") -> Image:
        config = json.dumps({"os": "linux", "architecture": "amd64", "seed": seed}).encode()
        for blob in (config, layer):
            self.blobs[name, digest_of(blob)] = blob
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": describe(CONFIG, config),
            "layers": [describe(LAYER, layer)],
        }
        data = json.dumps(document).encode()
        return Image(self.add_manifest(name, data, MANIFEST, *tags), data, digest_of(config), digest_of(layer))

    def add_index(self, name: str, *tags: str, children: Mapping[str, Image]) -> str:
        """An index over images by platform (`linux/arm64`)."""
        listed = []
        for platform, image in children.items():
            system, _, architecture = platform.partition("/")
            one = describe(MANIFEST, image.data)
            listed.append({**one, "platform": {"os": system, "architecture": architecture}})
        data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
        return self.add_manifest(name, data, INDEX, *tags)

    def seen(self, method: str, part: str = "") -> list[Asked]:
        """What was asked by this method with this in the path."""
        return [one for one in self.asked if one.method == method and part in one.path]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(Asked(handler.command, handler.path, dict(handler.headers)))
        if self.login and handler.headers.get("Authorization") != self.login:
            return _send(handler, 401, b"", {"WWW-Authenticate": 'Basic realm="upstream"'})
        if self.status:
            return _send(handler, self.status, b"", self.headers)
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs|tags|referrers)/([^/?]+)(?:\?.*)?", handler.path)
        if match is None:
            return _send(handler, 404, b"", self.headers)
        name, kind, value = match.groups()
        if kind == "manifests" and (name, value) in self.manifests:
            data, media_type = self.manifests[name, value]
            about = {"Content-Type": media_type, "Docker-Content-Digest": digest_of(data)}
            return _send(handler, 200, self.wrong.get(digest_of(data), data), {**about, **self.headers})
        if kind == "blobs" and self.elsewhere:
            return _send(handler, 307, b"", {"Location": self.elsewhere + handler.path})
        if kind == "blobs" and (name, value) in self.blobs:
            return self._send_blob(handler, self.wrong.get(value, self.blobs[name, value]))
        if kind == "tags" and any(one == name for one, _ in self.manifests):
            tags = sorted(tag for one, tag in self.manifests if one == name and ":" not in tag)
            return _send(handler, 200, json.dumps({"name": name, "tags": tags}).encode(), self.headers)
        return _send(handler, 404, b'{"errors":[{"code":"UNKNOWN","message":"unknown"}]}', self.headers)

    def _send_blob(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        span = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(span[1]) if span else 0
        handler.send_response(206 if span else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        if span:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command == "HEAD":
            return
        if self.held_from is not None and start < self.held_from:
            handler.wfile.write(data[start : self.held_from])
            start = self.held_from
            self.go.wait(20)
        if self.cut_at is not None:
            handler.wfile.write(data[start : self.cut_at])
            handler.close_connection = True
        else:
            handler.wfile.write(data[start:])


def _send(handler: BaseHTTPRequestHandler, status: int, data: bytes, headers: Mapping[str, str]) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(data)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(data)
