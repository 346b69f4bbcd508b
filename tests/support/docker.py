"""docker's own client on a server of ours: `with running_docker(terminal) as docker`."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from support.terminal import PROGRAM, Terminal

_READY_SECONDS = 30.0
_LIMIT_SECONDS = 120


class Docker(NamedTuple):
    """The client, and where the server answers."""

    socket: Path
    environ: dict[str, str]

    def run(self, *words: str, stdin: bytes | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """`docker words`; output as text. Two minutes at most."""
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(
            ["docker", *words], env={**self.environ, **environ}, capture_output=True, timeout=_LIMIT_SECONDS,
            check=False, **given,  # type: ignore[call-overload]
        )  # fmt: skip
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *words: str, stdin: bytes | None = None, **environ: str) -> str:
        """What a command prints that must succeed."""
        done = self.run(*words, stdin=stdin, **environ)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def fails(self, *words: str, code: int = 1) -> str:
        """What a command says that must fail."""
        done = self.run(*words)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr

    def popen(self, *words: str) -> subprocess.Popen[bytes]:
        """A command that goes on."""
        return subprocess.Popen(
            ["docker", *words],
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


class Server:
    """`capas dockerd` in a process of its own."""

    def __init__(self, terminal: Terminal, socket: Path, *flags: str) -> None:
        """`flags`: more addresses, and how they are served."""
        self._terminal, self.socket, self._flags = terminal, socket, flags
        self.addresses: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it answers."""
        terminal = self._terminal
        env = {
            "PATH": os.environ["PATH"], "HOME": str(terminal.root / "home"), **terminal.environ,
            "CAPAS_ROOT": str(terminal.root / "store"), "CAPAS_RUN_ROOT": str(terminal.root / "run"),
            "CAPAS_CONFIG": str(terminal.root / "config.toml"),
        }  # fmt: skip
        self.process = subprocess.Popen(
            [PROGRAM, "dockerd", "-H", f"unix://{self.socket}", *self._flags], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stderr is not None
        deadline = time.monotonic() + _READY_SECONDS
        self.addresses = []
        while len(self.addresses) < 1 + self._flags.count("-H"):
            line = self.process.stderr.readline().decode()
            assert line, "the server ended"
            if "answers on " in line:
                self.addresses.append(line.split("answers on ")[1].strip())
        assert time.monotonic() < deadline

    def stop(self, number: int = signal.SIGTERM) -> None:
        """And wait for its end."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(30)
        assert self.process.stderr is not None
        self.process.stderr.close()


@contextmanager
def running_server(terminal: Terminal, *flags: str) -> Iterator[tuple[Server, Docker]]:
    """A server over the terminal's store, and docker's client for it."""
    socket = terminal.root / "docker.sock"
    server = Server(terminal, socket, *flags)
    server.start()
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(terminal.root / "home"), "DOCKER_HOST": f"unix://{socket}",
        "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(terminal.root / "docker"),
    }  # fmt: skip
    try:
        yield server, Docker(socket, environ)
    finally:
        server.stop()
