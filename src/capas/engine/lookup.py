"""From what a person typed to the image that is here."""

from __future__ import annotations

import re
from typing import NamedTuple

from capas.errors import Conflict, Invalid, NotFound
from capas.oci.digest import ImageID
from capas.reference import Reference
from capas.store.records import ImageRecord, Records

_ID = re.compile(r"(?:sha256:)?([0-9a-f]{1,64})", re.ASCII)


class Found(NamedTuple):
    """An image and the name it was found by (None: by its id)."""

    record: ImageRecord
    reference: Reference | None


def find_image(records: Records, text: str) -> Found | None:
    """The image called `text`: a name, a name with a digest, an id or the beginning of one.

    Raises: Invalid where it can be neither; Conflict where the beginning fits several ids.
    """
    if re.fullmatch(r"[0-9a-f]{64}", text) or text.startswith("sha256:"):
        return _by_id(records, text)
    try:
        reference = Reference.parse(text)
    except Invalid:
        found = _by_id(records, text)
        if found is None:
            raise
        return found
    return _by_name(records, reference) or _by_id(records, text)


def get_named(records: Records, name: str) -> Reference:
    """The reference, with its tag, of an image that is called so here. Raises: NotFound."""
    reference = Reference.parse(name).with_default_tag()
    if records.find_name(reference) is None:
        raise NotFound(
            "no image here is called {image}", image=reference.familiar, hint="give it that name first: `capas tag`"
        )
    return reference


def get_image(records: Records, text: str) -> Found:
    """As `find_image`. Raises: NotFound too."""
    found = find_image(records, text)
    if found is None:
        raise NotFound(
            "no such image: {image}", image=text, hint="`capas images` lists what is here; `capas pull` brings it"
        )
    return found


def _by_name(records: Records, reference: Reference) -> Found | None:
    if reference.digest is not None:
        for name, digest, image_id in records.list_digests():
            if name == reference.name and digest == reference.digest:
                return _found(records, image_id, reference)
        return None
    named = reference.with_default_tag()
    row = records.find_name(named)
    return _found(records, row.image_id, named) if row else None


def _found(records: Records, image_id: ImageID, reference: Reference) -> Found | None:
    record = records.find_image(image_id)
    return Found(record, reference) if record else None


def _by_id(records: Records, text: str) -> Found | None:
    match = _ID.fullmatch(text)
    candidates = records.find_images(match[1]) if match else []
    if len(candidates) > 1:
        raise Conflict(
            "{image} is the beginning of {count} image ids: {ids}",
            image=text,
            count=len(candidates),
            ids=", ".join(record.image_id.short for record in candidates[:5]),
            hint="type more of the id",
        )
    return Found(candidates[0], None) if candidates else None
