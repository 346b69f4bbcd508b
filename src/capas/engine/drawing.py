"""What is drawn: images with their containers, and everything that is here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from capas.engine.removal import cached_blobs, cached_layers, iter_chains
from capas.errors import NotFound
from capas.image.steps import Step
from capas.look.forest import Block, Flag, Stack, grow, stack_image
from capas.look.picture import Picture
from capas.oci.digest import ChainID, Digest, ImageID
from capas.oci.platform import Platform

if TYPE_CHECKING:
    from capas.engine.engine import Engine
    from capas.image.image import Image
    from capas.layer.entry import Layer
    from capas.store.records import ImageRecord


def draw_images(
    engine: Engine, names: Sequence[str], platform: Platform | None = None, *, containers: bool = False
) -> Picture:
    """A picture of these images, wherever they are; with `containers`, those of them that are here on top.

    Units: unpacked bytes of a layer's tar, as history has them; packed ones for all where one image is not here.
    Raises: as `engine.look.opened`.
    """
    with ExitStack() as opened:
        images = {image.id: (name, image) for name in names
                  for image in [opened.enter_context(engine.look.opened(name, platform))]}  # fmt: skip
        layers = {layer.diff_id: layer for _, image in images.values() for layer in image.layers}
        unpacked = {diff_id: _unpacked(engine, layer) for diff_id, layer in layers.items()}
        packed = None in unpacked.values()
        stacks = []
        for name, image in images.values():
            stack = stack_image(
                image, _flag(engine, image, name),
                lambda layer: layer.descriptor.size if packed else unpacked[layer.diff_id] or 0,
            )  # fmt: skip
            stacks += [stack, *(_containers(engine, image.id, stack) if containers else ())]
        return Picture(grow(stacks), ", ".join(names), engine.settings.language)


def draw_store(engine: Engine) -> Picture:
    """A picture of all images here, each with the bytes that deleting it would free, or how many containers use it."""
    records = list(engine.store.records.iter_images())
    freed = freed_bytes(engine, records)
    users = Counter(one.image_id for one in engine.containers.list(every=True))
    stacks = []
    for record in records:
        image = engine.images.open(record)
        used = users[record.image_id]
        flag = _flag(engine, image)._replace(users=used, freed=None if used else freed[record.image_id])
        stacks.append(stack_image(image, flag, lambda layer: _unpacked(engine, layer) or 0))
    return Picture(grow(stacks), "capas system draw", engine.settings.language)


def freed_bytes(engine: Engine, records: Sequence[ImageRecord]) -> dict[ImageID, int]:
    """What the disk gets back if each of these, which are all images here, were deleted alone: blobs and trees."""
    needs = _needs(engine, records)
    shared = Counter(digest for digests in needs.values() for digest in digests)
    sizes = dict(engine.store.blobs.iterate())
    kept = set(cached_blobs(engine))
    chains = {record.image_id: list(iter_chains(engine.store.records, record)) for record in records}
    stacked = Counter(chain for found in chains.values() for chain, _ in found)
    kept_layers = cached_layers(engine)
    freed = {}
    for record in records:
        mine = {digest for digest in needs[record.image_id] if shared[digest] == 1} - kept
        trees = (chain for chain, layer in chains[record.image_id]
                 if stacked[chain] == 1 and layer.digest in mine and layer.diff_id not in kept_layers)  # fmt: skip
        freed[record.image_id] = sum(sizes.get(digest, 0) for digest in mine) + sum(_tree(engine, one) for one in trees)
    return freed


def _needs(engine: Engine, records: Sequence[ImageRecord]) -> dict[ImageID, set[Digest]]:
    """The blobs of each image: its own, and those of the indexes that its names point at."""
    needs = {record.image_id: {record.manifest, *record.digests} for record in records}
    for row, digests in engine.store.records.list_needed():
        needs[row.image_id].update(digests)
    return needs


def _tree(engine: Engine, chain: ChainID) -> int:
    try:
        return engine.snapshotter.usage(chain).size
    except NotFound:  # not unpacked
        return 0


def _flag(engine: Engine, image: Image, name: str = "") -> Flag:
    """All its names here; the one that was asked for where it has none."""
    known = [row.reference.familiar for row in engine.store.records.list_names(image.id)]
    return Flag(tuple(known) or ((name,) if name else ()), image.id.short)


def _containers(engine: Engine, image_id: ImageID, below: Stack) -> Iterator[Stack]:
    for one in engine.containers.using(image_id):
        step = Step(0, "", one.name, one.created_ns, "written")
        block = Block(one.id, None, engine.containers.size_of(one.id), step)
        yield Stack(Flag((one.name,), one.id[:12]), (*below.blocks, block))


def _unpacked(engine: Engine, layer: Layer) -> int | None:
    known = engine.store.records.find_layer(layer.diff_id)
    return known.uncompressed_size if known else None
