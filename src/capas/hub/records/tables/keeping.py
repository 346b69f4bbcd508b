"""What keeps images: rules of repositories and of namespaces, webhooks and what is to be delivered to them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Table, UniqueConstraint

from capas.hub.records.tables.base import key, metadata, text, to


def _of(table: str) -> CheckConstraint:
    """A rule belongs to a repository, or to all of a namespace."""
    return CheckConstraint("(repository IS NULL) <> (namespace IS NULL)", name=f"ck_{table}_of")


# tags that are made once: neither moved nor deleted. `pattern`: v*, 1.?.0, latest
immutable_tags = Table(
    "immutable_tags",
    metadata,
    key(),
    to("repositories.id", "repository", nullable=True),
    to("namespaces.id", "namespace", nullable=True),
    text("pattern"),
    UniqueConstraint("repository", "pattern"),
    UniqueConstraint("namespace", "pattern"),
    _of("immutable_tags"),
)
