"""What takes the disk: `system df`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from capas.layer.files import layer_files

if TYPE_CHECKING:
    from capas.engine.engine import Engine


class DiskUsage(NamedTuple):
    """One kind of thing: how many, how many in use, bytes on disk, bytes that a prune would free."""

    kind: str
    total: int
    active: int
    size: int
    reclaimable: int


def disk_usage(engine: Engine) -> list[DiskUsage]:
    """Images with their blobs and unpacked layers, containers, volumes, build cache: what is on the disk, each once."""
    return [_images(engine), _containers(engine), _volumes(engine), _build_cache(engine)]


def _images(engine: Engine) -> DiskUsage:
    records = list(engine.store.records.iter_images())
    used = engine.containers.images_in_use()
    needed = {digest for record in records if record.image_id in used for digest in (record.manifest, *record.digests)}
    cached = set(engine.build_cache.list_digests())
    sizes = dict(engine.store.blobs.iterate())
    mine = {digest for record in records for digest in (record.manifest, *record.digests)}
    blobs = sum(size for digest, size in sizes.items() if digest in mine)
    free = sum(size for digest, size in sizes.items() if digest in mine - needed - cached)
    trees = (
        path
        for kind in ("layers", "stacks", "trees")
        for path in (engine.settings.root / "snapshots").glob(f"*/{kind}")
    )
    files = dict(layer_files(engine.settings.root).iterate())
    needed_layers = {layer.diff_id for layer in engine.store.records.iter_layers() if layer.digest in needed | cached}
    free += sum(size for diff_id, size in files.items() if diff_id not in needed_layers)
    layers = sum(map(tree_size, trees)) + sum(files.values())
    return DiskUsage("Images", len(records), len(used), blobs + layers, free)


def _containers(engine: Engine) -> DiskUsage:
    containers = engine.containers.list(every=True)
    sizes = {one.id: engine.containers.size_of(one.id) for one in containers}
    idle = sum(sizes[one.id] for one in containers if not one.running)
    return DiskUsage("Containers", len(containers), sum(one.running for one in containers), sum(sizes.values()), idle)


def _volumes(engine: Engine) -> DiskUsage:
    root = engine.settings.root / "volumes"
    names = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    used = engine.containers.volumes_in_use()
    sizes = {path.name: tree_size(path) for path in names}
    free = sum(size for name, size in sizes.items() if name not in used)
    return DiskUsage("Local Volumes", len(names), len(used), sum(sizes.values()), free)


def _build_cache(engine: Engine) -> DiskUsage:
    entries = engine.builder.list()
    size = sum(one.size for one in entries)
    free = sum(one.size for one in entries if one.reclaimable and not one.shared)
    return DiskUsage("Build Cache", len(entries), sum(one.in_use for one in entries), size, free)


def tree_size(root: Path) -> int:
    """The bytes on disk of a tree, each file once. What goes away meanwhile is not counted."""
    total = 0
    seen: set[tuple[int, int]] = set()
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                found = os.lstat(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_blocks * 512
    return total
