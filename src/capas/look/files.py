"""The files of an image as people see them: those of the merged tree, or the entries of one layer."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from capas.errors import Invalid, NotFound
from capas.layer.contents import UNKNOWN
from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, HARDLINK, SYMLINK, Entry, Layer
from capas.layer.marks import OPAQUE, WHITEOUT
from capas.layer.tree import Located, Tree

FileKind = Literal[
    "file", "directory", "symlink", "hardlink", "character", "block", "fifo", "whiteout", "opaque"
]  # fmt: skip
KINDS: Mapping[bytes, FileKind] = {
    FILE: "file", DIRECTORY: "directory", SYMLINK: "symlink", HARDLINK: "hardlink", CHARACTER: "character",
    BLOCK: "block", FIFO: "fifo",
}  # fmt: skip
_LETTERS: Mapping[FileKind, str] = {
    "file": "-", "directory": "d", "symlink": "l", "hardlink": "h", "character": "c", "block": "b", "fifo": "p",
    "whiteout": "w", "opaque": "w",
}  # fmt: skip
DigestOf = Callable[[Entry, int], str]
_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{4,64})", re.ASCII)


class ImageFile(NamedTuple):
    """One file. `path` begins with "/"; bytes in names that are no UTF-8 are surrogates, as `os.fsdecode` gives them.

    `layer` (0 is the bottom) is the one that put it there last. `digest` is the hex of the SHA-256 of what a regular
    file holds, empty for anything else. `target` is a link's. Units: `size` in bytes, `mtime_ns` since 1970.
    """

    path: str
    kind: FileKind
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    layer: int
    digest: str = ""
    target: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[bytes, bytes] = {}


def iter_files(tree: Tree, path: str = "/") -> Iterator[ImageFile]:
    """The file at a path and all beneath it in the merged tree; links on the way, and a link itself, are followed.

    Order: by path, a directory before what is in it. Raises: NotFound; Invalid for links in a circle.
    """
    top = tree.resolve(os.fsencode(path))
    if top is None:
        raise NotFound("no such file in the image: {path}", path=path)
    digest_of = digests_of(tree)
    for one in tree.iter_located(top):
        yield to_file(one, digest_of)


def to_file(one: Located, digest_of: DigestOf) -> ImageFile:
    """A file of a merged tree, with what `digests_of` that tree tells of it."""
    return _file(one.entry, one.made, digest_of(one.entry, one.layer))


def iter_layer(tree: Tree, number: int, path: str = "/") -> Iterator[ImageFile]:
    """The entries of one layer at a path and beneath it, in its order, as they are there: whiteouts by their names."""
    digest_of = digests_of(tree)
    top = os.fsencode(path).strip(b"/")
    for entry in tree.layers[number].entries:
        if top and entry.path != top and not entry.path.startswith(top + b"/"):
            continue
        yield _file(entry, number, digest_of(entry, number), _mark(entry.path))


def digests_of(tree: Tree) -> DigestOf:
    """Tells the hex SHA-256 of what an entry holds whose body is in a layer; empty where it is no regular file."""
    known: dict[int, Mapping[int, bytes]] = {}

    def find(entry: Entry, layer: int) -> str:
        if entry.kind != FILE:
            return ""
        if layer not in known:
            known[layer] = tree.layers[layer].digests()
        found = known[layer].get(entry.offset, UNKNOWN)
        return found.hex() if found != UNKNOWN else ""

    return find


def write_mode(kind: FileKind, mode: int) -> str:
    """The kind and the permissions as `ls -l` has them: `drwxr-xr-x`."""
    return _LETTERS[kind] + stat.filemode(mode)[1:]


def find_layer(layers: Sequence[Layer], text: str) -> int:
    """The layer of a number (0 is the bottom, -1 the top) or of the beginning of its digest or diff_id.

    Raises: NotFound; Invalid where several layers begin so.
    """
    if re.fullmatch(r"-?\d{1,4}", text, re.ASCII) and -len(layers) <= int(text) < len(layers):
        return int(text) % len(layers)
    match = _HEX.fullmatch(text)
    found = [
        number
        for number, layer in enumerate(layers)
        if match and (layer.diff_id.hex.startswith(match[1]) or layer.descriptor.digest.hex.startswith(match[1]))
    ]
    if len(found) > 1:
        raise Invalid("several layers begin with {text}", text=text, hint="type more of the digest")
    if not found:
        raise NotFound(
            "the image has no layer {text}", text=text, count=len(layers),
            hint="its layers are {count}: the bottom one is 0, the top one -1; or give a digest",
        )  # fmt: skip
    return found[0]


def _file(entry: Entry, layer: int, digest: str, mark: FileKind | None = None) -> ImageFile:
    return ImageFile(
        "/" + _text(entry.path), mark or KINDS[entry.kind], entry.mode, entry.uid, entry.gid, entry.size,
        entry.mtime_ns, layer, digest if mark is None else "", _text(entry.target), entry.device, entry.xattrs,
    )  # fmt: skip


def _text(name: bytes) -> str:
    """As `os.fsdecode`, wherever we are."""
    return name.decode("utf-8", "surrogateescape") if name else ""


def _mark(path: bytes) -> FileKind | None:
    name = path.rpartition(b"/")[2]
    return None if not name.startswith(WHITEOUT) else "opaque" if name == OPAQUE else "whiteout"
