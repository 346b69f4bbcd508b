"""Alpine's packages: `lib/apk/db/installed`, fields of one letter.

Spec: https://wiki.alpinelinux.org/wiki/Apk_spec
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capas.image.packages.finding import File, find_layer
from capas.image.packages.package import Package
from capas.layer.tree import Tree


def iter_apk(tree: Tree, databases: Sequence[File]) -> Iterator[Package]:
    """The installed packages; the layer is that of the first of a package's files that is still there."""
    for file in databases:
        for block in file.data.decode(errors="replace").split("\n\n"):
            lines = [(line[:1], line[2:]) for line in block.splitlines() if line[1:2] == ":"]
            fields = dict(reversed(lines))  # the first of each
            if fields.get("P"):
                yield Package(
                    kind="apk",
                    name=fields["P"],
                    version=fields.get("V", ""),
                    architecture=fields.get("A", ""),
                    licence=fields.get("L", ""),
                    source=fields.get("o", ""),
                    supplier=fields.get("m", ""),
                    path=file.path,
                    layer=_layer(tree, lines, file),
                )


def _layer(tree: Tree, lines: Sequence[tuple[str, str]], file: File) -> int:
    folder = ""
    for letter, value in lines:
        if letter == "F":
            folder = value
        elif letter == "R":
            layer = find_layer(tree, f"{folder}/{value}".encode())
            if layer is not None:
                return layer
    return file.layer
