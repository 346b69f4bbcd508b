"""A new layer: one pass from entries to a blob in the store."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from capas.errors import Corrupt
from capas.layer.compression import decompress
from capas.layer.create import LayerBlob, NewLayer
from capas.layer.entry import Entry
from capas.layer.reader import iter_entries
from capas.store.blobs import DirectoryBlobs

BODY = b"some words, again and again\n" * 100_000


def make(blobs: DirectoryBlobs, *, compression: str = "gzip", body: bytes = BODY) -> NewLayer:
    with LayerBlob(blobs, compression=compression, name="new") as layer:  # type: ignore[arg-type]
        layer.tar.add(Entry(b"f", size=len(BODY)), io.BytesIO(body))
        return layer.commit()


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_a_layer_is_stored_under_the_digest_of_its_blob_and_named_by_that_of_its_tar(
    tmp_path: Path, compression: str
) -> None:
    blobs = DirectoryBlobs(tmp_path)
    new = make(blobs, compression=compression)
    with blobs.open(new.descriptor.digest) as blob:
        data = blob.read()
    tar = decompress(io.BytesIO(data)).read()
    assert new.descriptor.size == len(data)
    assert new.descriptor.digest.hex == hashlib.sha256(data).hexdigest()
    assert new.diff_id.hex == hashlib.sha256(tar).hexdigest()
    assert new.uncompressed_size == len(tar)
    assert [body.read() for _, body in iter_entries(io.BytesIO(tar))] == [BODY]


def test_the_same_entries_make_the_same_layer(tmp_path: Path) -> None:
    assert make(DirectoryBlobs(tmp_path / "a")) == make(DirectoryBlobs(tmp_path / "b"))


@pytest.mark.parametrize("body", [BODY[:-1], BODY + b"x"])
def test_a_file_that_changes_while_it_is_read_makes_no_layer(tmp_path: Path, body: bytes) -> None:
    blobs = DirectoryBlobs(tmp_path)
    with pytest.raises(Corrupt, match="changed while it was read"):
        make(blobs, body=body)
    assert list(blobs.iterate()) == []
