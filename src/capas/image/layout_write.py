"""Writing an OCI image layout: blobs first, each whole or not at all, then the index that names them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from capas.image.archive_documents import INDEX_JSON
from capas.image.archive_save import Blob
from capas.oci.digest import Digest
from capas.store.blobs import DirectoryBlobs
from capas.store.disk import disk_errors
from capas.store.put import take_turn

_CHUNK = 1 << 20


def write_layout(path: Path, documents: Mapping[str, bytes], blobs: Mapping[Digest, Blob]) -> None:
    """Write a layout into a directory; a blob that is there is not written again, and none is taken away.

    Atomic: the index moves last, so that a reader sees the old layout or the new one.
    Raises: Corrupt; NotFound for a blob that is missing; Exhausted; Denied.
    Spec: OCI image-spec, image-layout.md.
    """
    with disk_errors(path):
        (path / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    place = DirectoryBlobs(path)
    for digest, (source, size) in blobs.items():
        ingest = take_turn(place, digest, size)
        if ingest is None:
            continue
        with ingest, source.open(digest) as file:
            file.seek(ingest.offset)
            while data := file.read(_CHUNK):
                ingest.write(data)
            ingest.commit(digest, size)
    with disk_errors(path):
        for name, document in sorted(documents.items(), key=lambda item: item[0] == INDEX_JSON):
            partial = path / f".{name}.partial"
            partial.write_bytes(document)
            partial.replace(path / name)
        shutil.rmtree(path / "ingest", ignore_errors=True)
