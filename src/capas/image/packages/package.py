"""A package, the distribution it is of, and all that an image holds."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["deb", "apk", "rpm", "pypi", "npm"]


class Package(NamedTuple):
    """A package as its database tells of it. `path` is the database, `layer` (0 is the bottom) the one that brought it.

    `licence` is in the database's own words, `source` the package that it was built from ("name" or "name@version").
    """

    kind: Kind
    name: str
    version: str
    architecture: str = ""
    licence: str = ""
    source: str = ""
    supplier: str = ""
    epoch: str = ""
    path: str = ""
    layer: int = 0


class Distribution(NamedTuple):
    """What `etc/os-release` says: "debian", "12", "Debian GNU/Linux 12 (bookworm)"; empty where it does not."""

    id: str = ""
    version: str = ""
    name: str = ""


class Inventory(NamedTuple):
    """The packages, sorted, and `notes` on what is there and could not be read."""

    packages: tuple[Package, ...]
    distribution: Distribution = Distribution()
    notes: tuple[str, ...] = ()
