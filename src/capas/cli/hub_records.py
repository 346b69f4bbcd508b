"""The records of a hub on this machine, for the commands of its keeper."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capas.cli.app import App
from capas.clock import now_ns
from capas.errors import NotFound, Unsupported

if TYPE_CHECKING:
    from capas.hub.config import Config
    from capas.hub.people.audit import By
    from capas.hub.records.database import Database


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--root` and `--config`: which hub."""
    path = click.Path(path_type=Path)
    root = click.option("--root", type=path, metavar="DIR", help="Where it keeps its images")
    config = click.option(
        "--config",
        type=path,
        metavar="FILE",
        help="Read its configuration from this file, not from hub.toml in its directory",
    )
    return root(config(command))


def find_hub(app: App, root: Path | None, config: Path | None) -> tuple[Path, Config]:
    """Where a hub is, and how it is configured. Raises: NotFound where no hub was ever served; Unsupported."""
    try:
        from capas.hub.config import read_config
    except ImportError:
        raise Unsupported("the hub needs its extra packages", hint='install them: pip install "capas[hub]"') from None
    place = root or app.settings.root / "hub"
    if not place.is_dir():
        raise NotFound("there is no hub in {root}", root=str(place), hint="name its directory: --root DIR")
    return place, read_config(place, config, app.settings.environ)


@contextmanager
def open_records(app: App, root: Path | None, config: Path | None) -> Iterator[Database]:
    """The records, while the hub runs or not. Raises: as `find_hub`."""
    place, chosen = find_hub(app, root, config)
    from capas.hub.records.database import Database
    from capas.hub.records.place import database_url

    database = Database(database_url(chosen.database, place))
    try:
        yield database
    finally:
        database.close()


def by_keeper() -> By:
    """Whoever has the records in their hands, for the audit log: no login name looks so."""
    from capas.hub.people.audit import By

    return By(f"local:{pwd.getpwuid(os.geteuid()).pw_name}", "", now_ns())
