"""The tables of contents of an image's layers, each made once and kept, and the tree that they make."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from capas.errors import Corrupt, Unsupported
from capas.events import Advanced, Finished, Report, Started, ignore
from capas.image.image import Image
from capas.image.kept_contents import trim_contents
from capas.layer.ahead import reading_ahead
from capas.layer.compression import decompress
from capas.layer.contents import Contents, read_contents, uncollected
from capas.layer.entry import Layer
from capas.layer.files import LayerFiles
from capas.layer.hashed import Hashed
from capas.layer.tree import Tree
from capas.parallel import Nursery
from capas.store.contract import BlobSource, Readable
from capas.store.disk import disk_errors

_THREADS = 2  # headers are read in Python, one thread at a time; inflating and hashing beside them
_LARGE = 4 << 20
"""Bytes of a packed layer that take long enough to be told of."""


def find_contents(
    source: BlobSource,
    layer: Layer,
    folder: Path,
    files: LayerFiles | None = None,
    *,
    digested: bool = False,
    report: Report = ignore,
) -> Contents:
    """The table of contents of a layer: its file's, or from `folder` where it was made before. Atomic.

    `digested`: it tells the digests of the files too, and every entry of the tar, those that it replaces itself too.
    Raises: NotFound; Corrupt, also where the blob is not what inflates to the layer's diff_id.
    """
    filed = files is not None and files.has(layer.diff_id)
    if files is not None and filed and not digested:
        with files.open(layer.diff_id) as file:
            return Contents.of(file.entries())
    path = folder / layer.diff_id.hex
    contents = _load(path)
    if contents is None or (digested and not contents.is_digested):
        contents = _read_filed(files, layer) if files is not None and filed else _read(source, layer, digested, report)
        _keep(contents, path)
    return contents


def _load(path: Path) -> Contents | None:
    """What is kept, None where it was not read yet, or by another version. To be asked for makes it young."""
    try:
        contents = Contents.load(path.read_bytes())
        os.utime(path)
    except (OSError, Corrupt, Unsupported):
        return None
    return contents


def _read(source: BlobSource, layer: Layer, digested: bool, report: Report) -> Contents:
    """A large layer is inflated and hashed by a thread of its own, while we read its headers and hash its files."""
    large = layer.descriptor.size > _LARGE
    report = report if large else ignore
    report(Started(layer.diff_id.short, "Reading layer", layer.descriptor.size))
    with source.open(layer.descriptor.digest) as blob:
        tar = Hashed(decompress(_Told(blob, layer, report)))
        with reading_ahead(tar) if large else contextlib.nullcontext(tar) as ahead:
            contents = read_contents(ahead, digested=digested)
        tar.finish(layer.diff_id)
    report(Finished(layer.diff_id.short, "Read"))
    return contents


class _Told:
    """A layer's blob, of whose coming somebody hears."""

    def __init__(self, blob: Readable, layer: Layer, report: Report) -> None:
        self._blob, self._report = blob, report
        self._id, self._total = layer.diff_id.short, layer.descriptor.size
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        """As the blob."""
        data = self._blob.read(size)
        self._done += len(data)
        self._report(Advanced(self._id, self._done, self._total, "Reading layer"))
        return data


def _read_filed(files: LayerFiles, layer: Layer) -> Contents:
    """From the layer's file, whose tar was verified when it came."""
    with files.open(layer.diff_id) as file:
        return read_contents(file.open_tar(), digested=True)


def _keep(contents: Contents, path: Path) -> None:
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        partial.write_bytes(contents.dump())
        partial.replace(path)
    trim_contents(path.parent)


@contextlib.contextmanager
def opened_tree(
    image: Image,
    folder: Path,
    files: LayerFiles | None = None,
    *,
    digested: bool = False,
    report: Report = ignore,
) -> Iterator[Tree]:
    """What a container of the image would see, not unpacked: from the layers' `files` where they are there.

    `folder` keeps the tables of contents of the others, and of all where they are `digested` (see `find_contents`).
    Raises: NotFound for a blob that is not here; Corrupt.
    """
    source, layers = image.source, image.layers
    with contextlib.ExitStack() as stack:

        def open_tar(number: int) -> Readable:
            if files is not None and files.has(layers[number].diff_id):
                return stack.enter_context(files.open(layers[number].diff_id)).open_tar()
            return decompress(stack.enter_context(source.open(layers[number].descriptor.digest)))

        def find(layer: Layer) -> Contents:
            return find_contents(source, layer, folder, files, digested=digested, report=report)

        with uncollected():
            with Nursery(_THREADS) as nursery:
                tasks = [nursery.start(find, layer) for layer in layers]
            tree = Tree([task.wait() for task in tasks], open_tar)
        yield tree
