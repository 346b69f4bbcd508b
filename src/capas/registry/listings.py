"""Listings over the wire: tags, repositories, referrers, page by page.

Spec: OCI distribution-spec 1.1, "Listing Tags", "Listing Referrers"; Docker Registry v2, "Catalog".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

import msgspec

from capas.errors import Corrupt
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES, decode
from capas.oci.manifest import Index
from capas.registry.message import Conversation
from capas.registry.redirect import resolve
from capas.registry.refusal import refused
from capas.registry.scope import CATALOG, pulling
from capas.registry.session import Session

_PAGE = 1000
_MOST_PAGES = 10_000
_NEXT = re.compile(r"<([^<>]*)>[^,]*;\s*rel=\"?next\"?", re.IGNORECASE)


class _Page(msgspec.Struct):
    tags: list[str] | None = None
    repositories: list[str] | None = None


def list_tags(session: Session, path: str) -> Conversation[list[str]]:
    """Every tag of a repository, in the registry's order. Raises: NotFound; Unauthenticated; Denied; Corrupt."""
    pages = yield from _pages(session, f"/v2/{path}/tags/list?n={_PAGE}", pulling(path), path)
    return [tag for page in pages for tag in page.tags or ()]


def list_catalog(session: Session) -> Conversation[list[str]]:
    """Every repository that the registry will tell us of. Raises: Unauthenticated; Denied; Unsupported; Corrupt."""
    pages = yield from _pages(session, f"/v2/_catalog?n={_PAGE}", CATALOG, "")
    return [name for page in pages for name in page.repositories or ()]


def list_referrers(
    session: Session, path: str, digest: Digest, artifact_type: str = ""
) -> Conversation[list[Descriptor]]:
    """The manifests whose subject is this one: signatures, bills of materials. Falls back to the referrers tag.

    Raises: Unauthenticated; Denied; Unavailable; Corrupt.
    """
    query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
    for address in (f"/v2/{path}/referrers/{digest}{query}", f"/v2/{path}/manifests/{digest.replace(':', '-')}"):
        response = yield from session.ask(
            "GET", address, scopes=pulling(path), repository=path, headers={"Accept": media.OCI_INDEX}
        )
        if response.status == 200:
            found = decode(response.data(MAX_BYTES), Index, "list of referrers").manifests
            return [one for one in found if not artifact_type or one.artifact_type == artifact_type]
        if response.status not in (404, 405, 400):
            raise refused(response, f"the referrers of {digest.short}")
        response.discard()
    return []


def _pages(session: Session, address: str, scopes: Iterable[str], path: str) -> Conversation[list[_Page]]:
    pages: list[_Page] = []
    wanted = frozenset(scopes)
    for _ in range(_MOST_PAGES):
        response = yield from session.ask("GET", address, scopes=wanted, repository=path)
        if response.status != 200:
            raise refused(response, f"the list of {path or session.endpoint.host}")
        link = _NEXT.search(response.header("link"))
        pages.append(decode(response.data(MAX_BYTES), _Page, "listing"))
        if link is None:
            return pages
        following = resolve(response.url, link[1])
        if not session.is_here(following) or following == address:
            break
        address = following
    raise Corrupt("{host} lists without end", host=session.endpoint.host)
