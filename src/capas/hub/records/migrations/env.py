"""What Alembic runs to take a step: on the connection it was given, in the transaction that is under way there."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
