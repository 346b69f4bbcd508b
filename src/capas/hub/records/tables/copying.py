"""Replication: rules, what they are to do and did, and what they put where."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, Table, UniqueConstraint, false, true

from capas.hub.records.tables.base import key, metadata, text, to, whole

replications = Table(
    "replications",
    metadata,
    key(),
    text("name", unique=True),
    text("direction"),  # push | pull
    text("registry"),  # https://host
    text("username", server_default=""),
    Column("secret", LargeBinary, nullable=True),  # sealed
    text("source_prefix", server_default=""),  # of names at the source …
    text("target_prefix", server_default=""),  # … which this takes the place of
    text("repositories"),  # JSON: patterns of what follows the prefix
    text("tags"),  # JSON: patterns
    whole("newest", server_default="0"),  # of tags that are versions, so many; 0: all
    Column("on_event", Boolean, nullable=False, server_default=false()),
    whole("every_seconds", server_default="0"),  # 0: not by the clock
    Column("deletes", Boolean, nullable=False, server_default=false()),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    whole("created_ns"),
    whole("due_ns", server_default="0"),  # when the clock starts it next
)

replication_runs = Table(
    "replication_runs",
    metadata,
    key(),
    to("replications.id", "rule", index=True),
    text("cause"),  # event | schedule | hand
    text("scope", server_default=""),  # repository:tag or repository@digest at the source; empty: the whole rule
    text("state"),  # waiting | running | done | failed
    whole("made_ns"),
    whole("due_ns"),
    whole("began_ns", server_default="0"),
    whole("ended_ns", server_default="0"),
    whole("beat_ns", server_default="0"),  # when the process that does it was last alive
    text("holder", server_default=""),  # which process
    whole("attempts", server_default="0"),
    whole("copied", server_default="0"),
    whole("same", server_default="0"),
    whole("deleted", server_default="0"),
    whole("failed", server_default="0"),
    whole("sent_bytes", server_default="0"),
    text("error", server_default=""),
    Index("ix_replication_runs_state", "state", "due_ns"),
)

# what a run did: one line a tag; what was the same already is only counted
replication_items = Table(
    "replication_items",
    metadata,
    key(),
    to("replication_runs.id", "run", index=True),
    text("repository"),
    text("reference"),  # a tag, or a digest
    text("digest"),
    text("outcome"),  # copied | deleted | failed
    text("why", server_default=""),
    whole("sent_bytes", server_default="0"),
)

# what a rule put at its target, so that it deletes nothing else there
replicated = Table(
    "replicated",
    metadata,
    key(),
    to("replications.id", "rule"),
    text("repository"),  # at the source
    text("tag"),
    text("digest"),
    UniqueConstraint("rule", "repository", "tag"),
)
