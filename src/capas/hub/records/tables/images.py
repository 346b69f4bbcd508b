"""Repositories and what they hold: manifests, tags, blobs."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, Table, UniqueConstraint, false, true

from capas.hub.records.tables.base import key, metadata, text, to, whole

repositories = Table(
    "repositories",
    metadata,
    key(),
    text("name", unique=True),
    to("namespaces.id", "namespace", nullable=True, index=True),  # none: nobody's (an open hub, library/)
    Column("is_public", Boolean, nullable=False, server_default=true()),
    Column("is_official", Boolean, nullable=False, server_default=false()),
    text("description", server_default=""),  # one line
    text("readme", server_default=""),  # Markdown
    whole("created_ns", server_default="0"),
    whole("updated_ns", server_default="0"),  # last push
    whole("pulled_ns", server_default="0"),
    whole("pulls", server_default="0"),
    whole("stars", server_default="0"),
    text("short", server_default=""),  # the words of its last part, as `records.words` folds them
    Index("ix_repositories_short", "short"),
)
# the orders that a search lists them in, and the few that it has first
Index("ix_repositories_official", repositories.c.is_official, repositories.c.id)
Index("ix_repositories_stars", repositories.c.stars.desc(), repositories.c.pulls.desc(), repositories.c.name)
Index("ix_repositories_pulls", repositories.c.pulls.desc(), repositories.c.stars.desc(), repositories.c.name)

manifests = Table(
    "manifests",
    metadata,
    key(),
    to("repositories.id", "repository"),
    text("digest"),
    text("media_type"),
    text("artifact_type"),
    text("subject", nullable=True),
    Column("annotations", LargeBinary, nullable=False),
    whole("pushed_ns"),
    whole("untagged_ns", server_default="0"),  # when a tag last went from it
    Column("data", LargeBinary, nullable=False),
    text("image", server_default=""),  # the digest of its config, where it is an image: the same for equal images
    text("platform", server_default=""),  # os/architecture/variant as its config says; empty for an index
    whole("image_bytes", server_default="0"),  # of its config and layers, as stored
    whole("created_ns", server_default="0"),  # as its config says; 0: it does not
    UniqueConstraint("repository", "digest"),
    Index("ix_manifests_subject", "repository", "subject", "digest"),
    Index("ix_manifests_digest", "digest"),
    Index("ix_manifests_image", "image", "repository"),
    Index("ix_manifests_platform", "platform", "repository"),
    Index("ix_manifests_platforms", "repository", "platform"),
)

# what an index points at, so that a tag's platforms are one query away
children = Table(
    "children",
    metadata,
    to("manifests.id", "manifest", primary_key=True),
    text("digest", primary_key=True),
    text("kind"),  # image | attestation | index | other
    text("platform"),  # as the index says
    Index("ix_children_digest", "digest"),
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",
    metadata,
    to("repositories.id", "repository", primary_key=True),
    text("name", primary_key=True),
    text("digest"),
    whole("pushed_ns"),
    whole("pulled_ns", server_default="0"),
    Index("ix_tags_digest", "repository", "digest"),
    sqlite_with_rowid=False,
)
Index("ix_tags_pushed", tags.c.repository, tags.c.pushed_ns.desc(), tags.c.name)  # newest first

# which repository holds which blob: what is not linked there does not exist there
links = Table(
    "links",
    metadata,
    to("repositories.id", "repository", primary_key=True),
    text("digest", primary_key=True),
    whole("size"),
    whole("linked_ns"),  # when a push last counted on it
    Index("ix_links_digest", "digest"),
    sqlite_with_rowid=False,
)

# the bytes that are in the storage, or on their way: a row is there before its bytes and goes after them
blobs = Table(
    "blobs",
    metadata,
    text("digest", primary_key=True),
    whole("size"),
    whole("doomed_ns", nullable=True),  # since when they have been being deleted
    sqlite_with_rowid=False,
)

# pushes whose bytes are about to get their name
claims = Table(
    "claims",
    metadata,
    text("digest", primary_key=True),
    text("upload", primary_key=True),
    whole("claimed_ns"),
    sqlite_with_rowid=False,
)

# which blobs of its repository a manifest needs
needs = Table(
    "needs",
    metadata,
    to("repositories.id", "repository", primary_key=True),
    text("digest", primary_key=True),
    to("manifests.id", "manifest", primary_key=True, index=True),
    sqlite_with_rowid=False,
)
