"""fsck: every blob read and compared with its name, every record with the blobs it needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from capas.errors import NotFound
from capas.events import Advanced, Report
from capas.oci.digest import Digest
from capas.reference import Reference
from capas.store.contract import BlobStore
from capas.store.record import ImageRecord
from capas.store.records import Records

_CHUNK = 1024 * 1024


class Finding(NamedTuple):
    """Something wrong: `kind` is "damaged", "missing" or "dangling", `subject` a digest or name, `text` says what."""

    kind: str
    subject: str
    text: str
    repaired: bool


def check(blobs: BlobStore, records: Records, *, repair: bool, report: Report) -> list[Finding]:
    """What is wrong. Order: damaged blobs, then images and names that miss something."""
    damaged = _check_blobs(blobs, report)
    missing = {
        finding.subject: finding for finding in (*_check_images(blobs, records), *_check_indexes(blobs, records))
    }
    findings = [*damaged, *missing.values(), *_check_names(records)]
    return [_repair(finding, blobs, records) for finding in findings] if repair else findings


def _check_blobs(blobs: BlobStore, report: Report) -> Iterator[Finding]:
    done = 0
    for digest, size in blobs.iterate():
        actual = _digest(blobs, digest)
        done += size
        report(Advanced("check", done, text="Checking"))
        if actual is not None and actual != digest:
            yield Finding("damaged", digest, f"its {size} bytes have the digest {actual}", False)


def _digest(blobs: BlobStore, digest: Digest) -> Digest | None:
    sha256 = hashlib.sha256()
    try:
        with blobs.open(digest) as file:
            while chunk := file.read(_CHUNK):
                sha256.update(chunk)
    except NotFound:  # deleted while we looked
        return None
    return Digest.of_hash(sha256)


def _check_images(blobs: BlobStore, records: Records) -> Iterator[Finding]:
    for image in records.iter_images():
        for digest in dict.fromkeys((image.manifest, *image.digests)):
            if not blobs.contains(digest) and _is_still_there(records, image):
                yield Finding("missing", digest, f"image {image.image_id.short} needs it: pull the image again", False)


def _check_indexes(blobs: BlobStore, records: Records) -> Iterator[Finding]:
    """What a name needs beside its image: the other images of an index."""
    for name, digests in records.list_needed():
        for digest in digests:
            if not blobs.contains(digest) and records.find_name(name.reference) == name:
                yield Finding("missing", digest, f"{name.reference.familiar} needs it: pull or build it again", False)


def _is_still_there(records: Records, image: ImageRecord) -> bool:
    return records.find_image(image.image_id) == image


def _check_names(records: Records) -> Iterator[Finding]:
    for name in records.list_names():
        if records.find_image(name.image_id) is None and records.find_name(name.reference) == name:
            yield Finding("dangling", str(name.reference), f"it points at no image ({name.image_id.short})", False)


def _repair(finding: Finding, blobs: BlobStore, records: Records) -> Finding:
    if finding.kind == "damaged":
        blobs.delete(Digest(finding.subject))
        records.forget_blobs([Digest(finding.subject)])
    elif finding.kind == "dangling":
        records.delete_name(Reference.parse(finding.subject))
    else:
        return finding
    return finding._replace(repaired=True)
