"""`capas hub serve` as a process of its own, as a keeper runs it: ready, signalled, killed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

SOURCE = Path(__file__).parents[2] / "src"
OPEN = ("--open",)  # the flags of a hub without accounts
_START_SECONDS = 60


class HubProcess:
    """The process, its address, and what it has written to standard error."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        self.process = process
        self.address = ""
        self.said: list[str] = []
        self._known = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._reader.start()

    def wait(self) -> None:
        """Until it says where it answers."""
        self._known.wait(_START_SECONDS)
        if not self.address:
            self.kill()
            raise AssertionError(f"the hub did not start: {self.said}")

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self._end()

    def kill(self) -> int:
        """As a machine that loses its power, as far as a process can tell."""
        self.process.kill()
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(30)
        self._reader.join(30)
        if self.process.stderr is not None and not self._reader.is_alive():
            self.process.stderr.close()
        return code

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.said.append(line.rstrip())
            if found := re.search(r"answers on http://(\S+)", line):
                self.address = found[1]
                self._known.set()
        self._known.set()


@contextmanager
def serving(root: Path, *flags: str) -> Iterator[HubProcess]:
    """A hub over `root` on a port that is free, or the one that `flags` name."""
    port = () if "--port" in flags else ("--port", "0")
    command = [sys.executable, "-m", "capas", "hub", "serve", "--root", str(root), *port, *flags]
    environ = os.environ | {"PYTHONPATH": str(SOURCE), "CAPAS_ROOT": str(root.parent / "capas"), "LANG": "C.UTF-8"}
    hub = HubProcess(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ))
    try:
        hub.wait()
        yield hub
    finally:
        if hub.process.poll() is None:
            hub.kill()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def wait_until_free(port: int) -> None:
    """The workers of a killed server end by themselves."""
    limit = time.monotonic() + 10
    while True:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                return trial.bind(("127.0.0.1", port))
            except OSError:
                assert time.monotonic() < limit
                time.sleep(0.02)
