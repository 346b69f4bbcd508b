"""What keeps images: rules of repositories and of namespaces, webhooks and what is to be delivered to them."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, LargeBinary, Table, UniqueConstraint, true

from capas.hub.records.tables.base import key, metadata, text, to, whole


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

# which tags stay, and for how long what no tag points at (`keeping/policy.py`). A repository's own goes before its
# namespace's
retention = Table(
    "retention",
    metadata,
    key(),
    to("repositories.id", "repository", nullable=True, unique=True),
    to("namespaces.id", "namespace", nullable=True, unique=True),
    text("policy"),  # JSON
    whole("ran_ns", server_default="0"),  # when the hub last kept to it
    _of("retention"),
)

webhooks = Table(
    "webhooks",
    metadata,
    key(),
    to("repositories.id", "repository", nullable=True, index=True),
    to("namespaces.id", "namespace", nullable=True, index=True),
    text("name"),
    Column("sealed", LargeBinary, nullable=False),  # JSON: its address and its secret, encrypted (`seal.py`)
    text("events"),  # kinds with a space between
    Column("is_active", Boolean, nullable=False, server_default=true()),
    text("note", server_default=""),  # why the hub switched it off
    whole("created_ns"),
    whole("failing_ns", nullable=True),  # since when nothing was delivered; none: the last one was
    _of("webhooks"),
)

# what is to be delivered, and for a while what was
deliveries = Table(
    "deliveries",
    metadata,
    key(),
    to("webhooks.id", "webhook"),
    text("message"),  # its name for the receiver: the same when it is sent again
    text("event"),
    text("body"),
    text("state"),  # waiting | done | failed
    whole("created_ns"),
    whole("due_ns"),  # when it is to be tried (again)
    whole("claimed_ns", server_default="0"),  # when a process took it up
    whole("tries", server_default="0"),
    whole("status", nullable=True),  # HTTP's; none: there was no answer
    text("answer", server_default=""),  # its beginning, or why there is none
    whole("took_ns", server_default="0"),
    whole("ended_ns", nullable=True),
    Index("ix_deliveries_due", "state", "due_ns"),
    Index("ix_deliveries_webhook", "webhook", "id"),
)
