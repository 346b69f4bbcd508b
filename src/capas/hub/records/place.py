"""`[database]` of the hub's configuration: where its records are."""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from capas.errors import Invalid

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class DatabaseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without a `url`, `records.sqlite` in the hub's root. `password` is best kept apart, as `password_file`."""

    url: str = ""
    password: str = ""


def database_url(config: DatabaseConfig, root: Path) -> str:
    """The address that `Database` takes. Raises: Invalid for one that is neither SQLite's nor PostgreSQL's."""
    if not config.url:
        return f"sqlite:///{root / 'records.sqlite'}"
    try:
        url = make_url(config.url)
    except ArgumentError:
        url = None
    driver = _DRIVERS.get(url.drivername.partition("+")[0]) if url else None
    if url is None or driver is None:
        raise Invalid("the address of the hub's database is sqlite:///FILE or postgresql://USER@HOST/DATABASE")
    url = url.set(drivername=driver)
    if config.password:
        url = url.set(password=config.password)
    return url.render_as_string(hide_password=False)
