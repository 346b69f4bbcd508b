"""A real receiver of webhooks on loopback: `with receiving() as receiver`. It keeps what came, and answers as told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

SOON = 15.0


class Came(NamedTuple):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed_with(self, secret: str) -> bool:
        """As the specification of Standard Webhooks has a receiver check it."""
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        proof = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(f"v1,{proof}", one) for one in self.headers["webhook-signature"].split())


class Receiver(ThreadingHTTPServer):
    """`status` and `answer` are what it answers with; `hold`, while clear, makes it wait."""

    daemon_threads = True

    def __init__(self) -> None:
        self.came: list[Came] = []
        self.status = 200
        self.answer = b"thanks"
        self.location = ""
        self.hold = threading.Event()
        self.hold.set()
        self._more = threading.Condition()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    def note(self, came: Came) -> None:
        with self._more:
            self.came.append(came)
            self._more.notify_all()

    def wait(self, count: int) -> list[Came]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.came) >= count, SOON), f"{len(self.came)} of {count} came"
            return list(self.came)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.note(Came(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.server.hold.wait(SOON)
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("location", self.server.location)
        self.send_header("content-length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_arguments: object) -> None: ...


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
