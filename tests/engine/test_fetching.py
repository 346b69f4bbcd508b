"""Downloads: a login is shown to the host it is for, and to no other."""

from __future__ import annotations

import io
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from capas.engine.fetching import fetch
from capas.errors import Denied
from capas.settings import load_settings


class Site:
    """A web server that wants a header, and sends `/away` to another."""

    def __init__(self, port: int) -> None:
        self.url = f"127.0.0.1:{port}"
        self.seen: list[str | None] = []
        self.wanted: str | None = None
        self.away = ""


@contextmanager
def site() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    place = Site(server.server_address[1])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place.seen.append(self.headers["Authorization"])
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", place.away)
            elif place.wanted is not None and self.headers["Authorization"] != place.wanted:
                self.send_response(401)
            else:
                self.send_response(200)
            self.send_header("Content-Length", "0" if self.path == "/away" else "4")
            self.end_headers()
            self.wfile.write(b"" if self.path == "/away" else b"data")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def get(tmp_path: Path, url: str, authorization: str = "") -> bytes:
    out = io.BytesIO()
    fetch(load_settings({"HOME": str(tmp_path)}), url, out, authorization=authorization)
    return out.getvalue()


def test_a_login_in_the_address_is_used(tmp_path: Path) -> None:
    with site() as place:
        place.wanted = "Basic " + b64encode(b"me:p/w").decode()
        assert get(tmp_path, f"http://me:p%2Fw@{place.url}/x") == b"data"
        with pytest.raises(Denied) as caught:
            get(tmp_path, f"http://me:hunter2@{place.url}/x")
        assert "hunter2" not in str(caught.value)


def test_an_authorization_is_used(tmp_path: Path) -> None:
    with site() as place:
        place.wanted = "Bearer abc"
        assert get(tmp_path, f"http://{place.url}/x", "Bearer abc") == b"data"


@pytest.mark.parametrize("login", ["me:pw@", ""])
def test_another_host_is_told_nothing(tmp_path: Path, login: str) -> None:
    with site() as place, site() as stranger:
        place.away = f"http://{stranger.url}/x"
        assert get(tmp_path, f"http://{login}{place.url}/away", "" if login else "Bearer abc") == b"data"
        assert place.seen[0] is not None
        assert stranger.seen == [None]
