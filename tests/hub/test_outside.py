"""The hub connects to public addresses and to what its keeper named, and nowhere else (SECURITY-CASES R9)."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from capas.errors import CapasError, Denied, Invalid, Unavailable
from capas.hub.outside import Outside, OutsideConfig

CLOSED = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.100.100.200", "192.0.0.192", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
    *("255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
    *("::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2002:7f00:1::"),
    *("2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001:0:0:0:0:0:80ff:fffe"),
    *("2001:db8::1", "4000::1"),
]
OPEN = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:101:101", "64:ff9b::101:101", "2002:101:101::"]


def named(*addresses: str) -> Outside:
    """A guard for whom every name has these addresses."""
    return Outside(OutsideConfig(), lambda host, port: addresses)


def refusal(guard: Outside, port: int = 443) -> CapasError:
    with pytest.raises(CapasError) as caught:
        guard.connect("receiver.example", port, timeout=0.05)
    return caught.value


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_public_is_closed(address: str) -> None:
    assert isinstance(refusal(named(address)), Denied)


@pytest.mark.parametrize("address", OPEN)
def test_what_is_public_is_open(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda where, timeout: tried.append(where) or socket.socket())
    named(address).connect("receiver.example", 443).close()
    assert tried == [(address, 443)]


def test_one_closed_address_among_public_ones_closes_the_name() -> None:
    assert isinstance(refusal(named("1.1.1.1", "127.0.0.1")), Denied)


@pytest.mark.parametrize("port", [22, 25, 53, 111, 445, 1023])
def test_a_public_address_is_open_at_ports_of_the_web_alone(port: int) -> None:
    assert "port" in str(refusal(named("1.1.1.1"), port))


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_another_way_to_write_loopback_is_closed(host: str) -> None:
    with pytest.raises((Denied, Unavailable)):
        Outside(OutsideConfig()).connect(host, 8080, timeout=1)


def test_a_name_without_addresses_is_said() -> None:
    with pytest.raises(Unavailable, match="there is no host"):
        Outside(OutsideConfig()).connect("nowhere.invalid", 443)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/",
        "file:///etc/passwd",
        "https://",
        "http:///x",
        "//a",
        "a",
        "http://a:99999/",
        "http://[::1",
        "http://a b/",
        "http://a/\r\nx",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        Outside(OutsideConfig()).check_url(url)


def test_an_address_with_a_login_is_refused() -> None:
    with pytest.raises(Invalid, match="password"):
        Outside(OutsideConfig()).check_url("https://user:secret@example.org/")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80/", "http://[::1]:8080/", "http://169.254.169.254/latest/meta-data"]
)
def test_an_address_in_numbers_is_judged_before_it_is_kept(url: str) -> None:
    with pytest.raises(Denied):
        Outside(OutsideConfig()).check_url(url)


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="is not a network"):
        Outside(OutsideConfig(networks=["10.0.0.0/99"]))


class Receiver(ThreadingHTTPServer):
    """Counts its requests; `answer` writes what goes back."""

    def __init__(self, address: str, answer: bytes) -> None:
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.wfile.write(answer)

            def log_message(self, *_arguments: object) -> None: ...

        super().__init__((address, 0), Handler)


@contextlib.contextmanager
def receiving(address: str, answer: bytes = b"HTTP/1.0 200 OK\r\n\r\nhello") -> Iterator[Receiver]:
    server = Receiver(address, answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_named_network_is_open() -> None:
    guard = Outside(OutsideConfig(networks=["127.0.0.2/32"]))
    with receiving("127.0.0.2") as server:
        url = f"http://127.0.0.2:{server.server_port}/"
        guard.check_url(url)
        assert guard.manager().request("GET", url).data == b"hello"


def test_a_name_server_that_changes_its_mind_reaches_nothing() -> None:
    """DNS rebinding: the first answer is open, every later one is loopback."""
    answers: list[Sequence[str]] = [["127.0.0.2"]]
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers.pop() if answers else ["127.0.0.1"]

    guard = Outside(OutsideConfig(networks=["127.0.0.2/32"]), resolve)
    with receiving("127.0.0.2") as outer:
        url = f"http://rebind.example:{outer.server_port}/"
        assert guard.manager().request("GET", url, retries=False).data == b"hello"
        assert asked == ["rebind.example"]
        with pytest.raises(Denied):
            guard.manager().request("GET", url, retries=False)


def test_a_redirect_into_what_is_closed_is_not_followed() -> None:
    guard = Outside(OutsideConfig(networks=["127.0.0.2/32"]))
    with receiving("127.0.0.1") as inner:
        to = f"http://127.0.0.1:{inner.server_port}/".encode()
        answer = b"HTTP/1.0 302 Found\r\nLocation: " + to + b"\r\n\r\n"
        with receiving("127.0.0.2", answer) as outer, pytest.raises(Denied):
            guard.manager().request("GET", f"http://127.0.0.2:{outer.server_port}/")
        assert inner.asked == 0


def test_a_receiver_that_drips_is_cut_off() -> None:
    guard = Outside(OutsideConfig(networks=["127.0.0.2/32"]))
    listener = socket.create_server(("127.0.0.2", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            while True:
                connection.send(b"H")
                time.sleep(0.05)

    thread = threading.Thread(target=drip)
    thread.start()
    began = time.monotonic()
    with pytest.raises(urllib3.exceptions.HTTPError):
        url = f"http://127.0.0.2:{listener.getsockname()[1]}/"
        guard.manager(limit_seconds=0.5, timeout=10).request("GET", url, retries=False)
    assert time.monotonic() - began < 5
    thread.join()
    listener.close()
