"""`capas dockerd` beside docker's own daemon of the lab: memory, requests, and docker's client on both. Figures as JSON.

python benchmarks/docker_api.py --root /dev/shm --rounds 20
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

_TOP = Path(__file__).parents[1]
sys.path[:0] = [str(_TOP / "tests"), str(_TOP / "tools")]

from lab import DISK, Docker, Root  # noqa: E402  found by the line above

from support.docker import running_server  # noqa: E402
from support.docker_load import ask, count  # noqa: E402
from support.examples import make_busybox  # noqa: E402
from support.terminal import Terminal  # noqa: E402

_CONTAINERS, _RUNNING, _ASKED = 20, 10, 200


class Side(NamedTuple):
    """A server: its name, its socket, and the processes that it consists of."""

    name: str
    socket: Path
    pids: Callable[[], Sequence[int]]

    def docker(self, *words: str, stdin: bytes = b"") -> None:
        """docker's client on it."""
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DOCKER_HOST": f"unix://{self.socket}"}
        subprocess.run(["docker", *words], env=env, input=stdin, capture_output=True, check=True, timeout=120)

    def memory(self) -> int:
        """Resident bytes of all its processes."""
        return sum(count(pid).memory for pid in self.pids())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=tempfile.gettempdir(), help="where Capas keeps its data")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    peer = Docker(Root(), "api", DISK / "docker-api", "overlay2")
    peer.start()
    try:
        with tempfile.TemporaryDirectory(prefix="capas-api-", dir=options.root) as root:
            terminal = Terminal(Path(root))
            with running_server(terminal) as (server, _):
                assert server.process is not None
                pid = server.process.pid
                sides = [Side("capas", server.socket, lambda: [pid]),
                         Side("docker", peer.socket, lambda: _with_children(peer.pid()))]  # fmt: skip
                figures = _measure(sides, options.rounds)
    finally:
        peer.stop()
        subprocess.run(["rm", "-rf", "--one-file-system", peer.data], check=True)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def _measure(sides: list[Side], rounds: int) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {side.name: {} for side in sides}
    for side in sides:
        side.docker("version")
        figures[side.name]["idle MB"] = round(side.memory() / 1e6, 1)
        side.docker("import", "-c", 'CMD ["sh"]', "-", "busybox", stdin=make_busybox())
        for number in range(_CONTAINERS):
            verb = ["run", "-d"] if number < _RUNNING else ["create"]
            side.docker(*verb, "--network", "host", "--name", f"box{number}", "busybox", "sleep", "1000")
    cases: list[tuple[str, int, Callable[[Side], object]]] = [
        ("ping ms", _ASKED, lambda side: ask(side.socket, "GET", "/_ping")),
        ("containers/json ms", _ASKED, lambda side: ask(side.socket, "GET", "/containers/json?all=1")),
        ("inspect ms", _ASKED, lambda side: ask(side.socket, "GET", "/containers/box0/json")),
        ("docker ps ms", rounds, lambda side: side.docker("ps", "-a")),
        ("docker exec ms", rounds, lambda side: side.docker("exec", "box0", "true")),
        ("docker run ms", rounds, lambda side: side.docker("run", "--rm", "--network", "host", "busybox", "true")),
    ]
    for name, times, work in cases:
        taken: dict[str, list[float]] = {side.name: [] for side in sides}
        for _ in range(times):
            for side in sides:
                began = time.perf_counter()
                work(side)
                taken[side.name].append((time.perf_counter() - began) * 1000)
        for side in sides:
            figures[side.name][name] = round(statistics.median(taken[side.name]), 2)
    for side in sides:
        figures[side.name]["MB afterwards"] = round(side.memory() / 1e6, 1)
        side.docker("rm", "-f", *(f"box{number}" for number in range(_CONTAINERS)))
    return figures


def _with_children(pid: int) -> list[int]:
    """containerd is docker's child; the shims of containers are not counted, as keepers are not."""
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


if __name__ == "__main__":
    main()
