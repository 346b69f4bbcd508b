"""Taking images away: names first, then what no other image needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from capas.engine.listing import ImageSummary, list_images
from capas.engine.lookup import Found, get_image
from capas.errors import Conflict
from capas.image.kept_contents import forget_contents
from capas.oci.digest import ChainID, DiffID, Digest, chain_id
from capas.reference import Reference
from capas.store.records import ImageRecord, LayerRecord, Records

if TYPE_CHECKING:
    from capas.build.cache import BuildCache
    from capas.engine.engine import Engine
    from capas.snapshot.contract import Snapshotter


class Removed(NamedTuple):
    """What went: names in familiar form, image ids, and the bytes of blobs that are free again."""

    untagged: tuple[str, ...]
    deleted: tuple[str, ...]
    size: int = 0


def remove_image(engine: Engine, text: str, *, force: bool = False, prune: bool = True) -> Removed:
    """Untag the name, or delete the image of this id; the last name takes the image with it.

    Raises: NotFound; Conflict for an image in use or with several names (`force` overrules
        all but a running container).
    """
    records = engine.store.records
    found = get_image(records, text)
    gone = _names_to_remove(records, found, force)
    rest = [row.reference for row in records.list_names(found.record.image_id) if row.reference not in gone]
    if not rest:
        _refuse_if_used(engine, found.record, force, text if found.reference else "")
    for reference in gone:
        records.delete_name(reference)
    untagged = [reference.familiar for reference in gone]
    if rest:
        return Removed((*untagged, *_forget_digests(records, found.record, gone, rest)), ())
    untagged += _digests(records, found.record)
    _delete(engine, found.record)
    size = sweep(engine) if prune else 0
    return Removed(tuple(untagged), (str(found.record.image_id),), size)


def prune_images(engine: Engine, *, every: bool = False, filters: Sequence[str] = ()) -> Removed:
    """Delete the images without a name, or every image that no container uses. Filters: docker's `label=`, `until=`."""
    rows = list_images(engine.store.records, filters=filters)
    used = engine.containers.images_in_use()
    untagged: list[str] = []
    deleted: list[str] = []
    for row in rows:
        if row.image_id in used or not (every or row.tag is None):
            continue
        gone = remove_image(engine, _name_of(row), force=True, prune=False)
        untagged += gone.untagged
        deleted += gone.deleted
    return Removed(tuple(untagged), tuple(deleted), sweep(engine))


def sweep(engine: Engine) -> int:
    """Remove the snapshots, layers and blobs that no image and no container needs. The size of the blobs removed.

    While a pull or a build of another process is under way, its snapshots cannot be told from idle ones: then the
    snapshots wait for the next time.
    """
    store = engine.store
    if (engine.settings.root / "snapshots").exists():
        with store.stilled() as live:
            if live <= store.records.live_digests():
                _sweep_snapshots(engine, live)
    before = _known_layers(store.records)
    freed = store.collect(cached_blobs(engine)).size
    forget_contents(engine.settings.root / "cache" / "contents", before - _known_layers(store.records))
    return freed


def _known_layers(records: Records) -> set[DiffID]:
    return {layer.diff_id for layer in records.iter_layers()}


def cached_blobs(engine: Engine) -> Sequence[Digest]:
    """The blobs that the build cache would use again: they go with `builder prune`, not with an image."""
    cache = _open_cache(engine)
    return cache.list_digests() if cache else ()


def cached_layers(engine: Engine) -> set[DiffID]:
    """The layers of those blobs."""
    cache = _open_cache(engine)
    return set(cache.list_layers()) if cache else set()


def _open_cache(engine: Engine) -> BuildCache | None:
    return engine.build_cache if (engine.settings.root / "build.db").exists() else None


def _names_to_remove(records: Records, found: Found, force: bool) -> list[Reference]:
    names = [row.reference for row in records.list_names(found.record.image_id)]
    if found.reference is not None and found.reference.tag:
        return [found.reference]
    repositories = {reference.name for reference in names}
    if found.reference is not None:  # by digest: the names of that repository go
        return [reference for reference in names if reference.name == found.reference.name]
    if len(repositories) > 1 and not force:
        raise Conflict(
            "image {image} has names in several repositories: {names}",
            image=found.record.image_id.short,
            names=", ".join(reference.familiar for reference in names),
            hint="remove it by name, or with --force",
        )
    return names


def _refuse_if_used(engine: Engine, record: ImageRecord, force: bool, name: str) -> None:
    for container in engine.containers.using(record.image_id):
        if container.running or not force:
            raise Conflict(
                "image {image} is used by {state} container {container}",
                image=record.image_id.short,
                state="running" if container.running else "stopped",
                container=container.id[:12],
                name=name,
                hint="stop and remove the container first"
                if container.running
                else "remove the container, or use --force",
            )


def _forget_digests(
    records: Records, record: ImageRecord, gone: Sequence[Reference], rest: Sequence[Reference]
) -> list[str]:
    """Those of repositories in which it has no name any more."""
    lost = {reference.name for reference in gone} - {reference.name for reference in rest}
    shown = [text for name in sorted(lost) for text in _digests(records, record, name)]
    for name in lost:
        records.delete_digests_in(name, record.image_id)
    return shown


def _digests(records: Records, record: ImageRecord, within: str = "") -> list[str]:
    """`name@digest`, of all repositories or of one."""
    rows = records.list_digests(record.image_id)
    return [f"{Reference.parse(name).familiar_name}@{digest}" for name, digest, _ in rows if within in ("", name)]


def _delete(engine: Engine, record: ImageRecord) -> None:
    engine.store.records.delete_digests(record.image_id)
    engine.store.records.delete_image(record.image_id)


def iter_chains(records: Records, record: ImageRecord) -> Iterator[tuple[ChainID, LayerRecord]]:
    """The stacks of an image, the lowest first, each with its top layer."""
    parent: ChainID | None = None
    for digest in record.digests:
        layer = records.find_layer_of(digest)
        if layer is not None:
            parent = chain_id([layer.diff_id], parent)
            yield parent, layer


def _live_chains(records: Records) -> set[ChainID]:
    return {chain for record in records.iter_images() for chain, _ in iter_chains(records, record)}


def _sweep_snapshots(engine: Engine, live: set[Digest]) -> None:
    """From the top down: a snapshot that something stands on is kept by the driver, and tried again below it.

    Where only packed layers are to be kept, all go that no container stands on, and whose packed bytes are here.
    """
    snapshotter, records = engine.snapshotter, engine.store.records
    packed = engine.settings.keep == "compressed"
    chains = set() if packed else _live_chains(records)
    dead = [info.name for info in snapshotter.iterate() if info.kind == "committed" and info.name not in chains]
    while dead:
        rest = [name for name in dead if not _try_remove(snapshotter, name)]
        if len(rest) == len(dead):
            break
        dead = rest
    layers = list(records.iter_layers())
    kept = {layer.diff_id for layer in layers if layer.digest in live and not packed} | cached_layers(engine)
    kept |= {one.diff_id for one in engine.store.list_unkept() if one.digest in live}
    files = engine.layer_files
    filed = {diff_id for diff_id, _ in files.iterate()} if files else set()
    for diff_id in ({layer.diff_id for layer in layers} | filed) - kept:
        _try_remove(snapshotter, diff_id)


def _try_remove(snapshotter: Snapshotter, name: str) -> bool:
    try:
        snapshotter.remove(name)
    except Conflict:
        return False
    return True


def _name_of(row: ImageSummary) -> str:
    return f"{row.repository}:{row.tag}" if row.tag else str(row.image_id)
