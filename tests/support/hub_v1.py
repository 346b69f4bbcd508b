"""Records as the first cut of the hub wrote them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import NamedTuple

from capas.oci.digest import Digest
from support.hub_client import digest_of

SCHEMA = Path(__file__).with_name("hub_v1.sql")


class HubV1(NamedTuple):
    """What was put in."""

    tags: dict[str, dict[str, str]]
    manifests: dict[str, bytes]
    links: list[tuple[str, str, int, int]]  # repository, digest, size, linked_ns
    needed: set[str]
    subject: Digest


def write_hub_v1(path: Path) -> HubV1:
    """Two repositories that share a blob, a signature, and a blob that nobody needs."""
    image, signature = b'{"image":1}', b'{"signature":1}'
    base, own, loose = digest_of(b"base"), digest_of(b"own"), digest_of(b"loose")
    names = {"library/debian": 1, "team/app": 2}
    held = HubV1(
        tags={"library/debian": {"12": digest_of(image)}, "team/app": {"v1": digest_of(image), "V1": digest_of(image)}},
        manifests={digest_of(image): image, digest_of(signature): signature},
        links=[
            ("library/debian", base, 4, 100),
            ("team/app", base, 4, 200),
            ("team/app", own, 3, 300),
            ("team/app", loose, 5, 400),
        ],
        needed={base, own},
        subject=Digest(digest_of(image)),
    )
    rows = [
        (1, 1, digest_of(image), "", None, b"{}", 1000, image),
        (2, 2, digest_of(image), "", None, b"{}", 2000, image),
        (3, 2, digest_of(signature), "sig", digest_of(image), json.dumps({"is": "signed"}).encode(), 3000, signature),
    ]
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(SCHEMA.read_text())
    with db:
        db.executemany("INSERT INTO repositories VALUES (?, ?)", [(number, name) for name, number in names.items()])
        db.executemany("INSERT INTO manifests VALUES (?, ?, ?, 'm', ?, ?, ?, ?, ?)", rows)
        tagged = [(names[name], tag, digest, 9) for name, tags in held.tags.items() for tag, digest in tags.items()]
        db.executemany("INSERT INTO tags VALUES (?, ?, ?, ?)", tagged)
        db.executemany("INSERT INTO links VALUES (?, ?, ?, ?)", [(names[name], *rest) for name, *rest in held.links])
        db.executemany("INSERT INTO needs VALUES (?, ?, ?)", [(1, base, 1), (2, base, 2), (2, own, 2)])
    db.close()
    return held
