"""People, organisations, and what lets them in."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, LargeBinary, Table, UniqueConstraint, false, true

from capas.hub.records.tables.base import key, metadata, text, to, whole

# the first part of a repository's name: a person's or an organisation's. One table, so that no two share a name
namespaces = Table(
    "namespaces",
    metadata,
    key(),
    text("name", unique=True),
    text("kind"),  # user | organisation
    text("display_name", server_default=""),
    text("description", server_default=""),
    whole("created_ns"),
    whole("limit_bytes", nullable=True),  # of all its repositories; none: no limit
    whole("used_bytes", server_default="0"),  # where there is a limit: never less than what is held
    CheckConstraint("kind IN ('user', 'organisation')", name="ck_namespaces_kind"),
    sqlite_autoincrement=True,  # a pass knows its bearer by number: that of somebody who is gone comes never again
)

users = Table(
    "users",
    metadata,
    to("namespaces.id", "id", primary_key=True),
    text("email", server_default=""),
    text("password", nullable=True),  # argon2; none: comes in by OIDC alone
    text("issuer", nullable=True),  # of OIDC
    text("subject", nullable=True),  # of OIDC, at its issuer
    Column("is_admin", Boolean, nullable=False, server_default=false()),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    UniqueConstraint("issuer", "subject"),
)

# a person's role in the whole of an organisation: reader | writer | maintainer | owner
members = Table(
    "members",
    metadata,
    to("namespaces.id", "organisation", primary_key=True),
    to("users.id", "user", primary_key=True, index=True),
    text("role"),
)

teams = Table(
    "teams",
    metadata,
    key(),
    to("namespaces.id", "organisation"),
    text("name"),
    UniqueConstraint("organisation", "name"),
)

team_members = Table(
    "team_members",
    metadata,
    to("teams.id", "team", primary_key=True),
    to("users.id", "user", primary_key=True, index=True),
)

# a role in one repository, of a person or of a team
grants = Table(
    "grants",
    metadata,
    key(),
    to("repositories.id", "repository"),
    to("users.id", "user", nullable=True, index=True),
    to("teams.id", "team", nullable=True, index=True),
    text("role"),
    UniqueConstraint("repository", "user"),
    UniqueConstraint("repository", "team"),
)

# secrets that stand for a person (personal access token) or for a robot (`namespace+name`) of a namespace
tokens = Table(
    "tokens",
    metadata,
    key(),
    to("namespaces.id", "namespace", index=True),  # whose
    text("name"),
    text("kind"),  # personal | robot
    text("secret", unique=True),  # SHA-256 of 32 random bytes, in hexadecimal: nothing to guess, so nothing slow
    text("scopes"),  # JSON: [["acme/*", "writer"], …], or null for no bound
    whole("created_ns"),
    whole("expires_ns", nullable=True),
    whole("used_ns", server_default="0"),
    UniqueConstraint("namespace", "kind", "name"),
    sqlite_autoincrement=True,
)

# who stays logged in: browsers (kind page), and clients like docker's by their identity tokens (kind client)
sessions = Table(
    "sessions",
    metadata,
    text("secret", primary_key=True),  # SHA-256 of the cookie or identity token
    to("users.id", "user", index=True),
    text("kind"),  # page | client
    text("client"),  # what it says of itself
    text("address"),  # from where it logged in
    whole("created_ns"),
    whole("used_ns"),
    whole("expires_ns"),
)

# one-time links (first start, invitations, forgotten passwords)
invitations = Table(
    "invitations",
    metadata,
    text("secret", primary_key=True),  # SHA-256 of the link's token
    text("purpose"),  # setup | invite | reset
    to("users.id", "user", nullable=True),
    whole("expires_ns"),
)

# keys that sign the tokens of the token protocol; the public halves of retired ones verify for a while
signing_keys = Table(
    "signing_keys",
    metadata,
    text("id", primary_key=True),
    text("algorithm"),  # EdDSA | RS256
    Column("private", LargeBinary, nullable=True),  # sealed; none: it signs no more
    Column("public", LargeBinary, nullable=False),
    whole("created_ns"),
    whole("retired_ns", nullable=True),
)

# failed logins by name (its digest) and by address, for the limit on guesses
failures = Table(
    "failures",
    metadata,
    text("who", primary_key=True),
    whole("count"),
    whole("last_ns"),
)

audit = Table(
    "audit",
    metadata,
    key(),
    whole("at_ns"),
    text("actor"),  # a login name; empty: nobody in particular
    text("address"),
    text("action"),  # noun.verb: repository.delete, token.create
    text("target"),
    text("outcome"),  # done | refused
    text("detail"),  # JSON, no secrets
    Index("ix_audit_at", "at_ns"),
    Index("ix_audit_target", "target", "at_ns"),
)
