"""The hub's records: tables, the database under them, and what is asked of it."""
