"""Garbage collection of the hub beside docker-registry's, on the same blobs: JSON on standard output.

Both get the same content, written where each keeps it: repositories of manifests with a hundred small layers each,
some of the manifests deleted. docker-registry has to be stopped for this; the hub collects while it runs.

    python benchmarks/hub_collect.py --root /dev/shm --blobs 100000
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import insert

from capas.hub.app import create_app
from capas.hub.hub import Options
from capas.hub.keeping.collect import collect
from capas.hub.records.tables.images import blobs, links, manifests, needs, repositories

LAYERS = 100
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = 'version: 0.1\nstorage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}\nhttp: {{addr: ":0"}}\n'


class Image(NamedTuple):
    number: int
    layers: list[tuple[str, bytes]]
    manifest: bytes
    is_deleted: bool

    @property
    def repository(self) -> str:
        return f"bench/app{self.number % 20}"


def hexed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def images(count: int, share: float) -> Iterator[Image]:
    """`share` of them deleted, spread evenly."""
    for number in range(count // LAYERS):
        layers = [(hexed(data), data) for data in (b"%d of %d" % (layer, number) for layer in range(LAYERS))]
        described = [{"mediaType": "x/y", "digest": f"sha256:{hex}", "size": len(data)} for hex, data in layers]
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]}
        yield Image(
            number, layers, json.dumps(document).encode(), is_deleted=int(number * share) != int((number + 1) * share)
        )


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def fill_registry(root: Path, count: int, share: float) -> None:
    base = root / "docker" / "registry" / "v2"
    for image in images(count, share):
        own = base / "repositories" / image.repository
        name = hexed(image.manifest)
        for hex, data in [*image.layers, (name, image.manifest)]:
            write(base / "blobs" / "sha256" / hex[:2] / hex / "data", data)
        for hex, _ in image.layers:
            write(own / "_layers" / "sha256" / hex / "link", f"sha256:{hex}".encode())
        if not image.is_deleted:
            link = f"sha256:{name}".encode()
            write(own / "_manifests" / "revisions" / "sha256" / name / "link", link)
            write(own / "_manifests" / "tags" / f"v{image.number}" / "current" / "link", link)
            write(own / "_manifests" / "tags" / f"v{image.number}" / "index" / "sha256" / name / "link", link)


def fill_hub(root: Path, count: int, share: float) -> None:
    app = create_app(root)
    numbers = {f"bench/app{number}": number + 1 for number in range(20)}
    rows: dict[object, list[dict[str, object]]] = {blobs: [], links: [], manifests: [], needs: []}
    (root / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    for image in images(count, share):
        own = numbers[image.repository]
        for hex, data in image.layers:
            (root / "blobs" / "sha256" / hex).write_bytes(data)
            rows[blobs].append({"digest": f"sha256:{hex}", "size": len(data)})
            rows[links].append({"repository": own, "digest": f"sha256:{hex}", "size": len(data), "linked_ns": 1})
        if not image.is_deleted:
            rows[manifests].append({
                "id": image.number + 1, "repository": own, "digest": f"sha256:{hexed(image.manifest)}",
                "media_type": MANIFEST, "artifact_type": "", "annotations": b"{}", "pushed_ns": 1, "data": image.manifest,
            })  # fmt: skip
            needed = [
                {"repository": own, "digest": f"sha256:{hex}", "manifest": image.number + 1} for hex, _ in image.layers
            ]
            rows[needs] += needed
    with app.hub.database._writer.begin() as db:
        db.execute(insert(repositories), [{"id": number, "name": name} for name, number in numbers.items()])
        for table, values in rows.items():
            db.execute(insert(table), values)  # type: ignore[arg-type]
    app.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=tempfile.gettempdir())
    parser.add_argument("--blobs", type=int, default=100_000)
    parser.add_argument("--deleted", type=float, default=0.5, help="this share of the manifests is deleted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="capas-gc-", dir=options.root) as place:
        hub, registry, config = Path(place) / "hub", Path(place) / "registry", Path(place) / "config.yml"
        fill_hub(hub, options.blobs, options.deleted)
        fill_registry(registry, options.blobs, options.deleted)
        config.write_text(CONFIG.format(root=registry))
        began = time.monotonic()
        app = create_app(hub, options=Options())
        found = collect(app.hub)
        ours = time.monotonic() - began
        began = time.monotonic()
        again = collect(app.hub)
        nothing = time.monotonic() - began
        app.close()
        began = time.monotonic()
        done = subprocess.run(
            ["docker-registry", "garbage-collect", config], capture_output=True, text=True, check=True
        )
        theirs = time.monotonic() - began
        left = sum(1 for _ in (registry / "docker/registry/v2/blobs").rglob("data"))
    figures = {
        "blobs": options.blobs,
        "deleted": options.deleted,
        "freed by the hub": found.blobs,
        "left by docker-registry": left,
        "eligible": done.stdout.count("eligible for deletion"),
        "hub, seconds": round(ours, 2),
        "hub again, nothing to free, seconds": round(nothing, 3),
        "docker-registry, seconds": round(theirs, 2),
        "docker-registry / hub": round(theirs / ours, 1),
        "found nothing the second time": again.blobs == 0,
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
