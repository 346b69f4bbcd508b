"""The files that tell of packages: found by their real paths, read in one pass over the layers, and bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from capas.errors import Invalid
from capas.layer.entry import FILE
from capas.layer.tree import Tree

_LARGEST = 256 << 20  # an rpm database of a whole desktop
_LARGEST_TEXT = 32 << 20
_MOST_BYTES = 1 << 30
_WANTED = re.compile(
    rb"(?P<release>(?:etc|usr/lib)/os-release)"
    rb"|(?P<dpkg>var/lib/dpkg/status|var/lib/dpkg/status\.d/[^/]+)"
    rb"|(?P<copyright>usr/share/doc/[^/]+/copyright)"
    rb"|(?P<apk>(?:usr/)?lib/apk/db/installed)"
    rb"|(?P<rpm>(?:var/lib|usr/lib/sysimage|usr/share)/rpm/(?:rpmdb\.sqlite(?:-wal)?|Packages(?:\.db)?))"
    rb"|(?P<python>(?:.*/)?[^/]+(?:\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info))"
    rb"|(?P<node>(?:.*/)?node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json)"
    rb"|(?P<lock>(?!(?:.*/)?node_modules/)(?:.*/)?package-lock\.json)",
    re.DOTALL,
)


class File(NamedTuple):
    """A file that tells of packages. `layer` is the one that holds it."""

    path: str
    data: bytes
    layer: int


class Files(NamedTuple):
    """What was found, by what it is: "dpkg", "rpm", … and what was too large to be read."""

    of: Mapping[str, tuple[File, ...]]
    skipped: tuple[str, ...]


def find_files(tree: Tree) -> Files:
    """Every regular file of the tree that tells of packages. No link is followed, so that none can lead astray.

    Units: a file of more than 32 MiB (a database of rpm: 256) is not read, nor more than 1 GiB in all.
    """
    kinds: dict[bytes, str] = {}
    skipped: list[str] = []
    left = _MOST_BYTES
    for path, ref in zip(*tree.stack.list_beneath(b""), strict=True):
        found = _WANTED.fullmatch(path)
        if found is None or found.lastgroup is None or tree.stack.kind(ref) != FILE:
            continue
        entry = tree.entry(path, ref)
        if entry.size > min(left, _LARGEST if found.lastgroup == "rpm" else _LARGEST_TEXT):
            skipped.append(_shown(entry.path))
            continue
        left -= entry.size
        kinds[entry.path] = found.lastgroup
    of: dict[str, list[File]] = {}
    for entry, body in tree.iter_files(kinds):
        file = File(_shown(entry.path), body.read(), find_layer(tree, entry.path) or 0)
        of.setdefault(kinds[entry.path], []).append(file)
    return Files({kind: tuple(sorted(files)) for kind, files in of.items()}, tuple(skipped))


def is_telling(path: bytes) -> bool:
    """Whether a file of this path would tell of packages."""
    return _WANTED.fullmatch(path) is not None


def find_layer(tree: Tree, path: bytes) -> int | None:
    """The layer that holds what a path leads to, None where it leads nowhere."""
    try:
        located = tree.locate(path)
    except Invalid:  # links in a loop
        return None
    return None if located is None else located.layer


def _shown(path: bytes) -> str:
    return "/" + path.decode(errors="replace")
