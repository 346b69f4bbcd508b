"""The descriptor: what a blob is, its digest and its size."""

from __future__ import annotations

import msgspec

from capas.errors import Corrupt
from capas.oci import media
from capas.oci.digest import Digest
from capas.oci.platform import Platform


class PlatformDocument(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A platform as documents write it."""

    architecture: str = ""
    os: str = ""
    os_version: str = msgspec.field(default="", name="os.version")
    os_features: tuple[str, ...] = msgspec.field(default=(), name="os.features")
    variant: str = ""

    @classmethod
    def of(cls, platform: Platform) -> PlatformDocument:
        """A platform in normal form."""
        return cls(os=platform.os, architecture=platform.architecture, variant=platform.variant)

    @property
    def normal(self) -> Platform:
        """In normal form."""
        return Platform.of(self.os, self.architecture, self.variant)


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, rename="camel"):
    """A reference to a blob by content. `size` is in bytes.

    Spec: OCI image-spec, descriptor.md.
    """

    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...] = ()
    annotations: dict[str, str] = {}
    data: str | None = None
    artifact_type: str | None = None
    platform: PlatformDocument | None = None

    def __post_init__(self) -> None:
        if self.size < 0:
            raise Corrupt("descriptor of {digest} has a negative size", digest=self.digest)

    @property
    def is_index(self) -> bool:
        """Whether it points at an index."""
        return self.media_type in media.INDEXES


def decode_digest(kind: type, value: object) -> object:
    """msgspec's hook for digests inside documents. Raises: Invalid, and Corrupt for what is not even text."""
    if isinstance(kind, type) and issubclass(kind, Digest):
        if not isinstance(value, str):
            raise Corrupt("a digest is not text: {value!r}", value=str(value)[:40])
        return kind.parse(value)
    raise NotImplementedError(kind)


def encode_digest(value: object) -> object:
    """msgspec's hook for digests on their way out."""
    if isinstance(value, Digest):
        return str.__str__(value)
    raise NotImplementedError(type(value))
