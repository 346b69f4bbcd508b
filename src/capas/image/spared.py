"""Blobs that are not kept: a layer whose file is here can do without its packed bytes, where these can be had again.

Packed here: the recipe makes the same bytes of the layer's tar, which is tried before the blob goes. Packed elsewhere:
a registry that has it is known. Whoever asks for such a blob gets it as any other; it is put back on disk by that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from capas.errors import Corrupt
from capas.image.image import Image
from capas.layer.compression import Kind
from capas.layer.entry import Layer
from capas.layer.files import LayerFiles
from capas.layer.recipe import pack, packs_to, recipe_of
from capas.oci import media
from capas.store.contract import BlobStore, Ingest
from capas.store.put import take_turn
from capas.store.records import SparedRecord
from capas.store.store import Store

Fetch = Callable[[SparedRecord, Ingest], None]
"""Brings the bytes of a blob from a registry that has it. Raises: NotFound; Unavailable; Corrupt."""


def restore(kept: BlobStore, spared: SparedRecord, files: LayerFiles, fetch: Fetch) -> None:
    """Put a spared blob back on disk. Raises: Corrupt where its bytes do not come out again; what `fetch` raises."""
    while (ingest := take_turn(kept, spared.digest, spared.size)) is not None and ingest.offset:
        ingest.abort()  # left half done, perhaps on another way than ours
    if ingest is None:
        return
    with ingest:
        if spared.recipe:
            with files.open(spared.diff_id) as file:
                pack(file.open_tar(), spared.recipe, ingest.write)
            if ingest.digest != spared.digest:
                raise _otherwise(spared)
        else:
            fetch(spared, ingest)
        ingest.commit(spared.digest, spared.size)


def _otherwise(spared: SparedRecord) -> Corrupt:
    return Corrupt(
        "blob {digest} does not come out as it was: it was packed by {recipe}", digest=spared.digest,
        recipe=spared.recipe, hint="the layer itself is whole; install that version of the encoder to push it",
    )  # fmt: skip


def spare(store: Store, image: Image, files: LayerFiles) -> int:
    """Let the blobs of an image's layers go, those that can be had again. How many bytes that frees.

    Order: when the image is recorded. Each is put down as spared before it goes, so that none is ever lost.
    """
    freed = 0
    for layer in image.layers:
        size = store.kept.stat(layer.descriptor.digest)
        if size is None or not files.has(layer.diff_id):
            continue
        recipe = _recipe(store, layer, files)
        if recipe is None:
            continue
        record = SparedRecord(layer.descriptor.digest, layer.diff_id, layer.descriptor.size, recipe)
        store.records.put_spared(record)
        store.kept.delete(layer.descriptor.digest)
        freed += size
    return freed


def _recipe(store: Store, layer: Layer, files: LayerFiles) -> str | None:
    """How a layer's blob can be had again: "" from a registry, else by a recipe, tried out; None where in no way."""
    digest = layer.descriptor.digest
    kind = media.compression_of(layer.descriptor.media_type)
    recipe = None if kind is None else recipe_of(cast(Kind, kind))
    known = store.records.find_spared(digest)
    if known is not None and known.recipe == recipe:  # of another version it may not come true any more
        return recipe
    if store.records.list_sources(digest):
        return ""
    if recipe is None:
        return None
    with files.open(layer.diff_id) as file:
        return recipe if packs_to(file.open_tar(), recipe) == digest else None
