"""What a file of an image holds, out of its layer's bytes: nothing is unpacked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from capas.errors import Corrupt
from capas.layer.contents import UNKNOWN
from capas.layer.tree import Tree

_CHUNK = 1 << 20


def iter_body(tree: Tree, path: str) -> Iterator[bytes]:
    """The bytes of a regular file, piece by piece; links are followed, inside the image.

    They are compared with the digest that the layer's table of contents, which was verified whole, has of them.
    Raises: NotFound; Invalid for anything but a file; Corrupt, with the last piece.
    """
    name = os.fsencode(path)
    sha256 = hashlib.sha256()
    with tree.open(name) as body:
        while data := body.read(_CHUNK):
            sha256.update(data)
            yield data
    found = tree.locate(name)
    if found and found.sum not in (UNKNOWN, sha256.digest()):
        raise Corrupt("{path} in the image is not what its layer had: damaged on the way", path=path)
