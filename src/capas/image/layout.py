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
from capas.image.names import names_of
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES, decode
from capas.oci.platform import Platform
from capas.reference import Reference
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

    def _read(self, name: str) -> bytes:
        try:
            fd = os.open(self.path / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound("{path} is no OCI layout: it has no {name}", path=self.path, name=name) from None
        with disk_errors(self.path / name), open(fd, "rb") as file:
            return file.read(MAX_BYTES + 1)


def check_version(version: str) -> None:
    """Raises: Corrupt for a layout that is not of version 1."""
    if version.split(".", maxsplit=1)[0] != "1":
        raise Corrupt("the OCI layout is of version {version}, not 1", version=version)
