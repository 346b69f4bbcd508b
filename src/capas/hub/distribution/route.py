"""Routes: a path of the distribution API taken apart by hand, from its end (a name may hold any of the words)."""

from __future__ import annotations

from typing import NamedTuple

from capas.hub.distribution.names import is_repository
from capas.hub.distribution.refusal import NAME_INVALID, Refused

PING, CATALOG = "ping", "catalog"
MANIFEST, BLOB, UPLOADS, UPLOAD, TAGS, REFERRERS = "manifest", "blob", "uploads", "upload", "tags", "referrers"
_KINDS = {"manifests": MANIFEST, "blobs": BLOB, "referrers": REFERRERS}


_HUB = ("/v2/repositories/", "/v2/namespaces/", "/v2/search/")  # Docker Hub's API lies below the same /v2/


class Route(NamedTuple):
    """What a path names: a repository and, in it, a tag, digest or upload (`value`)."""

    kind: str
    name: str = ""
    value: str = ""


def find_route(path: str) -> Route | None:
    """The route of a path that begins with /v2, None where it names nothing.

    Raises: Refused for a name that no repository can have.
    """
    if path in ("/v2/", "/v2"):
        return Route(PING)
    rest = path[4:]
    if rest == "_catalog":
        return Route(CATALOG)
    kind, name, value = _split(rest)
    if not kind:
        return None
    if not is_repository(name):
        raise Refused(NAME_INVALID, f"invalid repository name: {name[:100]!r}", detail={"name": name[:300]})
    return Route(kind, name, value)


def _split(rest: str) -> tuple[str, str, str]:
    """Kind, name and value; an empty kind for what is none."""
    head, _, value = rest.rpartition("/")
    name, _, word = head.rpartition("/")
    kind = _KINDS.get(word)
    if kind is None or not value or (kind == BLOB and value == "uploads"):
        return _longer(name, word, value)
    return kind, name, value


def is_distribution(path: str) -> bool:
    """Whether a path is for the distribution API; what of Docker Hub's API looks like it is."""
    if not (path.startswith("/v2/") or path == "/v2"):
        return False
    return not path.startswith(_HUB) or _split(path[4:])[0] != ""


def _longer(name: str, word: str, value: str) -> tuple[str, str, str]:
    if word == "tags" and value == "list":
        return TAGS, name, ""
    if word == "blobs" and value == "uploads":
        return UPLOADS, name, ""
    if word == "uploads" and name.endswith("/blobs"):
        return (UPLOAD if value else UPLOADS), name.removesuffix("/blobs"), value
    return "", "", ""
