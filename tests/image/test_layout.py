"""OCI image layouts on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capas.errors import Corrupt, NotFound
from capas.image.image import Image
from capas.image.layout import Layout
from capas.image.validate import validate
from capas.oci.digest import Digest
from capas.oci.document import encode
from capas.oci.manifest import Index
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.blobs import DirectoryBlobs
from support.images import make_image

FILES = {"a": b"1"}


def make_layout(path: Path, name: str = "docker.io/library/app:1") -> Image:
    image = make_image(DirectoryBlobs(path), FILES)
    import msgspec

    entry = msgspec.structs.replace(image.descriptor, annotations={"org.opencontainers.image.ref.name": name})
    (path / "index.json").write_bytes(encode(Index(schema_version=2, manifests=(entry,))))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return image


def test_a_layout_is_a_source_of_its_images(tmp_path: Path) -> None:
    image = make_layout(tmp_path)
    [(found, names)] = Layout(tmp_path).images(Platform())
    assert (found.digest, names) == (image.digest, [Reference.parse("app:1")])
    validate(Layout(tmp_path), image.digest)


def test_a_tag_alone_is_no_name(tmp_path: Path) -> None:
    make_layout(tmp_path, "latest")
    assert [names for _, names in Layout(tmp_path).images(Platform())] == [[]]


def test_a_directory_that_is_no_layout_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no OCI layout"):
        Layout(tmp_path)
    with pytest.raises(NotFound):
        Layout(tmp_path / "missing")


def test_a_layout_of_another_version_is_refused(tmp_path: Path) -> None:
    make_layout(tmp_path)
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}')
    with pytest.raises(Corrupt, match=r"2\.0\.0"):
        Layout(tmp_path)


def test_a_blob_that_is_no_file_is_not_there(tmp_path: Path) -> None:
    image = make_layout(tmp_path)
    path = tmp_path / "blobs" / "sha256" / image.digest.hex
    path.unlink()
    os.mkfifo(path)
    layout = Layout(tmp_path)
    assert not layout.contains(image.digest)
    with pytest.raises(NotFound):
        layout.open(image.digest)


def test_a_blob_that_is_a_link_elsewhere_is_verified(tmp_path: Path) -> None:
    image = make_layout(tmp_path)
    (tmp_path / "secret").write_text("secret")
    path = tmp_path / "blobs" / "sha256" / Digest(image.id).hex
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(Corrupt):
        _ = Image.open(Layout(tmp_path), image.digest).config
