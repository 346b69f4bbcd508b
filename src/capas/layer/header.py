"""One tar header block: its fields, numbers and checksum, ustar, GNU and star.

Where readers in the field (GNU tar, Go's archive/tar, Python's tarfile) would see different members in the same bytes,
the header is refused: a layer must not show one tree to a scanner and another to a kernel.
Spec: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple
from zlib import adler32

from capas.errors import Corrupt, Unsupported

BLOCK = 512
ZEROS = bytes(BLOCK)
LARGEST_ID = 0xFFFFFFFE
_LARGEST = 1 << 62
_LONGEST_NAME = 16384  # four times what system calls take: no name costs more to follow than this
_DEVICES = 1 << 12, 1 << 20  # majors and minors of Linux
FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12s")
_UNPACK = struct.Struct("100s24s12s12s8sc100s6s66x8s8s155s12s").unpack_from


class Header(NamedTuple):
    """The fields of a header that matter, numbers read. `kind` is the type flag as it stands."""

    name: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    target: bytes
    device: tuple[int, int]


def parse_header(view: memoryview, position: int) -> Header:
    """The header in the 512 bytes from `position`. Raises: Corrupt for a wrong checksum or number."""
    name, owner, size, mtime, checksum, kind, target, magic, major, minor, prefix, tail = _UNPACK(view, position)
    # adler32's low half is a sum modulo 65521; half a block cannot reach that, so two halves give the exact sum
    total = (adler32(view[position : position + 256], 0) & 0xFFFF) + (
        adler32(view[position + 256 : position + 512], 0) & 0xFFFF
    )
    if total != _expected_sum(checksum):
        _check_signed_sum(view[position : position + BLOCK], checksum)
    name = name.partition(b"\0")[0]
    if prefix[0] and magic == b"ustar\0":
        if tail[8:] == b"tar\0":  # star keeps two times in the last 24 bytes of the prefix
            prefix = prefix[:131]
        if prefix[0]:
            name = prefix.partition(b"\0")[0] + b"/" + name
    device = (0, 0)
    if kind in b"34" and magic[:5] == b"ustar":
        device = _parse_device(major + minor)
    mode, uid, gid = _parse_owner(owner)
    target = target.partition(b"\0")[0] if target[0] else b""
    fields = (name, kind, mode, uid, gid, parse_number(size), parse_number(mtime), target, device)
    return tuple.__new__(Header, fields)


@lru_cache(maxsize=16384)
def _expected_sum(field: bytes) -> int:
    """The sum of a block with this checksum in it, which counts itself as spaces."""
    return parse_number(field) + sum(field) - 256


def _check_signed_sum(block: memoryview, field: bytes) -> None:
    """Accept the sum as old writers made it, of signed bytes. Raises: Corrupt."""
    if sum(block.cast("b")) - sum(memoryview(field).cast("b")) + 256 != parse_number(field):
        raise Corrupt("not a tar stream: wrong header checksum")


@lru_cache(maxsize=4096)
def _parse_owner(fields: bytes) -> tuple[int, int, int]:
    """The mode, user and group of three fields of 8 bytes. Raises: Corrupt."""
    mode, uid, gid = fields[:8], fields[8:16], fields[16:]
    return parse_number(mode) & 0o7777, checked_id(parse_number(uid)), checked_id(parse_number(gid))


@lru_cache(maxsize=64)
def _parse_device(fields: bytes) -> tuple[int, int]:
    major, minor = parse_number(fields[:8]), parse_number(fields[8:])
    if not (0 <= major < _DEVICES[0] and 0 <= minor < _DEVICES[1]):
        raise Unsupported("device number {major}:{minor} is out of range", major=major, minor=minor)
    return major, minor


@lru_cache(maxsize=4096)
def parse_number(field: bytes) -> int:
    """The number in a field: octal digits or, with the top bit set, base 256 in two's complement. Blank is 0.

    Raises: Corrupt for anything else, and what no size or time can be; int() alone would take signs and underscores.
    """
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        value -= 1 << bits if value >> (bits - 1) else 0
        if abs(value) > _LARGEST:
            raise Corrupt("not a tar stream: wrong number {field!r} in a header", field=field)
        return value
    digits = field.strip(b" \0").partition(b"\0")[0].rstrip(b" ")
    if not digits:
        return 0
    try:
        if digits.isdigit():
            return int(digits, 8)
    except ValueError:
        pass
    raise Corrupt("not a tar stream: wrong number {field!r} in a header", field=field)


def checked_id(value: int) -> int:
    """The id as the kernel counts them; small negative ones (-2 is "nobody" for some writers) wrap around.

    Raises: Corrupt for one out of range, and for -1, which chown would take for "leave it".
    """
    if -(1 << 31) <= value < -1:
        return value + (1 << 32)
    if not 0 <= value <= LARGEST_ID:
        raise Corrupt("user or group id {id} is out of range", id=value)
    return value


def clean_path(raw: bytes) -> bytes:
    """A member's name without leading, doubled or dotted parts; b"" for the root. `a/../b` is `b`, as for Go's readers.

    Raises: Corrupt for a NUL or a name that leaves the root; Unsupported for one that is longer than any in use.
    """
    if len(raw) > _LONGEST_NAME:
        raise Unsupported("the name {name!r}… is longer than {limit} bytes", name=raw[:200], limit=_LONGEST_NAME)
    if b"\0" in raw:
        raise Corrupt("a NUL in the name {name!r}", name=raw[:200])
    path = raw[2:] if raw.startswith(b"./") else raw
    path = path.removesuffix(b"/")
    if path and path[0] not in b"./" and b"/." not in path and b"//" not in path:
        return path
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            if not parts:
                raise Corrupt("the name {name!r} leaves the root", name=raw[:200])
            parts.pop()
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/".join(parts)
