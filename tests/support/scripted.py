"""A network that says what a test wrote down: a transport without a socket, and a registry in memory behind it."""

from __future__ import annotations

import io
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from capas.errors import CapasError
from capas.image.image import Image
from capas.oci.digest import Digest
from capas.registry.message import Request, Response, Upload
from capas.registry.retry import unavailable


class Reply(NamedTuple):
    """An answer. With `breaks_after`, the connection breaks when so many bytes of `data` are read."""

    status: int = 200
    data: bytes = b""
    headers: Mapping[str, str] = {}
    breaks_after: int | None = None


Answer = Callable[[Request], Reply | CapasError]


class Scripted:
    """A `Transport` that asks `answer` and remembers the requests. Safe from many threads."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.requests: list[Request] = []
        self.bodies: list[bytes] = []

    def send(self, request: Request) -> Response:
        body = request.body
        data = _all(body.open()) if isinstance(body, Upload) else body or b""
        with self._lock:
            self.requests.append(request)
            self.bodies.append(data)
            reply = self._answer(request._replace(body=data))
        if isinstance(reply, CapasError):
            raise reply
        shown = b"" if request.method == "HEAD" else reply.data
        return Response(reply.status, reply.headers, _Body(shown, reply.breaks_after, request.url), request.url)

    def close(self) -> None:
        pass

    def asked(self, method: str = "", part: str = "") -> list[Request]:
        """The requests so far of this method whose address has this part."""
        return [one for one in self.requests if method in ("", one.method) and part in one.url]


def in_turn(*replies: Reply | CapasError) -> Answer:
    """Each reply once, in this order."""
    left = list(replies)
    return lambda request: left.pop(0)


class _Body:
    def __init__(self, data: bytes, breaks_after: int | None, url: str) -> None:
        self._file = io.BytesIO(data if breaks_after is None else data[:breaks_after])
        self._breaks = breaks_after is not None
        self._url = url

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        if not data and self._breaks and size:
            raise unavailable(self._url, "the connection broke off", "broken")
        return data

    def close(self) -> None:
        self._file = io.BytesIO()
        self._breaks = False


class MemoryRegistry:
    """A registry that only serves. `bend` may replace any answer: called with the request and what it should be."""

    def __init__(self, *, bend: Callable[[Request, Reply], Reply | CapasError] | None = None) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[bytes, str]] = {}
        self._bend = bend

    def add(self, image: Image, *tags: str) -> None:
        """Serve an image."""
        for part in (image.manifest.config, *image.manifest.layers):
            with image.source.open(part.digest) as file:
                self.blobs[part.digest] = file.read()
        self.add_manifest(image.manifest_bytes, image.media_type, *tags)

    def add_manifest(self, data: bytes, media_type: str, *tags: str) -> Digest:
        """Serve a manifest or index."""
        for name in (Digest.of(data), *tags):
            self.manifests[name] = (data, media_type)
        return Digest.of(data)

    def __call__(self, request: Request) -> Reply | CapasError:
        reply = self._serve(request)
        return self._bend(request, reply) if self._bend else reply

    def _serve(self, request: Request) -> Reply:
        match = re.search(r"/v2/(.+)/(manifests|blobs)/([^/?]+)$", request.url)
        if match is None:
            return Reply(200 if request.url.endswith("/v2/") else 404)
        kind, name = match[2], match[3]
        if kind == "manifests" and name in self.manifests:
            data, media_type = self.manifests[name]
            headers = {"Content-Type": media_type, "Docker-Content-Digest": Digest.of(data)}
        elif kind == "blobs" and name in self.blobs:
            data, headers = self.blobs[name], {"ETag": f'"{name}"', "Accept-Ranges": "bytes"}
        else:
            return Reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        return _ranged(request, data, {**headers, "Content-Length": str(len(data))})


def _ranged(request: Request, data: bytes, headers: dict[str, str]) -> Reply:
    asked = {name.lower(): value for name, value in request.headers.items()}.get("range", "")
    if not asked:
        return Reply(200, data, headers)
    start = int(asked.removeprefix("bytes=").split("-")[0])
    if start >= len(data):
        return Reply(416)
    rest = data[start:]
    span = f"bytes {start}-{len(data) - 1}/{len(data)}"
    return Reply(206, rest, {**headers, "Content-Range": span, "Content-Length": str(len(rest))})


class Served:
    """The same answers over real sockets: `with Served(answer) as server: server.address`. `tls` wraps them."""

    def __init__(self, answer: Answer, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, ssl.SSLError):
                    self.close_connection = True

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                scheme = "http" if tls is None else "https"
                url = self.path if "://" in self.path else f"{scheme}://{self.headers['Host']}{self.path}"
                request = Request(self.command, url, dict(self.headers), body)
                requests.append(request)
                reply = answer(request)
                if isinstance(reply, CapasError):
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.data)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.data[: reply.breaks_after])
                if reply.breaks_after is not None:
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

            def log_message(self, *words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.address = f"localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Served:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _all(stream: Any) -> bytes:
    parts = []
    while part := stream.read(1 << 20):
        parts.append(part)
    stream.close()
    return b"".join(parts)
