"""Trees from outside become images: `import`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from capas.chance import token
from capas.engine.changes import change_execution
from capas.engine.keeping import settle
from capas.engine.platforms import host_platform
from capas.engine.times import creation_time
from capas.image.edit import assemble
from capas.image.image import Image
from capas.image.record import record_image
from capas.layer.compression import decompress
from capas.layer.create import LayerBlob
from capas.layer.reader import iter_entries
from capas.oci.config import Config, Execution, History, RootFS
from capas.reference import Reference
from capas.store.records import LayerRecord

if TYPE_CHECKING:
    from capas.engine.engine import Engine


def import_tree(
    engine: Engine, stream: BinaryIO, name: str | None, *, changes: Sequence[str] = (), message: str = ""
) -> Image:
    """Make an image of one layer of a tar, compressed or not. Raises: Corrupt; Invalid for a change docker refuses."""
    reference = Reference.parse(name).with_default_tag() if name else None
    created = creation_time(engine.settings)
    platform = host_platform()
    execution = change_execution(Execution(), changes)
    store = engine.store
    with store.lease() as lease, LayerBlob(lease.blobs, engine.layer_files, name=f"import-{token()}") as layer:
        for entry, body in iter_entries(decompress(stream)):
            layer.tar.add(entry, body)
        new = layer.commit()
        found = new.descriptor
        store.records.put_layer(
            LayerRecord(new.diff_id, found.digest, found.media_type, found.size, new.uncompressed_size)
        )
        config = Config(
            created=created,
            architecture=platform.architecture,
            variant=platform.variant,
            os=platform.os,
            config=execution,
            rootfs=RootFS(diff_ids=(new.diff_id,)),
            history=(History(created=created, comment=message or "Imported from -"),),
        )
        image = assemble(lease.blobs, config, [found])
        record_image(store, image, reference=reference)
    settle(engine, image)
    return image
