"""Names and records in SQLite: what `image ls` reads instead of manifests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from capas.errors import Invalid, NotFound
from capas.oci.digest import DiffID, Digest, ImageID
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.database import Database
from capas.store.record import ImageRecord, LayerRecord, NameRecord, SparedRecord, StepTime

__all__ = ["ImageRecord", "LayerRecord", "NameRecord", "Records", "SparedRecord"]

_PREFIX = re.compile(r"(?:sha256:)?([0-9a-f]{0,64})", re.ASCII)
_IMAGE = (
    "SELECT image.id, image.manifest, media_type, created_ns, size, os, architecture, variant, labels, parent, digests"
    " FROM image JOIN manifest ON manifest.image = image.id AND manifest.digest = image.manifest"
)
_NAME = "SELECT domain, path, tag, image, manifest FROM name"


class Records:
    """The records in the file `path`, for many threads and processes at once. Each change is atomic and durable."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    def transaction(self) -> AbstractContextManager[object]:
        """A block whose changes happen together or not at all."""
        return self._database.writing()

    def close(self) -> None:
        """Let go of the file. The next use opens it again."""
        self._database.close()

    # images

    def put_image(self, record: ImageRecord) -> None:
        """Remember an image. One that is known gets this manifest; a manifest that a name points at stays known too."""
        platform, digests = record.platform, " ".join(record.digests)
        with self._database.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO image VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (record.image_id, record.manifest, record.created_ns, record.size, *platform, _pack(record.labels),
                 record.parent),
            )  # fmt: skip
            db.execute(
                "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?)",
                (record.manifest, record.image_id, record.media_type, digests),
            )

    def put_index(self, image_id: ImageID, index: Digest, media_type: str, digests: Iterable[Digest]) -> None:
        """Remember an index that a known image is in, with every blob below it: it stays while a name points at it."""
        with self._database.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?)",
                (index, image_id, media_type, " ".join(dict.fromkeys(digests))),
            )

    def find_image(self, image_id: ImageID) -> ImageRecord | None:
        """The image of this id."""
        return next(iter(self._images(" WHERE image.id = ?", image_id)), None)

    def find_images(self, prefix: str) -> list[ImageRecord]:
        """The images whose id begins with these hex digits, with or without `sha256:`; none for other text."""
        match = _PREFIX.fullmatch(prefix)
        if match is None:
            return []
        low = "sha256:" + match[1]
        return self._images(" WHERE image.id >= ? AND image.id < ?", low, low + "g")

    def iter_images(self) -> Iterator[ImageRecord]:
        """Every image. Order: newest first, then by id."""
        return iter(self._images(" ORDER BY created_ns DESC, image.id"))

    def delete_image(self, image_id: ImageID) -> None:
        """Forget an image, its names and its digests. Idempotent."""
        with self._database.writing() as db:
            db.execute("DELETE FROM image WHERE id = ?", (image_id,))
            for table in ("manifest", "name", "digest", "step"):
                db.execute(f"DELETE FROM {table} WHERE image = ?", (image_id,))

    def put_times(self, image_id: ImageID, times: Sequence[StepTime]) -> None:
        """Remember what the newest steps of an image's history took, oldest first; what was known of it goes."""
        rows = [(image_id, number, *time) for number, time in enumerate(times)]
        with self._database.writing() as db:
            db.execute("DELETE FROM step WHERE image = ?", (image_id,))
            db.executemany("INSERT INTO step VALUES (?, ?, ?, ?)", rows)

    def list_times(self, image_id: ImageID) -> list[StepTime]:
        """What the newest steps of an image's history took, oldest first; nothing for one that was not built here."""
        query = "SELECT seconds, cached FROM step WHERE image = ? ORDER BY number"
        with self._database.reading() as db:
            rows = db.execute(query, (image_id,)).fetchall()
        return [StepTime(seconds, None if cached is None else bool(cached)) for seconds, cached in rows]

    def _images(self, where: str, *values: str) -> list[ImageRecord]:
        with self._database.reading() as db:
            return [_image(row) for row in db.execute(_IMAGE + where, values)]

    # names

    def set_name(self, reference: Reference, image_id: ImageID, manifest: Digest) -> None:
        """Point a tag at an image, whatever it pointed at before.

        Raises: Invalid for a reference without a tag; NotFound for an image that is not (or no longer) known.
        """
        if reference.tag is None:
            raise Invalid("{reference} has no tag to set", reference=reference)
        with self._database.writing() as db:
            if db.execute("SELECT 1 FROM image WHERE id = ?", (image_id,)).fetchone() is None:
                raise NotFound("no such image: {image}", image=image_id)
            row = (reference.domain, reference.path, reference.tag, image_id, manifest)
            db.execute("INSERT OR REPLACE INTO name VALUES (?, ?, ?, ?, ?)", row)

    def find_name(self, reference: Reference) -> NameRecord | None:
        """What the tag points at."""
        key = (reference.domain, reference.path, reference.tag)
        with self._database.reading() as db:
            row = db.execute(_NAME + " WHERE domain = ? AND path = ? AND tag = ?", key).fetchone()
        return None if row is None else _name(row)

    def list_names(self, image_id: ImageID | None = None) -> list[NameRecord]:
        """Every name, or those of one image. Order: by domain, path and tag."""
        where, values = (" WHERE image = ?", (image_id,)) if image_id else ("", ())
        with self._database.reading() as db:
            return [_name(row) for row in db.execute(_NAME + where + " ORDER BY domain, path, tag", values)]

    def list_needed(self) -> list[tuple[NameRecord, tuple[Digest, ...]]]:
        """Every name with the blobs that it needs: of an index, those of all its images. Order: as `list_names`."""
        query = (
            "SELECT domain, path, tag, name.image, manifest, digests FROM name"
            " JOIN manifest ON manifest.image = name.image AND manifest.digest = name.manifest ORDER BY 1, 2, 3"
        )
        with self._database.reading() as db:
            rows = db.execute(query).fetchall()
        return [(_name(row[:5]), (Digest(row[4]), *map(Digest, row[5].split()))) for row in rows]

    def delete_name(self, reference: Reference) -> None:
        """Forget a tag. Idempotent."""
        key = (reference.domain, reference.path, reference.tag)
        with self._database.writing() as db:
            db.execute("DELETE FROM name WHERE domain = ? AND path = ? AND tag = ?", key)

    # digests: under which digests registries know an image (docker's RepoDigests)

    def add_digest(self, name: str, digest: Digest, image_id: ImageID) -> None:
        """The repository `name` (with its registry) knows the image by this digest. Idempotent."""
        with self._database.writing() as db:
            db.execute("INSERT OR IGNORE INTO digest VALUES (?, ?, ?)", (name, digest, image_id))

    def list_digests(self, image_id: ImageID | None = None) -> list[tuple[str, Digest, ImageID]]:
        """Repository, digest and image, of one image or all. Order: by repository and digest."""
        where, values = (" WHERE image = ?", (image_id,)) if image_id else ("", ())
        query = "SELECT name, digest, image FROM digest" + where + " ORDER BY name, digest, image"
        with self._database.reading() as db:
            return [(name, Digest(digest), ImageID(image)) for name, digest, image in db.execute(query, values)]

    def delete_digests(self, image_id: ImageID) -> None:
        """Forget an image's digests. Idempotent."""
        with self._database.writing() as db:
            db.execute("DELETE FROM digest WHERE image = ?", (image_id,))

    def delete_digests_in(self, name: str, image_id: ImageID) -> None:
        """Forget an image's digests in one repository. Idempotent."""
        with self._database.writing() as db:
            db.execute("DELETE FROM digest WHERE name = ? AND image = ?", (name, image_id))

    # layers

    def put_layer(self, record: LayerRecord) -> None:
        """Remember a layer. Idempotent."""
        with self._database.writing() as db:
            db.execute("INSERT OR REPLACE INTO layer VALUES (?, ?, ?, ?, ?)", record)

    def find_layer(self, diff_id: DiffID) -> LayerRecord | None:
        """A blob that inflates to this layer; the smallest where there are several. Its bytes may be gone by now."""
        return self._layer("diff_id", diff_id)

    def find_layer_of(self, digest: Digest) -> LayerRecord | None:
        """The layer that this blob inflates to."""
        return self._layer("digest", digest)

    def _layer(self, column: str, value: Digest) -> LayerRecord | None:
        query = f"SELECT * FROM layer WHERE {column} = ? ORDER BY size, digest LIMIT 1"
        with self._database.reading() as db:
            row = db.execute(query, (value,)).fetchone()
        return None if row is None else LayerRecord(DiffID(row[0]), Digest(row[1]), *row[2:])

    def iter_layers(self) -> Iterator[LayerRecord]:
        """Every layer that was ever here and whose blob gc has not deleted."""
        with self._database.reading() as db:
            rows = db.execute("SELECT * FROM layer ORDER BY diff_id, size, digest").fetchall()
        return (LayerRecord(DiffID(row[0]), Digest(row[1]), *row[2:]) for row in rows)

    def add_source(self, digest: Digest, domain: str, path: str) -> None:
        """The repository has the blob, so that another one there can mount it. Idempotent."""
        with self._database.writing() as db:
            db.execute("INSERT OR IGNORE INTO source VALUES (?, ?, ?)", (digest, domain, path))

    def list_sources(self, digest: Digest) -> list[tuple[str, str]]:
        """Registries and repositories that had the blob. Order: by registry and repository."""
        query = "SELECT domain, path FROM source WHERE digest = ? ORDER BY domain, path"
        with self._database.reading() as db:
            return db.execute(query, (digest,)).fetchall()

    # spared blobs: not kept, since they can be had again

    def put_spared(self, record: SparedRecord) -> None:
        """A blob may go. Idempotent. Order: before it goes."""
        with self._database.writing() as db:
            db.execute("INSERT OR REPLACE INTO spared VALUES (?, ?, ?, ?)", record)

    def find_spared(self, digest: Digest) -> SparedRecord | None:
        """How a blob that is not here is to be had again."""
        with self._database.reading() as db:
            row = db.execute("SELECT * FROM spared WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else SparedRecord(Digest(row[0]), DiffID(row[1]), row[2], row[3])

    def iter_spared(self) -> Iterator[SparedRecord]:
        """Every blob that was spared, whether it is here by now or not."""
        with self._database.reading() as db:
            rows = db.execute("SELECT * FROM spared ORDER BY digest").fetchall()
        return (SparedRecord(Digest(row[0]), DiffID(row[1]), row[2], row[3]) for row in rows)

    # what gc and fsck ask

    def live_digests(self) -> set[Digest]:
        """Every blob that an image needs: the manifests that it or one of its names has, and what they need."""
        query = (
            "SELECT digest, digests FROM manifest"
            " WHERE digest IN (SELECT manifest FROM image UNION SELECT manifest FROM name)"
        )
        with self._database.reading() as db:
            rows = db.execute(query).fetchall()
        return {Digest(text) for manifest, digests in rows for text in (manifest, *digests.split())}

    def forget_blobs(self, digests: Iterable[Digest]) -> None:
        """Blobs are gone: forget the layers they were and where they came from."""
        keys = [(digest,) for digest in digests]
        with self._database.writing() as db:
            db.executemany("DELETE FROM layer WHERE digest = ?", keys)
            db.executemany("DELETE FROM source WHERE digest = ?", keys)
            db.executemany("DELETE FROM spared WHERE digest = ?", keys)


def _image(row: tuple[Any, ...]) -> ImageRecord:
    image_id, manifest, media_type, created_ns, size, os, architecture, variant, labels, parent, digests = row
    return ImageRecord(
        ImageID(image_id), Digest(manifest), media_type, created_ns, size, Platform(os, architecture, variant),
        _unpack(labels), ImageID(parent) if parent else None, tuple(Digest(text) for text in digests.split()),
    )  # fmt: skip


def _name(row: tuple[str, str, str, str, str]) -> NameRecord:
    domain, path, tag, image_id, manifest = row
    return NameRecord(Reference(domain, path, tag), ImageID(image_id), Digest(manifest))


def _pack(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    import json

    return json.dumps(dict(labels), sort_keys=True)


def _unpack(text: str) -> Mapping[str, str]:
    if not text:
        return {}
    import json

    labels: dict[str, str] = json.loads(text)
    return labels
