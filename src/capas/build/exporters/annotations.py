"""Annotations: key and value, and where they are written: on manifests, the index, or the descriptors of either."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

from capas.errors import Invalid
from capas.oci.platform import Platform

Level = Literal["manifest", "index", "manifest-descriptor", "index-descriptor"]
LEVELS = ("manifest", "index", "manifest-descriptor", "index-descriptor")
_PLACE = re.compile(r"([a-z-]+)(?:\[([^\]]*)\])?")
_ATTRIBUTE = re.compile(r"annotation(?:-(manifest|index|manifest-descriptor|index-descriptor))?(?:\[([^\]]*)\])?\.(.+)")


class Annotation(NamedTuple):
    """One annotation. `platform` is the only one whose manifest gets it, None for all."""

    key: str
    value: str
    level: Level = "manifest"
    platform: Platform | None = None


def parse_annotation(text: str) -> tuple[Annotation, ...]:
    """What `--annotation` says: `[level[,level…]:]key=value`, a level perhaps with its `[platform]`.

    Raises: Invalid.
    """
    name, equals, value = text.partition("=")
    places, colon, key = name.rpartition(":")
    if colon and not _is_places(places):
        places, key = "", name  # a colon in the key itself
    if not equals or not key:
        raise Invalid(
            "--annotation {text!r} is not [level:]key=value", text=text[:200], hint="levels are: " + ", ".join(LEVELS)
        )
    return tuple(_at(place, key, value) for place in (places or "manifest").split(","))


def attribute_annotation(name: str, value: str) -> Annotation:
    """What an output's attribute `annotation[-level][[platform]].key` says. Raises: Invalid."""
    match = _ATTRIBUTE.fullmatch(name)
    if match is None:
        raise Invalid("{name!r} is no annotation: write annotation.KEY=VALUE", name=name[:200])
    level, platform, key = match.groups()
    return Annotation(key, value, cast(Level, level or "manifest"), Platform.parse(platform) if platform else None)


def annotations_at(annotations: Sequence[Annotation], level: Level, platform: Platform | None = None) -> dict[str, str]:
    """Those of one level that are for this platform; the last of one key wins."""
    return {one.key: one.value for one in annotations if one.level == level and one.platform in (None, platform)}


def _is_places(text: str) -> bool:
    matches = [_PLACE.fullmatch(place) for place in text.split(",")]
    return all(match is not None and match[1] in LEVELS for match in matches)


def _at(place: str, key: str, value: str) -> Annotation:
    match = _PLACE.fullmatch(place)
    assert match is not None  # `_is_places` has looked
    return Annotation(key, value, cast(Level, match[1]), Platform.parse(match[2]) if match[2] else None)
