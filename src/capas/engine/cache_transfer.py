"""Cache mounts to and from a registry or a directory: `builder mounts export` and `import`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from capas.build.cache_mounts import CacheKind, CacheMounts
from capas.build.carrying import pack, unpack
from capas.chance import token
from capas.clock import now_ns
from capas.engine.platforms import host_platform
from capas.errors import Invalid
from capas.events import Report, ignore
from capas.image.image import Image
from capas.oci.digest import Digest
from capas.reference import Reference

if TYPE_CHECKING:
    from capas.engine.engine import Engine

_LAYOUT = "oci-layout://"


def export_mounts(engine: Engine, target: str, *, ids: Collection[str] = (), report: Report = ignore) -> Digest:
    """Send cache mounts to a repository (`name:tag`) or a directory (`oci-layout://path`); the digest of what is there.

    Blobs that the other side has are not sent.

    Raises: NotFound; Invalid; Unauthenticated; Denied; Unavailable; Exhausted.
    """
    with engine.store.lease() as lease:
        image = pack(_mounts(engine), lease.blobs, host_platform(), ids=ids, new_id=token, report=report)
        if target.startswith(_LAYOUT):
            _write_layout(_path(target), image)
        else:
            _push(engine, target, image, report)
    parts = (image.manifest.config, *image.manifest.layers)
    engine.store.discard([image.digest, *(part.digest for part in parts)])  # nothing here needs them
    return image.digest


def import_mounts(engine: Engine, source: str, *, over: bool = False, report: Report = ignore) -> Sequence[CacheKind]:
    """Bring cache mounts from where they were exported to; which ones were made. Those here stay, unless `over`.

    Raises: NotFound; Invalid; Corrupt; Conflict for a cache in use; Unauthenticated; Denied; Unavailable; Exhausted.
    """
    return unpack(_open(engine, source), _mounts(engine), over=over, report=report)


def _mounts(engine: Engine) -> CacheMounts:
    return CacheMounts(engine.settings.root / "cache" / "mounts", now_ns)


def _push(engine: Engine, target: str, image: Image, report: Report) -> None:
    from capas.registry.push import push

    push(engine.client, Reference.parse(target).with_default_tag(), image, report=report)


def _write_layout(path: Path, image: Image) -> None:
    from capas.image.archive_save import blobs_of, documents_of
    from capas.image.layout_write import write_layout

    write_layout(path, documents_of([(image, ())], "oci"), blobs_of([image]))


def _open(engine: Engine, source: str) -> Image:
    if source.startswith(_LAYOUT):
        from capas.image.layout import Layout

        return Layout(_path(source)).find(host_platform())
    from capas.registry.remote import RemoteSource

    reference = Reference.parse(source).with_default_tag()
    repository = engine.client.repository(reference)
    found = repository.get_manifest(str(reference.digest or reference.tag))
    return Image(RemoteSource(repository), found.data, found.media_type)


def _path(text: str) -> Path:
    path = text.removeprefix(_LAYOUT)
    if not path:
        raise Invalid("{text} names no directory", text=text, hint="write oci-layout:///path/to/it")
    return Path(path)
