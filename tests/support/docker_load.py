"""Requests of every kind to a server of the Docker API, polite and rude, and what they leave behind."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_PATIENCE_SECONDS = 30.0
_JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes

    @property
    def message(self) -> str:
        """docker's words for what went wrong."""
        return str(json.loads(self.body)["message"])

    @property
    def document(self) -> object:
        """Its JSON."""
        return json.loads(self.body)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=_PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_PATIENCE_SECONDS)
        _connect(self.sock, self._path)


def ask(server: Path, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """One request on a connection of its own; `body` is bytes, or becomes JSON."""
    given = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {**(_JSON if body is not None else {}), **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = _Connection(server)
    try:
        connection.request(method, path, given, sent)
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def _connect(connection: socket.socket, server: Path) -> None:
    while True:
        try:
            return connection.connect(str(server))
        except BlockingIOError:  # as many wait already as the server lets wait
            time.sleep(0.01)


def begin(server: Path, method: str, path: str, head: str = "", *, answered: bool = True) -> socket.socket:
    """A request whose answer is not read beyond its head's first bytes: the open connection."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE_SECONDS)
    _connect(connection, server)
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: docker\r\n{head}\r\n".encode())
    if answered:
        assert connection.recv(12).startswith(b"HTTP/1.1 "), path
    return connection


UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n"


class Mix:
    """A round of requests about a running container and an image, as often as wanted."""

    def __init__(self, server: Path, container: str, image: str) -> None:
        self._server, self._container, self._image = server, container, image

    def run(self, requests: int) -> None:
        """At least so many, one after the other."""
        done, kinds = 0, self._kinds()
        while done < requests:
            for kind in kinds:
                kind()
            done += len(kinds)

    def _kinds(self) -> list[Callable[[], object]]:
        one, image = f"/containers/{self._container}", self._image
        polite = [
            ("GET", "/_ping", 200), ("HEAD", "/_ping", 200), ("GET", "/v1.43/version", 200), ("GET", "/info", 200),
            ("GET", "/containers/json?all=1", 200), ("GET", f"{one}/json", 200), ("GET", "/images/json", 200),
            ("GET", f"/images/{image}/json", 200), ("GET", f"{one}/logs?stdout=1&tail=10", 200),
            ("GET", f"{one}/top", 200), ("GET", f"{one}/stats?stream=0&one-shot=1", 200), ("GET", "/networks", 200),
            ("GET", "/volumes", 200), ("GET", f"{one}/changes", 200), ("GET", "/nowhere", 404),
            ("GET", "/containers/nobody/json", 404), ("POST", "/containers/nobody/start", 404),
            ("GET", "/images/json?filters=no", 400),
        ]  # fmt: skip
        torn = [
            ("GET", "/events", ""), ("GET", f"{one}/logs?stdout=1&follow=1", ""), ("GET", f"{one}/stats", ""),
            ("POST", f"{one}/wait", "Content-Length: 0\r\n"), ("GET", f"{one}/export", ""),
            ("POST", f"{one}/attach?stream=1&stdin=1&stdout=1&stderr=1", UPGRADE), ("GET", f"/images/{image}/get", ""),
        ]  # fmt: skip
        return [
            *(lambda each=each: self._ask(*each) for each in polite),  # type: ignore[misc]
            *(lambda each=each: self._tear(*each) for each in torn),  # type: ignore[misc]
            self._cut_off, self._say_nonsense, self._execute, self._tear_exec,
        ]  # fmt: skip

    def _ask(self, method: str, path: str, status: int) -> None:
        answer = ask(self._server, method, path)
        assert answer.status == status, (method, path, answer)

    def _tear(self, method: str, path: str, head: str) -> None:
        begin(self._server, method, path, head).close()

    def _cut_off(self) -> None:
        connection = begin(self._server, "POST", "/images/load", "Content-Length: 1000000\r\n", answered=False)
        connection.sendall(b"x" * 10_000)
        connection.close()

    def _say_nonsense(self) -> None:
        assert ask(self._server, "POST", "/containers/create", b"{no").status == 400

    def _execute(self) -> None:
        exec_id = self._exec("echo", "said")
        answer = ask(self._server, "POST", f"/exec/{exec_id}/start", {"Detach": False})
        assert answer.status == 200 and answer.body.endswith(b"said\n"), answer

    def _tear_exec(self) -> None:
        body = json.dumps({"Detach": False}).encode()
        head = UPGRADE.replace("Content-Length: 0", f"Content-Type: application/json\r\nContent-Length: {len(body)}")
        connection = begin(self._server, "POST", f"/exec/{self._exec('cat')}/start", head, answered=False)
        connection.sendall(body)
        assert connection.recv(12).startswith(b"HTTP/1.1 101")
        connection.close()

    def _exec(self, *words: str) -> str:
        body = {"Cmd": list(words), "AttachStdout": True, "AttachStdin": True}
        answer = ask(self._server, "POST", f"/containers/{self._container}/exec", body)
        assert answer.status == 201, answer
        found = answer.document
        assert isinstance(found, dict)
        return str(found["Id"])


class Counts(NamedTuple):
    """What a process holds."""

    threads: int
    descriptors: int
    children: int
    memory: int  # bytes that are resident

    def __str__(self) -> str:
        return (
            f"{self.threads} threads, {self.descriptors} descriptors, {self.children} children, {self.memory >> 10} kB"
        )


def count(pid: int) -> Counts:
    """Of a process, now."""
    tasks = os.listdir(f"/proc/{pid}/task")
    children = 0
    for task in tasks:
        try:
            children += len(Path(f"/proc/{pid}/task/{task}/children").read_text().split())
        except OSError:
            continue  # the thread ended
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Counts(len(tasks), len(os.listdir(f"/proc/{pid}/fd")), children, pages * os.sysconf("SC_PAGE_SIZE"))


def keeper_of(pid: int) -> int:
    """The keeper of a container whose first process this is."""
    while "capas.run.monitor" not in Path(f"/proc/{pid}/cmdline").read_text():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return pid
