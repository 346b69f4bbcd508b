"""Ten thousand requests to `capas dockerd`, polite and rude, and what they leave behind in it and in a container's keeper.

python benchmarks/docker_load.py --requests 10000 --root /dev/shm
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from support.docker import running_server  # noqa: E402  found by the line above
from support.docker_load import Counts, Mix, count, keeper_of  # noqa: E402
from support.examples import make_busybox  # noqa: E402
from support.terminal import Terminal  # noqa: E402

_SETTLE_SECONDS = 3.0
_ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=tempfile.gettempdir(), help="where the server keeps its data")
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="capas-docker-", dir=options.root) as root:
        terminal = Terminal(Path(root))
        terminal.ok("import", "-c", 'CMD ["sh"]', "-", "busybox", stdin=make_busybox())
        with running_server(terminal) as (server, docker):
            assert server.process is not None
            docker.ok("run", "-d", "-i", "--name", "box", "busybox", "sh", "-c", "echo begun; cat")
            keeper = keeper_of(int(docker.ok("inspect", "-f", "{{.State.Pid}}", "box")))
            processes = {"server": server.process.pid, "keeper": keeper}
            mix = Mix(server.socket, "box", "busybox")
            mix.run(100)  # what is only made once is made
            rows = [_row(0, 0.0, processes)]
            for number in range(1, _ROUNDS + 1):
                began = time.monotonic()
                mix.run(options.requests // _ROUNDS)
                seconds = time.monotonic() - began
                time.sleep(_SETTLE_SECONDS)
                rows.append(_row(number * options.requests // _ROUNDS, seconds, processes))
            docker.ok("rm", "-f", "box")
    sys.stdout.write(json.dumps(rows, indent=1) + "\n")


def _row(requests: int, seconds: float, processes: dict[str, int]) -> dict[str, object]:
    counted: dict[str, Counts] = {name: count(pid) for name, pid in processes.items()}
    row: dict[str, object] = {"requests": requests, "seconds": round(seconds, 1)}
    row |= {name: str(counts) for name, counts in counted.items()}
    sys.stderr.write(f"{row}\n")
    return row


if __name__ == "__main__":
    main()
