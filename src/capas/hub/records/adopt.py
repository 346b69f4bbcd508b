"""Records of the first cut of the hub (`PRAGMA user_version = 1`) become those of today, with all they hold."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from capas.errors import Corrupt

_TABLES = ("repositories", "manifests", "tags", "links", "needs")
_HERE = "repository IN (SELECT id FROM repositories)"

# what a table of today takes from its forerunner. A row of a repository that is no more is nothing to keep
_COPIES = (
    """INSERT INTO repositories (id, name, created_ns, updated_ns)
       SELECT id, name,
              coalesce((SELECT min(pushed_ns) FROM before_manifests WHERE repository = before_repositories.id), 0),
              coalesce((SELECT max(pushed_ns) FROM before_manifests WHERE repository = before_repositories.id), 0)
       FROM before_repositories""",
    f"""INSERT INTO manifests
          (id, repository, digest, media_type, artifact_type, subject, annotations, pushed_ns, data)
        SELECT id, repository, digest, media_type, artifact_type, subject, annotations, pushed_ns, data
        FROM before_manifests WHERE {_HERE}""",
    f"""INSERT INTO tags (repository, name, digest, pushed_ns)
        SELECT repository, name, digest, pushed_ns FROM before_tags WHERE {_HERE}""",
    f"""INSERT INTO links (repository, digest, size, linked_ns)
        SELECT repository, digest, size, linked_ns FROM before_links WHERE {_HERE}""",
    """INSERT INTO blobs (digest, size) SELECT digest, max(size) FROM links GROUP BY digest""",
    f"""INSERT INTO needs (repository, digest, manifest)
        SELECT repository, digest, manifest FROM before_needs
        WHERE {_HERE} AND manifest IN (SELECT id FROM manifests)""",
)


def is_version_1(db: Connection) -> bool:
    """Whether these are records of the first cut. Raises: Corrupt for a number that no Capas wrote."""
    if db.dialect.name != "sqlite":
        return False
    version: int = db.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version not in (0, 1):
        raise Corrupt("the hub's records were written by a newer Capas", hint="upgrade Capas on this machine")
    return version == 1


def adopt(db: Connection, upgrade: Callable[[], None]) -> None:
    """Move the old tables aside, let `upgrade` make those of today, fill them, and drop the old ones."""
    for table in _TABLES:
        db.exec_driver_sql(f"ALTER TABLE {table} RENAME TO before_{table}")
    upgrade()
    for copy in _COPIES:
        db.exec_driver_sql(copy)
    for table in _TABLES:
        db.exec_driver_sql(f"DROP TABLE before_{table}")
    db.exec_driver_sql("PRAGMA user_version = 0")
