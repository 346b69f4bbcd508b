"""Trees from outside become images: `import`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from capas.build.changes import change_config
from capas.clock import now_ns
from capas.engine.platforms import host_platform
from capas.engine.times import rfc3339
from capas.errors import Unavailable
from capas.image.edit import assemble
from capas.image.image import Image
from capas.image.record import record_image
from capas.layer.compression import decompress
from capas.layer.create import LayerBlob
from capas.layer.reader import iter_entries
from capas.oci.config import Config, History, RootFS
from capas.reference import Reference
from capas.store.records import LayerRecord

if TYPE_CHECKING:
    from capas.engine.engine import Engine


def import_tree(
    engine: Engine, stream: BinaryIO, name: str | None, *, changes: Sequence[str] = (), message: str = ""
) -> Image:
    """Make an image of one layer of a tar, compressed or not. Raises: Corrupt; Invalid for a change docker refuses."""
    reference = Reference.parse(name).with_default_tag() if name else None
    epoch = engine.settings.source_date_epoch
    created = rfc3339(epoch * 10**9 if epoch is not None else now_ns())
    platform = host_platform()
    bare = Config(created=created, architecture=platform.architecture, variant=platform.variant, os=platform.os)
    config = change_config(bare, changes)
    store = engine.store
    with store.lease() as lease, LayerBlob(store.blobs, name=f"import-{engine.token()}") as layer:
        for entry, body in iter_entries(decompress(stream)):
            layer.tar.add(entry, body)
        new = layer.commit()
        lease.hold(new.descriptor.digest)
        descriptor = new.descriptor
        store.records.put_layer(
            LayerRecord(new.diff_id, descriptor.digest, descriptor.media_type, descriptor.size, new.uncompressed_size)
        )
        step = History(created=created, created_by="", comment=message or "Imported from -")
        whole = _replace(config, rootfs=RootFS(diff_ids=(new.diff_id,)), history=(step,))
        image = assemble(store.blobs, whole, [descriptor])
        record_image(store, image, reference=reference)
    return image


def _replace(config: Config, **changes: object) -> Config:
    import msgspec

    return msgspec.structs.replace(config, **changes)


@contextmanager
def open_url(engine: Engine, url: str) -> Iterator[BinaryIO]:
    """The body of an http address, to be read forward. Raises: Unavailable."""
    import urllib3

    pool = urllib3.PoolManager()
    try:
        answer = pool.request("GET", url, preload_content=False, timeout=60.0)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable("cannot read {url}: {error}", url=url, error=type(error).__name__) from None
    if answer.status != 200:
        raise Unavailable("cannot read {url}: the server answered {status}", url=url, status=answer.status)
    try:
        yield answer  # type: ignore[misc]
    finally:
        answer.release_conn()
