"""Which packages of two images differ: new, gone, newer or older."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from capas.image.packages.finding import is_telling
from capas.image.packages.inventory import take_inventory
from capas.image.packages.package import Inventory, Kind, Package
from capas.image.packages.versions import is_newer
from capas.layer.tree import Tree

Turn = Literal["new", "removed", "up", "down"]
_Name = tuple[Kind, str, str]


class PackageChange(NamedTuple):
    """A package that one side has and the other has not, or in another version. `old` and `new` may be empty."""

    kind: Kind
    name: str
    architecture: str
    turn: Turn
    old: str
    new: str


class PackageChanges(NamedTuple):
    """Sorted by kind and name, with notes on what could not be read."""

    changes: tuple[PackageChange, ...] = ()
    notes: tuple[str, ...] = ()


def compare_packages(old: Tree, new: Tree, changed: Collection[bytes]) -> PackageChanges:
    """What differs, of dpkg, apk, rpm, Python and Node. `changed` are the paths at which the trees differ.

    Nothing is read where no file that tells of packages is among them. Raises: Corrupt for a layer.
    """
    if not any(map(is_telling, changed)):
        return PackageChanges()
    before, after = take_inventory(old), take_inventory(new)
    return PackageChanges(tuple(_changes(before, after)), tuple(dict.fromkeys((*before.notes, *after.notes))))


def _changes(old: Inventory, new: Inventory) -> Iterator[PackageChange]:
    before, after = _versions(old), _versions(new)
    for name in sorted(before.keys() | after.keys()):
        had, has = before.get(name, set()), after.get(name, set())
        gone, come = sorted(had - has), sorted(has - had)
        if len(gone) == len(come) == 1:
            turn: Turn = "up" if is_newer(name[0], come[0], gone[0]) else "down"
            yield PackageChange(*name, turn, gone[0], come[0])
            continue
        yield from (PackageChange(*name, "removed", version, "") for version in gone)
        yield from (PackageChange(*name, "new", "", version) for version in come)


def _versions(inventory: Inventory) -> Mapping[_Name, set[str]]:
    found: dict[_Name, set[str]] = defaultdict(set)
    for package in inventory.packages:
        found[package.kind, package.name, package.architecture].add(_version(package))
    return found


def _version(package: Package) -> str:
    return f"{package.epoch}:{package.version}" if package.epoch else package.version
