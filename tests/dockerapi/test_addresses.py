"""Where the API is served: sockets for owner and group, TCP for the right certificates, nowhere for pages."""

from __future__ import annotations

import grp
import http.client
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import Authority
from support.docker import Docker, Server, running_server
from support.examples import make_busybox
from support.terminal import Terminal

pytestmark = pytest.mark.root

_ANYWHERE = "tcp://127.0.0.1:0"


@pytest.fixture(scope="module", autouse=True)
def _client() -> None:
    if shutil.which("docker") is None:
        pytest.skip("docker's client is not on this machine")


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Authority, str, Docker]]:
    root = tmp_path_factory.mktemp("tls")
    authority = Authority(root / "authority")
    place = authority.issue("server")
    files = ["--tlscacert", place / "ca.pem", "--tlscert", place / "cert.pem", "--tlskey", place / "key.pem"]
    terminal = Terminal(root)
    terminal.ok("import", "-c", 'CMD ["sh"]', "-", "busybox", stdin=make_busybox())
    with running_server(terminal, "-H", _ANYWHERE, "--tlsverify", *map(str, files)) as (server, docker):
        yield authority, server.addresses[1], docker


def _over_tls(docker: Docker, address: str, certificates: Path) -> Docker:
    more = {"DOCKER_HOST": address, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certificates)}
    return docker._replace(environ={**docker.environ, **more})


def test_a_client_with_a_certificate_runs_containers_over_tcp(tls: tuple[Authority, str, Docker]) -> None:
    authority, address, docker = tls
    client = _over_tls(docker, address, authority.issue("client"))
    assert client.ok("run", "--rm", "busybox", "echo", "safe") == "safe\n"
    assert client.ok("run", "--rm", "-i", "busybox", "sh", "-c", "cat; echo end", stdin=b"given\n") == "given\nend\n"
    assert docker.ok("ps", "-aq") == ""  # the other address serves the same


def test_a_certificate_of_another_authority_is_refused(tls: tuple[Authority, str, Docker], tmp_path: Path) -> None:
    authority, address, docker = tls
    stranger = Authority(tmp_path / "other").issue("client")
    (stranger / "ca.pem").write_bytes((authority.issue("honest") / "ca.pem").read_bytes())
    assert "certificate" in _over_tls(docker, address, stranger).fails("ps")


def test_without_a_certificate_nothing_is_told(tls: tuple[Authority, str, Docker]) -> None:
    _, address, docker = tls
    plain = docker._replace(environ={**docker.environ, "DOCKER_HOST": address})
    assert plain.run("version").returncode != 0
    assert docker.ok("version", "-f", "{{.Server.Os}}") == "linux\n"


def test_the_socket_is_for_its_owner_and_the_group_that_is_named(terminal: Terminal) -> None:
    group = grp.getgrgid(1).gr_name
    with running_server(terminal, "--group", group) as (server, _):
        found = server.socket.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o660, os.getuid(), 1)
    assert not server.socket.exists()


def test_a_group_that_is_not_there_is_named(terminal: Terminal) -> None:
    assert "nosuch" in terminal.fails("dockerd", "-H", f"unix://{terminal.root}/s", "-G", "nosuch")


def test_a_socket_that_a_dead_server_left_is_taken_over_and_a_living_one_is_not(terminal: Terminal) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(terminal.root / "docker.sock"))
    with running_server(terminal) as (server, docker):
        docker.ok("version")
        assert "another server answers" in terminal.fails("dockerd", "-H", f"unix://{server.socket}")
        docker.ok("version")


def test_a_file_that_is_no_socket_stays(terminal: Terminal) -> None:
    (terminal.root / "precious").write_text("mine")
    assert "is no socket" in terminal.fails("dockerd", "-H", f"unix://{terminal.root}/precious")
    assert (terminal.root / "precious").read_text() == "mine"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-H", "tcp://0.0.0.0:0"], "without TLS owns this machine"),
        (["-H", _ANYWHERE, "--tlsverify"], "--tlscert"),
        (["-H", "ssh://x"], "not an address"),
        (["-H", "tcp://127.0.0.1:notaport"], "not an address"),
        (["-H", _ANYWHERE, "--tls=false", "--tlsverify"], "contradicts"),
    ],
)
def test_what_would_be_open_or_senseless_is_refused(terminal: Terminal, flags: list[str], words: str) -> None:
    assert words in terminal.fails("dockerd", *flags)


@pytest.fixture
def plain(terminal: Terminal) -> Iterator[tuple[Server, str]]:
    with running_server(terminal, "-H", "tcp://0.0.0.0:0", "--tls=false") as (server, _):
        yield server, server.addresses[1].removeprefix("tcp://0.0.0.0:")


def _status(port: str, headers: dict[str, str], method: str = "GET", path: str = "/containers/json") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_pages_of_browsers_are_let_in_by_no_door(plain: tuple[Server, str]) -> None:
    _, port = plain
    assert _status(port, {}) == 200
    assert _status(port, {"Host": f"{socket.gethostname()}:{port}"}) == 200
    assert _status(port, {"Host": f"rebound.example:{port}"}) == 403
    assert _status(port, {"Origin": "https://evil.example"}, "POST", "/containers/prune") == 403
    assert _status(port, {"Sec-Fetch-Site": "cross-site"}) == 403
