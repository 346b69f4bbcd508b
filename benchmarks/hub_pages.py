"""How long pages of the hub take on the server, over a repository of ten thousand tags: JSON on standard output.

One reader, one process, everything on loopback; each figure is the median of `--rounds` requests, in milliseconds.

    PYTHONPATH=src:tests python benchmarks/hub_pages.py --root /dev/shm
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import urllib3
from sqlalchemy import Connection, select

from capas.hub.app import create_app
from capas.hub.records.tables.images import manifests, needs, tags
from support.hub import running_hub
from support.hub_client import HubClient, digest_of
from support.hub_images import push_index, push_made

BATCH = 500
PAGES = {
    "home": "/",
    "search": "/search?q=repo",
    "repository": "/r/big/repo",
    "tags": "/r/big/repo/-/tags",
    "tags, page 150": "/r/big/repo/-/tags?page=150",
    "tags with letters": "/r/big/repo/-/tags?q=99",
    "image": "/r/big/repo/-/image/latest",
    "comparison": "/r/big/repo/-/compare?from=base&to=latest",
    "nothing there": "/r/big/rpo",
}


def fill(db: Connection, like: str, count: int) -> None:
    """So many tags, each of a manifest of its own with the blobs of one that is there; three are the same image."""
    row = dict(db.execute(select(manifests).where(manifests.c.digest == like)).mappings().one())
    blobs = [dict(one) for one in db.execute(select(needs).where(needs.c.manifest == row["id"])).mappings()]
    for start in range(0, count, BATCH):
        rows: list[dict[str, Any]] = [
            {**row, "id": row["id"] + 10 + n, "digest": digest_of(b"%d" % n), "image": digest_of(b"%d" % (n // 3))}
            for n in range(start, start + BATCH)
        ]
        db.execute(manifests.insert(), rows)
        db.execute(needs.insert(), [{**blob, "manifest": one["id"]} for one in rows for blob in blobs])
        tagged = [{"repository": row["repository"], "name": f"t{start + n:05}", "digest": one["digest"],
                   "pushed_ns": row["pushed_ns"] + start + n} for n, one in enumerate(rows)]  # fmt: skip
        db.execute(tags.insert(), tagged)


def measure(pool: urllib3.PoolManager, url: str, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        pool.request("GET", url)
        times.append((time.perf_counter() - begun) * 1000)
    return round(statistics.median(times), 1)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--root", type=Path, default=None)
    options.add_argument("--tags", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=30)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.root) as place:
        app = create_app(Path(place))
        with running_hub(Path(place), app=app) as address:
            client = HubClient(address, "big/repo")
            push_index(client, "latest")
            like = push_made(client, "base")
            app.hub.database.write(lambda db: fill(db, like, chosen.tags))
            pool = urllib3.PoolManager()
            figures = {name: measure(pool, f"http://{address}{path}", chosen.rounds) for name, path in PAGES.items()}
    json.dump({"tags": chosen.tags, "milliseconds": figures}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
