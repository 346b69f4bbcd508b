"""Cache mounts carried from one machine to another: an image whose layers are caches.

Each cache is one layer, made of the same bytes wherever and whenever the same files are packed: what the other side has
is not sent again. Any registry and any tool that copies images takes it. What a layer is stands in its annotation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from capas.build.cache_mounts import CacheKind, CacheMount, CacheMounts
from capas.errors import Corrupt, Invalid, NotFound, Unsupported
from capas.events import Finished, Report, Started, ignore
from capas.image.edit import assemble
from capas.image.image import Image
from capas.layer.apply import apply
from capas.layer.compression import decompress
from capas.layer.create import LayerBlob
from capas.layer.diff import Change, iter_tree, write_changes
from capas.layer.entry import Layer
from capas.layer.hashed import Hashed
from capas.layer.marks import WHITEOUT
from capas.oci.config import Config, RootFS
from capas.oci.descriptor import Descriptor
from capas.oci.platform import Platform
from capas.snapshot.namespaces import identity
from capas.store.contract import BlobStore

ANNOTATION = "io.capas.cache-mount"


class Carried(NamedTuple):
    """One cache of such an image. `owner` and `mode` are those of its directory now."""

    kind: CacheKind
    owner: tuple[int, int]
    mode: int
    layer: Layer


def pack(
    mounts: CacheMounts, blobs: BlobStore, platform: Platform, *,
    ids: Collection[str] = (), new_id: Callable[[], str], report: Report = ignore,
) -> Image:  # fmt: skip
    """An image of the caches with these ids, or of all. Each is waited for while a step uses it.

    Raises: NotFound for an id without a cache, or for none at all; Exhausted.
    """
    chosen = sorted((one for one in mounts.iterate() if one.is_first and (not ids or one.kind.id in ids)), key=_name)
    for missing in sorted(set(ids) - {one.kind.id for one in chosen}):
        raise NotFound("no cache mount {name}", name=missing)
    if not chosen:
        raise NotFound("there are no cache mounts here", hint="a RUN --mount=type=cache makes one")
    layers, diff_ids = [], []
    for one in chosen:
        report(Started(one.name, one.kind.id))
        with mounts.held(one.kind, "locked") as tree, LayerBlob(blobs, compression="zstd", name=new_id()) as blob:
            write_changes(_members(tree), blob.tar)
            new = blob.commit()
            layers.append(_annotated(new.descriptor, one, tree))
        diff_ids.append(new.diff_id)
        report(Finished(one.name, "Packed"))
    config = Config(
        architecture=platform.architecture, os=platform.os, variant=platform.variant,
        rootfs=RootFS(diff_ids=tuple(diff_ids)),
    )  # fmt: skip
    return assemble(blobs, config, layers)


def list_carried(image: Image) -> list[Carried]:
    """The caches in an image. Raises: Invalid for an image of something else; Corrupt for notes that cannot be read."""
    found = [_carried(layer) for layer in image.layers]
    if not found:
        raise Invalid("image {image} holds no cache mounts", image=image.id.short)
    return found


def unpack(image: Image, mounts: CacheMounts, *, over: bool = False, report: Report = ignore) -> list[CacheKind]:
    """Make the caches of an image here, those that are here already only if `over`; which ones were made.

    Raises: Invalid; Corrupt for a layer that is not what the image says; Conflict for a cache in use; Exhausted.
    """
    made = []
    for one in list_carried(image):
        report(Started(one.kind.name, one.kind.id))
        done = mounts.restore(one.kind, lambda folder, one=one: _write(image, one, folder), replace=over)  # type: ignore[misc]
        made += [one.kind] if done else []
        report(Finished(one.kind.name, "Unpacked" if done else "Already exists"))
    return made


def _name(mount: CacheMount) -> str:
    return mount.name


def _members(tree: Path) -> Iterator[Change]:
    for change in iter_tree(tree):
        if change.entry.path.rpartition(b"/")[2].startswith(WHITEOUT):
            raise Unsupported(
                "{path} cannot be in a layer: its name is a mark of layers",
                path=change.entry.path.decode(errors="replace"),
            )
        yield change


def _annotated(descriptor: Descriptor, mount: CacheMount, tree: Path) -> Descriptor:
    status = os.stat(tree)
    about = {**mount.kind._asdict(), "root": [status.st_uid, status.st_gid, status.st_mode & 0o7777]}
    return replace(descriptor, annotations={ANNOTATION: json.dumps(about, sort_keys=True)})


def _carried(layer: Layer) -> Carried:
    text = (layer.descriptor.annotations or {}).get(ANNOTATION)
    if text is None:
        raise Invalid("layer {digest} is no cache mount", digest=layer.descriptor.digest.short)
    try:
        about = json.loads(text)
        uid, gid, mode = map(int, about.pop("root"))
        kind = CacheKind(str(about["id"]), str(about["base"]), int(about["uid"]), int(about["gid"]), int(about["mode"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Corrupt("the notes of layer {digest} cannot be read", digest=layer.descriptor.digest.short) from None
    return Carried(kind, (uid, gid), mode & 0o7777, layer)


def _write(image: Image, one: Carried, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    with image.source.open(one.layer.descriptor.digest) as blob:
        tar = Hashed(decompress(blob))
        apply(tar, folder, style="plain", lenient=identity() == "single")
        tar.finish(one.layer.diff_id)
    os.chown(folder, *one.owner)
    os.chmod(folder, one.mode)
