"""`capas hub serve` as a process of its own, as a keeper runs it: ready, signalled, killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
OPEN: tuple[str, ...] = ()  # the flags of a hub without accounts


class HubProcess:
    """The process, its address, and what it wrote to standard error until now and after."""

    def __init__(self, process: subprocess.Popen[str], address: str, before: list[str]) -> None:
        self.process = process
        self.address = address
        self.said = before

    def stop(self) -> int:
        """SIGTERM, and the exit code; the rest of what it says is in `said`."""
        self.process.terminate()
        _, rest = self.process.communicate(timeout=30)
        self.said += rest.splitlines()
        return self.process.returncode

    def kill(self) -> None:
        """As a machine that loses its power, as far as a process can tell."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def serving(root: Path, *flags: str) -> Iterator[HubProcess]:
    """A hub over `root` on a port that is free, or the one that `flags` name."""
    port = () if "--port" in flags else ("--port", "0")
    command = [sys.executable, "-m", "capas", "hub", "serve", "--root", str(root), *port, *flags]
    environ = os.environ | {"PYTHONPATH": str(SOURCE), "CAPAS_ROOT": str(root.parent / "capas"), "LANG": "C.UTF-8"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ)
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line.rstrip())
        if found := re.search(r"answers on http://(\S+)", line):
            break
    else:
        process.communicate()
        raise AssertionError(f"the hub did not start: {said}")
    try:
        yield HubProcess(process, found[1], said)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
