"""Blobs that a repository holds, as far as the records can tell: no bytes are brought."""

from __future__ import annotations

from capas.hub.records.claims import Claims
from capas.hub.records.database import Database
from capas.hub.records.links import Links
from capas.hub.records.values import Link
from capas.oci.digest import Digest


def hold(database: Database, repository: str, digest: Digest, now_ns: int, *, size: int = 1) -> None:
    """Claim and link it, as a push does."""
    Claims(database).claim(digest, size, "test", now_ns)
    assert Links(database).link(repository, digest, Link(size, now_ns), claim="test")
