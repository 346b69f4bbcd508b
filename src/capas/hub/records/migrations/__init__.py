"""The history of the schema, for Alembic: how records of an older Capas become those of today."""
