"""EROFS on disk, as far as a layer file needs it: superblock, inodes, extended attributes, directory blocks.

Little-endian throughout. Blocks are 512 bytes, the tar's own alignment: a body in the tar is a file's data.
Spec: Linux Documentation/filesystems/erofs.rst; fs/erofs/erofs_fs.h.
"""

from __future__ import annotations

import stat
import struct

from capas.errors import Unsupported
from capas.layer.attributes import FOREIGN
from capas.layer.entry import BLOCK as BLOCK_DEVICE
from capas.layer.entry import CHARACTER, DIRECTORY, FIFO, FILE, SYMLINK, Entry

BLOCK = 512
BLOCK_BITS = 9
SUPER_OFFSET = 1024
SLOT = 32  # the unit of inode numbers
ROOT_SLOT = 2  # no inode has the number 0, which some readers of directories pass over
MAGIC = 0xE0F5E1E2
NO_BLOCK = 0xFFFFFFFF
"""The address of a hole."""

PLAIN, INLINE, CHUNKED = 0, 2, 4
MOST_CHUNK_BITS = 31

SUPERBLOCK = struct.Struct("<IIIBBHQQIIII16s16sIHHHBBIQB3xIQ8x")
INODE = struct.Struct("<HHHHQIIIIQII16x")
DIRENT = struct.Struct("<QHBB")
XATTR_HEADER = 12
_XATTR = struct.Struct("<BBH")
_ACL_ENTRY = struct.Struct("<HHI")

_MTIME, _CHUNKS = 2, 4
_LONGEST_VALUE = (1 << 16) - 1
_MOST_XATTR_UNITS = (1 << 16) - 1
_PREFIXES = ((b"user.", 1), (b"trusted.", 4), (b"security.", 6))
_ACLS = {b"system.posix_acl_access": 2, b"system.posix_acl_default": 3}
_NAMES = {index: prefix for prefix, index in _PREFIXES} | {index: name for name, index in _ACLS.items()}
_ACL_TAGS = frozenset((0x01, 0x02, 0x04, 0x08, 0x10, 0x20))
_CAPABILITY_SIZES = {0x02: 20, 0x03: 24}  # by revision
_OPAQUE = (4, b"overlay.opaque", b"y")
OPAQUE_MARK = b"trusted.overlay.opaque"

_TYPES = {
    FILE: (stat.S_IFREG, 1), DIRECTORY: (stat.S_IFDIR, 2), CHARACTER: (stat.S_IFCHR, 3),
    BLOCK_DEVICE: (stat.S_IFBLK, 4), FIFO: (stat.S_IFIFO, 5), SYMLINK: (stat.S_IFLNK, 7),
}  # fmt: skip
KIND_OF_MODE = {mode: kind for kind, (mode, _) in _TYPES.items()}
FILE_TYPE = {kind: number for kind, (_, number) in _TYPES.items()}
FORMAT_MODE = {kind: mode for kind, (mode, _) in _TYPES.items()}


def pack_superblock(*, blocks: int, meta_block: int, inodes: int, uuid: bytes, chunked: bool) -> bytes:
    """The superblock, 128 bytes to stand at `SUPER_OFFSET`. The rest of its block is zeros.

    It has no checksum of its own (the record of a layer file has one of the whole page): fsck.erofs as of 1.8 falls
    over those of blocks of 512 bytes.
    """
    fields = (
        MAGIC, 0, _MTIME, BLOCK_BITS, 0, ROOT_SLOT, inodes, 0, 0, blocks, meta_block, 0, uuid, b"capas",
        _CHUNKS if chunked else 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    )  # fmt: skip
    return SUPERBLOCK.pack(*fields)


def pack_device(device: tuple[int, int]) -> int:
    """A device number as inodes have it."""
    major, minor = device
    return (minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12


def unpack_device(number: int) -> tuple[int, int]:
    """What `pack_device` packed."""
    return number >> 8 & 0xFFF, (number & 0xFF) | number >> 12 & ~0xFF


def pack_xattrs(entry: Entry, *, opaque: bool = False) -> bytes:
    """The inline extended attributes of an inode, empty for none. What no layer may bring is left out.

    Raises: Unsupported for more than an inode holds, and for a value that would make the file unreadable.
    """
    placed = [(*place, value) for name, value in entry.xattrs.items() if (place := _place(name, entry.kind))]
    if opaque:
        placed.append(_OPAQUE)
    if not placed:
        return b""
    parts = []
    for index, rest, value in placed:
        if len(rest) > 255 or len(value) > _LONGEST_VALUE:
            raise _too_large(entry)
        if not _is_sound(index, rest, value):
            name = (_NAMES[index] + rest).decode("utf-8", "replace")
            raise Unsupported("malformed extended attribute {name} of {path}", name=name, path=_shown(entry))
        part = _XATTR.pack(len(rest), index, len(value)) + rest + value
        parts.append(part + bytes(-len(part) % 4))
    body = bytes(XATTR_HEADER) + b"".join(parts)
    if xattr_units(body) > _MOST_XATTR_UNITS:
        raise _too_large(entry)
    return body


def xattr_units(body: bytes) -> int:
    """The size of inline extended attributes as an inode tells it."""
    return (len(body) - XATTR_HEADER) // 4 + 1 if body else 0


def unpack_xattrs(body: bytes) -> dict[bytes, bytes]:
    """What `pack_xattrs` packed, the overlay's mark among it."""
    found, at = {}, XATTR_HEADER
    while at < len(body):
        length, index, size = _XATTR.unpack_from(body, at)
        at += _XATTR.size
        found[_NAMES[index] + body[at : at + length]] = body[at + length : at + length + size]
        at += length + size
        at += -at % 4
    return found


def _place(name: bytes, kind: bytes) -> tuple[int, bytes] | None:
    """The index of an attribute's namespace and the rest of its name; None for one that a file of this kind lacks."""
    if name.decode("utf-8", "replace").startswith(FOREIGN):
        return None
    if name in _ACLS:
        return (_ACLS[name], b"") if kind != SYMLINK else None
    for prefix, index in _PREFIXES:
        if name.startswith(prefix) and len(name) > len(prefix):
            return (index, name[len(prefix) :]) if index != 1 or kind in (FILE, DIRECTORY) else None
    return None


def _is_sound(index: int, rest: bytes, value: bytes) -> bool:
    """Whether the kernel can make sense of a value, which it only looks at when the file is used.

    Spec: Linux posix_acl_xattr.h; linux/capability.h, struct vfs_ns_cap_data.
    """
    if index in _ACLS.values():
        tags = {tag for tag, _, _ in _ACL_ENTRY.iter_unpack(value[4:])} if len(value) % 8 == 4 else {0}
        return value[:4] == b"\2\0\0\0" and tags <= _ACL_TAGS
    if (index, rest) == (6, b"capability"):
        return len(value) > 4 and len(value) == _CAPABILITY_SIZES.get(value[3])
    return True


def _shown(entry: Entry) -> str:
    return entry.path.decode("utf-8", "replace")


def _too_large(entry: Entry) -> Unsupported:
    return Unsupported("the extended attributes of {path} are larger than a file can have", path=_shown(entry))
