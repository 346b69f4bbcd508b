"""The transport on real sockets: connections, time-outs, TLS, proxies."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import CapasError, Corrupt, Unavailable
from capas.reference import Reference
from capas.registry.client import Client
from capas.registry.message import Request, Response, Upload, read_up_to
from capas.registry.piece import Piece
from capas.registry.retry import unavailable
from capas.registry.transport import HttpTransport
from capas.settings import Settings
from support.scripted import Reply, Served


@pytest.fixture
def transport(tmp_path: Path) -> Iterator[HttpTransport]:
    found = HttpTransport(Settings(tmp_path, tmp_path, tmp_path, {}), sleep=lambda seconds: None)
    yield found
    found.close()


def echo(request: Request) -> Reply | CapasError:
    if request.url.endswith("/cut"):
        return Reply(200, b"x" * 1000, breaks_after=100)
    if request.url.endswith("/gone"):
        return unavailable(request.url, "", "broken")
    if request.url.endswith("/gzip"):
        return Reply(200, b"\x1f\x8b not inflated", {"Content-Encoding": "gzip"})
    if request.url.endswith("/far"):
        return Reply(302, headers={"Location": "http://localhost:1/"})
    body = request.body if isinstance(request.body, bytes) else b""
    return Reply(200, request.method.encode() + b" " + body, {"Content-Type": "Text/Plain; charset=x"})


def test_methods_bodies_and_headers_go_there_and_back(transport: HttpTransport, tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(bytes(1_000_000))
    upload = Upload(lambda: Piece(blob.open("rb"), 10, 999_990, lambda done: None), 999_990)
    with Served(echo) as server:
        for method, body, expected in (
            ("GET", None, b"GET "),
            ("POST", b"x", b"POST x"),
            ("PUT", upload, b"PUT " + bytes(999_990)),
        ):
            response = transport.send(Request(method, f"http://{server.address}/", {}, body))  # type: ignore[arg-type]
            assert response.data(2_000_000) == expected
            assert response.media_type == "text/plain"
        assert transport.send(Request("HEAD", f"http://{server.address}/")).data(0) == b""
        assert server.requests[0].headers["Accept-Encoding"] == "identity"


def test_a_body_is_never_inflated(transport: HttpTransport) -> None:
    with Served(echo) as server:
        assert transport.send(Request("GET", f"http://{server.address}/gzip")).data(99) == b"\x1f\x8b not inflated"


def test_a_redirect_is_an_answer(transport: HttpTransport) -> None:
    with Served(echo) as server:
        assert transport.send(Request("GET", f"http://{server.address}/far")).status == 302


def test_a_connection_is_kept_for_the_next_request(transport: HttpTransport) -> None:
    ports = set()
    seen = threading.Lock()
    real = socket.socket.connect

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        real(self, address)
        with seen:
            ports.add(self.getsockname()[1])

    with Served(echo) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        for number in range(5):
            response = transport.send(Request("GET", f"http://{server.address}/{number}"))
            response.discard()
    assert len(ports) == 1


def test_an_answer_that_is_too_long_is_not_read(transport: HttpTransport) -> None:
    with Served(lambda request: Reply(200, bytes(5000))) as server:
        response = transport.send(Request("GET", f"http://{server.address}/"))
        with pytest.raises(Corrupt, match="more than 4999 bytes"):
            response.data(4999)


def broken(transport: HttpTransport, url: str) -> CapasError:
    with pytest.raises(Unavailable) as caught:
        read_up_to(transport.send(Request("GET", url)).body, 1 << 20)
    return caught.value


def test_failures_are_told_apart(transport: HttpTransport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        refused = broken(transport, f"http://127.0.0.1:{port}/")
    assert str(refused) == f"cannot reach 127.0.0.1:{port}: connection refused"
    assert refused.facts["reason"] == "refused"
    assert broken(transport, "http://no-such-host.invalid/").facts["reason"] == "unknown host"
    with Served(echo) as server:
        assert broken(transport, f"http://{server.address}/gone").facts["reason"] == "broken"
        assert broken(transport, f"http://{server.address}/cut").facts["reason"] == "broken"
        assert broken(transport, f"https://{server.address}/").facts["reason"] in ("protocol", "broken", "tls")


def test_a_client_waits_as_long_as_it_was_told(tmp_path: Path) -> None:
    waits: list[float] = []
    replies = [Reply(429, headers={"Retry-After": "3"}), Reply(200, b'{"tags":["a"]}')]
    settings = Settings(tmp_path, tmp_path, tmp_path / "config.json", {})
    transport = HttpTransport(settings, sleep=waits.append)
    with Served(lambda request: replies.pop(0)) as server:
        client = Client(settings, transport=transport)
        assert client.repository(Reference.parse(f"{server.address}/a")).list_tags() == ["a"]
        client.close()
    assert waits == [3.0]


def test_a_proxy_is_used_with_its_login(tmp_path: Path) -> None:
    with Served(echo) as proxy:
        environ = {"HTTP_PROXY": f"http://user:word@{proxy.address}"}
        transport = HttpTransport(Settings(tmp_path, tmp_path, tmp_path, environ))
        response: Response = transport.send(Request("GET", "http://registry.invalid/v2/"))
        assert response.data(99) == b"GET "
        transport.close()
        (request,) = proxy.requests
    assert request.url == "http://registry.invalid/v2/"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjp3b3Jk"


def test_a_registry_that_is_down_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        name = f"localhost:{unused.getsockname()[1]}"
        client = Client(Settings(tmp_path, tmp_path, tmp_path / "config.json", {}))
        with pytest.raises(Unavailable, match=f"^cannot reach {name}: connection refused$") as caught:
            client.repository(Reference.parse(f"{name}/a")).list_tags()
    assert caught.value.hint == "is the registry running, and is the port right?"
