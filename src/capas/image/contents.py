"""The tables of contents of an image's layers, each made once and kept, and the tree that they make."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from capas.errors import Corrupt
from capas.image.image import Image
from capas.layer.compression import decompress
from capas.layer.contents import Contents, read_contents
from capas.layer.entry import Layer
from capas.layer.files import LayerFiles
from capas.layer.tree import Tree
from capas.store.contract import BlobSource, Readable
from capas.store.disk import disk_errors


def find_contents(source: BlobSource, layer: Layer, folder: Path, files: LayerFiles | None = None) -> Contents:
    """The table of contents of a layer: its file's, or from `folder` where it was made before. Atomic.

    Raises: NotFound; Corrupt.
    """
    if files is not None and files.has(layer.diff_id):
        with files.open(layer.diff_id) as file:
            return Contents(file.entries())
    path = folder / layer.diff_id.hex
    try:
        return Contents.load(path.read_bytes())
    except (OSError, Corrupt):  # not read yet, or by another version
        pass
    with source.open(layer.descriptor.digest) as blob:
        contents = read_contents(decompress(blob))
    with disk_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        partial.write_bytes(contents.dump())
        partial.replace(path)
    return contents


@contextlib.contextmanager
def opened_tree(image: Image, folder: Path, files: LayerFiles | None = None) -> Iterator[Tree]:
    """What a container of the image would see, not unpacked: from the layers' `files` where they are there.

    `folder` keeps the tables of contents of the others.

    Raises: NotFound for a blob that is not here; Corrupt.
    """
    source, layers = image.source, image.layers
    with contextlib.ExitStack() as stack:

        def open_tar(number: int) -> Readable:
            if files is not None and files.has(layers[number].diff_id):
                return stack.enter_context(files.open(layers[number].diff_id)).open_tar()
            return decompress(stack.enter_context(source.open(layers[number].descriptor.digest)))

        yield Tree([find_contents(source, layer, folder, files) for layer in layers], open_tar)
