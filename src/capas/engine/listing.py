"""What `image ls` lists: one row a name, filtered. Reads records only, never a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from capas.clock import now_ns
from capas.dockerfile.match import match
from capas.engine.container_times import parse_moment
from capas.engine.lookup import get_image
from capas.errors import Invalid
from capas.oci.digest import Digest, ImageID
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.records import ImageRecord, Records

_REFERENCE = "reference="
FILTERS = ("before", "dangling", "label", "label!", "reference", "since", "until")


class ImageSummary(NamedTuple):
    """One row: an image under one of its names. `repository` and `tag` are None for an image without a name."""

    image_id: ImageID
    repository: str | None
    tag: str | None
    digest: Digest | None
    created_ns: int
    size: int
    labels: Mapping[str, str]
    platform: Platform


Test = Callable[[ImageSummary], bool]


def list_images(records: Records, *, name: str | None = None, filters: Sequence[str] = ()) -> list[ImageSummary]:
    """The images here, newest first. `name` is a repository, with or without a tag; `filters` are docker's `key=value`.

    Raises: Invalid for a filter that is not docker's.
    """
    tests = [_test(records, text) for text in filters if not text.startswith(_REFERENCE)]
    patterns = [_like(text.removeprefix(_REFERENCE)) for text in filters if text.startswith(_REFERENCE)]
    if patterns:  # alternatives, as docker has it; the others add up
        tests.append(lambda row: any(fits(row) for fits in patterns))
    if name:
        tests.append(_named(name))
    rows = [row for row in _rows(records) if all(test(row) for test in tests)]
    return sorted(rows, key=lambda row: (-row.created_ns, row.repository or "~", row.tag or ""))


def _rows(records: Records) -> Iterable[ImageSummary]:
    names: dict[ImageID, list[Reference]] = {}
    for row in records.list_names():
        names.setdefault(row.image_id, []).append(row.reference)
    digests: dict[ImageID, dict[str, Digest]] = {}
    for repository, digest, image_id in records.list_digests():
        digests.setdefault(image_id, {})[repository] = digest
    for record in records.iter_images():
        known = digests.get(record.image_id, {})
        tagged = names.get(record.image_id, [])
        for reference in tagged:
            yield _row(record, reference.familiar_name, reference.tag, known.get(reference.name))
        for repository, digest in known.items() if not tagged else ():
            yield _row(record, Reference.parse(repository).familiar_name, None, digest)
        if not tagged and not known:
            yield _row(record, None, None, None)


def _row(record: ImageRecord, repository: str | None, tag: str | None, digest: Digest | None) -> ImageSummary:
    return ImageSummary(
        record.image_id, repository, tag, digest, record.created_ns, record.size, record.labels, record.platform
    )


def _test(records: Records, text: str) -> Test:
    key, equals, value = text.partition("=")
    if not equals or key not in FILTERS:
        raise Invalid("not an image filter: {filter!r}", filter=text, hint="filters are: " + ", ".join(FILTERS))
    if key == "dangling":
        return _dangling(value)
    if key in ("label", "label!"):
        return _labelled(value, key == "label")
    if key == "until":
        end_ns = parse_moment(value, now_ns())
        return lambda row: row.created_ns < end_ns
    border = get_image(records, value).record
    if key == "before":
        return lambda row: row.created_ns < border.created_ns
    return lambda row: row.created_ns > border.created_ns


def _dangling(value: str) -> Test:
    if value.lower() not in ("true", "false", "1", "0"):
        raise Invalid("dangling is true or false, not {value!r}", value=value)
    wanted = value.lower() in ("true", "1")
    return lambda row: (row.tag is None) == wanted


def _labelled(value: str, wanted: bool) -> Test:
    name, has_value, text = value.partition("=")
    return lambda row: (name in row.labels and (not has_value or row.labels[name] == text)) == wanted


def _like(pattern: str) -> Test:
    return lambda row: any(match(pattern, name) for name in _names(row))


def _named(name: str) -> Test:
    if any(c in name for c in "*?["):
        return _like(name)
    reference = Reference.parse(name)

    def test(row: ImageSummary) -> bool:
        if row.repository != reference.familiar_name:
            return False
        return reference.tag in (None, row.tag) and reference.digest in (None, row.digest)

    return test


def _names(row: ImageSummary) -> list[str]:
    return [] if row.repository is None else [row.repository, f"{row.repository}:{row.tag}"]
