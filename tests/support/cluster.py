"""Several hub processes that share a database and an object store, and a client that goes from one to the next."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import urllib3

from capas.hub.config import Config
from support.hub_client import HubClient

SOURCE = Path(__file__).parents[2] / "src"
PROGRAM = """
import sys
from pathlib import Path

import msgspec

from capas.hub.config import Config
from capas.hub.hub import Options
from capas.hub.serve import serve

if __name__ == "__main__":
    root, config, options, port = sys.argv[1:]
    serve(
        Path(root),
        port=int(port),
        config=msgspec.json.decode(config, type=Config),
        options=Options(**msgspec.json.decode(options)),
        ready=lambda address, link: (sys.stdout.write(address + "\\n"), sys.stdout.flush()),
    )
"""


class Cluster:
    """The processes, each with a root of its own: nothing of a machine's disk is shared. Used by any thread."""

    def __init__(self, place: Path, config: Config, count: int, **options: Any) -> None:
        self._place = place
        self._config = msgspec.json.encode(config).decode()
        self._options = msgspec.json.encode(options).decode()
        self._program = place / "program.py"
        self._program.write_text(PROGRAM)
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self.processes: list[subprocess.Popen[str]] = []
        self.addresses: list[str] = []
        for number in range(count):
            self._start(number)

    def kill(self, number: int) -> None:
        """As a machine dies: no signal is handled."""
        _end(self.processes[number])

    def restart(self, number: int) -> None:
        """A new one in its place."""
        self._start(number)

    def restart_where_it_was(self, number: int) -> None:
        """A new one in its place, at the same address, as an orchestrator does it."""
        self._start(number, int(self.addresses[number].rpartition(":")[2]))

    def stop(self) -> None:
        for process in self.processes:
            _end(process)

    def next(self) -> str:
        """The address whose turn it is."""
        with self._lock:
            return self.addresses[next(self._turn) % len(self.addresses)]

    def _start(self, number: int, port: int = 0) -> None:
        root = self._place / f"hub{number}"
        command = [sys.executable, str(self._program), str(root), self._config, self._options, str(port)]
        with open(self._place / f"hub{number}.log", "ab") as log:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | {"PYTHONPATH": str(SOURCE)}
            )
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, (self._place / f"hub{number}.log").read_text()[-3000:]
        with self._lock:
            self.processes[number:] = [process, *self.processes[number + 1 :]]
            self.addresses[number:] = [address, *self.addresses[number + 1 :]]


def _end(process: subprocess.Popen[str]) -> None:
    with process:  # waits for it, and closes its pipe
        process.kill()


class RoundRobin(HubClient):
    """A client behind a balancer: each request goes to the next hub that listens. Redirects are followed."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__("", name)
        self._cluster = cluster

    def send(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        try:
            self.address = self._cluster.next()
            answer = super().send(method, path, **options)
        except urllib3.exceptions.NewConnectionError:
            self.address = self._cluster.next()
            answer = super().send(method, path, **options)
        if answer.status == 307:
            return self._pool.request(method, answer.headers["location"], retries=False)
        return answer


def until_done(work: Any, *, patience: float = 60.0) -> Any:
    """What `work` gives, tried again as a client tries its push again."""
    limit = time.monotonic() + patience
    while True:
        try:
            return work()
        except (AssertionError, KeyError, OSError, urllib3.exceptions.HTTPError):
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def running_cluster(place: Path, config: Config, count: int = 2, **options: Any) -> Iterator[Cluster]:
    """The processes, gone with the block."""
    cluster = Cluster(place, config, count, **options)
    try:
        yield cluster
    finally:
        cluster.stop()
