"""A file of an image as people see it, and the words for it."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from capas.errors import Invalid, NotFound
from capas.layer.contents import UNKNOWN
from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, HARDLINK, SYMLINK, Entry, Layer
from capas.layer.marks import OPAQUE, WHITEOUT

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


def make_file(entry: Entry, layer: int, sum: bytes) -> ImageFile:
    """The file that an entry is, put there by a layer; `sum` is what it holds, `UNKNOWN` for no regular file."""
    return ImageFile(
        "/" + text_of(entry.path), KINDS[entry.kind], entry.mode, entry.uid, entry.gid, entry.size, entry.mtime_ns,
        layer, sum.hex() if sum != UNKNOWN else "", text_of(entry.target), entry.device, entry.xattrs,
    )  # fmt: skip


def text_of(name: bytes) -> str:
    """As `os.fsdecode`, wherever we are."""
    return name.decode("utf-8", "surrogateescape") if name else ""


def find_mark(path: bytes) -> FileKind | None:
    """The kind of an entry of a layer that is no file but says that others are gone."""
    name = path.rpartition(b"/")[2]
    return None if not name.startswith(WHITEOUT) else "opaque" if name == OPAQUE else "whiteout"
