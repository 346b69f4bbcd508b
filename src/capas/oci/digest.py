"""Names of bytes at rest: `sha256:<hex>`, checked before it can touch a path or a URL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from capas.errors import Invalid, Unsupported

if TYPE_CHECKING:
    import hashlib

_SHA256 = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_ANY = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+", re.ASCII)


class Digest(str):
    """The digest of some bytes.

    Spec: OCI image-spec, descriptor.md, "Digests". Only sha256 is written or read: no registry serves another.

    >>> Digest.of(b"")
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The digest that `text` names.

        Raises: Invalid for anything but an algorithm, a colon and lower-case hex; Unsupported for another algorithm.
        """
        if _SHA256.fullmatch(text):
            return cls(text)
        if len(text) < 256 and _ANY.fullmatch(text) and not text.startswith("sha256:"):
            raise Unsupported("digest {text}: only sha256 is supported", text=text)
        raise Invalid(
            "not a digest: {text!r}", text=text[:100], hint="a digest is sha256: and 64 lower-case hex digits"
        )

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Self:
        """The digest of these bytes."""
        import hashlib  # loads OpenSSL: a listing names digests and makes none

        return cls("sha256:" + hashlib.sha256(data).hexdigest())

    @classmethod
    def of_hash(cls, sha256: hashlib._Hash) -> Self:
        """The digest of what a running sha256 has seen."""
        return cls("sha256:" + sha256.hexdigest())

    @property
    def hex(self) -> str:
        """The 64 hex digits."""
        return self[7:]

    @property
    def short(self) -> str:
        """The first 12 hex digits, as docker prints ids."""
        return self[7:19]


class DiffID(Digest):
    """The digest of a layer's uncompressed tar."""

    __slots__ = ()


class ChainID(Digest):
    """The name of a stack of layers."""

    __slots__ = ()


class ImageID(Digest):
    """The digest of an image's config document."""

    __slots__ = ()


def chain_id(diff_ids: Iterable[DiffID], parent: ChainID | None = None) -> ChainID:
    """The chain id of the layers, bottom first, on top of `parent`.

    Raises: Invalid for no layer at all.
    Spec: OCI image-spec, config.md, "Layer ChainID".
    """
    chain = parent
    for diff_id in diff_ids:
        chain = ChainID(diff_id) if chain is None else ChainID.of(f"{chain} {diff_id}".encode())
    if chain is None:
        raise Invalid("an image without layers has no chain id")
    return chain
