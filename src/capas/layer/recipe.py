"""How a blob was made of a layer's tar, so that its very bytes can be made again: encoder, version and level."""

from __future__ import annotations

import hashlib
from importlib import metadata
from typing import Protocol, cast

from capas.layer.compression import GZIP_LEVEL, ZSTD_LEVEL, Kind, compressor
from capas.oci.digest import Digest
from capas.store.contract import Readable

_CHUNK = 1 << 20
_LEVELS = {"gzip": GZIP_LEVEL, "zstd": ZSTD_LEVEL, "none": 0}


class Sink(Protocol):
    """Where the bytes go."""

    def __call__(self, data: bytes, /) -> object: ...


def recipe_of(kind: Kind, level: int | None = None) -> str:
    """The recipe by which this installation packs: `gzip isal-1.8.0 2`."""
    return f"{kind} {_encoder(kind)} {_LEVELS[kind] if level is None else level}"


def pack(tar: Readable, recipe: str, out: Sink) -> None:
    """Pack a tar by the kind and level of a recipe. Another version of the encoder may give other bytes."""
    kind, _, level = recipe.split(" ")
    encoder = compressor(cast(Kind, kind), None if kind == "none" else int(level))
    while data := tar.read(_CHUNK):
        out(encoder.write(data))
    out(encoder.finish())


def packs_to(tar: Readable, recipe: str) -> Digest:
    """The digest of what a recipe makes of a tar."""
    sha256 = hashlib.sha256()
    pack(tar, recipe, sha256.update)
    return Digest.of_hash(sha256)


def _encoder(kind: Kind) -> str:
    if kind == "none":
        return "tar"
    name = {"gzip": "isal", "zstd": "zstandard"}[kind]
    return f"{name}-{metadata.version(name)}"
