"""Many clients that push and pull for a while, the server killed in the middle and started again; figures as JSON.

python benchmarks/hub_load.py --clients 200 --seconds 60 --root /dev/shm
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from support.hub_load import Load  # noqa: E402  found by the line above
from support.hub_process import OPEN, free_port, serving, wait_until_free  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=tempfile.gettempdir(), help="where the hub keeps its data")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--workers", type=int, default=1, help="processes of the hub")
    options = parser.parse_args()
    port = free_port()
    load = Load(port)
    flags = (*OPEN, "--port", str(port), "--workers", str(options.workers))
    with tempfile.TemporaryDirectory(prefix="capas-hub-", dir=options.root) as root, contextlib.ExitStack() as clients:
        began = time.monotonic()
        with serving(Path(root) / "hub", *flags) as process:
            clients.enter_context(load.working(options.clients))
            time.sleep(options.seconds / 2)
            process.kill()
        wait_until_free(port)
        with serving(Path(root) / "hub", *flags):
            time.sleep(options.seconds / 2)
            clients.close()
            seconds = time.monotonic() - began
            during = dict(load.done)
            load.check()
    figures = {
        "clients": options.clients,
        "seconds": round(seconds, 1),
        **during,
        "acknowledged pushes": len(load.told),
        "wrong or lost": len(load.wrong),
        "examples": load.wrong[:5],
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    raise SystemExit(bool(load.wrong))


if __name__ == "__main__":
    main()
