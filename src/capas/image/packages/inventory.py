"""All the packages of a tree of layers, whatever manager brought them."""

from __future__ import annotations

from collections.abc import Sequence

from capas.image.packages.apk import iter_apk
from capas.image.packages.dpkg import iter_dpkg
from capas.image.packages.finding import File, find_files
from capas.image.packages.node import iter_node
from capas.image.packages.package import Distribution, Inventory, Package
from capas.image.packages.python import iter_python
from capas.image.packages.rpm import iter_rpm
from capas.layer.tree import Tree


def take_inventory(tree: Tree) -> Inventory:
    """The packages of a tree: dpkg, apk, rpm, Python, Node. Each layer's tar is read once, and only for its databases.

    Order: by kind, name and version. Raises: Corrupt for a layer that cannot be read; what a database has wrong is in
    the notes.
    """
    found = find_files(tree)

    def files(kind: str) -> Sequence[File]:
        return found.of.get(kind, ())

    notes = [f"{path}: too large to be read" for path in found.skipped]
    packages: list[Package] = [
        *iter_dpkg(tree, files("dpkg"), files("copyright")),
        *iter_apk(tree, files("apk")),
        *iter_rpm(tree, files("rpm"), notes),
        *iter_python(files("python")),
        *iter_node(files("node"), files("lock")),
    ]
    return Inventory(tuple(sorted(set(packages))), _distribution(files("release")), tuple(notes))


def _distribution(files: Sequence[File]) -> Distribution:
    for file in files:
        pairs = [line.split("=", 1) for line in file.data.decode(errors="replace").splitlines() if "=" in line]
        said = {name.strip(): value.strip().strip("\"'") for name, value in pairs}
        if said.get("ID"):
            return Distribution(said["ID"], said.get("VERSION_ID", ""), said.get("PRETTY_NAME", said["ID"]))
    return Distribution()
