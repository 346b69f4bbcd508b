"""An OCI image layout: a directory of blobs with an index beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from capas.errors import Corrupt, NotFound
from capas.image.image import Image
from capas.image.index import ImageIndex, open_image
from capas.image.names import REF_NAME, names_of
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES, decode
from capas.oci.platform import Platform
from capas.reference import DEFAULT_TAG, Reference
from capas.store.blobs import DirectoryBlobs
from capas.store.disk import disk_errors


class LayoutMark(msgspec.Struct, frozen=True):
    """The file `oci-layout`."""

    version: str = msgspec.field(name="imageLayoutVersion")


class Layout:
    """A `BlobSource` over an OCI image layout at `path`, only read.

    Raises: NotFound where there is none; Corrupt for one of another version or with a broken index.
    Spec: OCI image-spec, image-layout.md.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._blobs = DirectoryBlobs(path)
        mark = decode(self._read("oci-layout"), LayoutMark, "oci-layout file")
        check_version(mark.version)
        self.index = ImageIndex(self, self._read("index.json"))

    def open(self, digest: Digest) -> BinaryIO:
        """The blob from its first byte. Raises: NotFound, also for what is no file."""
        path = self._blobs.path(digest)
        if not path.is_file():
            raise NotFound("no such blob: {digest}", digest=digest)
        return self._blobs.open(digest)

    def contains(self, digest: Digest) -> bool:
        """Whether `open` would find it."""
        return self._blobs.path(digest).is_file()

    def images(self, platform: Platform) -> Iterator[tuple[Image, list[Reference]]]:
        """Each image that suits the platform, with the names that the index gives it. Raises: NotFound; Corrupt."""
        for descriptor in self.index.manifests:
            image = open_image(self, descriptor.digest, platform, media_type=descriptor.media_type)
            yield image, names_of(descriptor)

    def find(self, platform: Platform, *, tag: str = "", digest: Digest | None = None) -> Image:
        """The image of this tag or digest (of an index or a manifest); without either, the only one, or `latest`.

        Raises: NotFound, naming what there is; Corrupt.
        """
        if digest is not None:
            return open_image(self, digest, platform)
        entry = self.find_entry(tag)
        return open_image(self, entry.digest, platform, media_type=entry.media_type)

    def find_entry(self, tag: str = "") -> Descriptor:
        """What the index says under this tag; without one, of the only entry, or of `latest`. Raises: NotFound."""
        entries = self.index.manifests
        if tag or len(entries) != 1:
            entries = tuple(one for one in entries if (tag or DEFAULT_TAG) in _tags(one))
        if not entries:
            known = ", ".join(sorted({name for one in self.index.manifests for name in _tags(one)}))
            hint = "it has {known}" if known else ""
            raise NotFound("no image {tag} in the OCI layout {path}", tag=tag or DEFAULT_TAG, path=self.path,
                           known=known, hint=hint)  # fmt: skip
        return entries[0]

    def _read(self, name: str) -> bytes:
        try:
            fd = os.open(self.path / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound("{path} is no OCI layout: it has no {name}", path=self.path, name=name) from None
        with disk_errors(self.path / name), open(fd, "rb") as file:
            return file.read(MAX_BYTES + 1)


def _tags(descriptor: Descriptor) -> list[str]:
    """What an entry can be asked for by: its tag, whether its annotation holds that alone or a whole name."""
    named = [reference.tag for reference in names_of(descriptor) if reference.tag]
    alone = descriptor.annotations.get(REF_NAME, "")
    return [*named, alone] if alone and ":" not in alone and "/" not in alone else named


def check_version(version: str) -> None:
    """Raises: Corrupt for a layout that is not of version 1."""
    if version.split(".", maxsplit=1)[0] != "1":
        raise Corrupt("the OCI layout is of version {version}, not 1", version=version)
