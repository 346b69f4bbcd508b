"""Extended headers: PAX records and what they change, and the maps of sparse files in their four forms.

Spec: POSIX.1-2017 pax, "pax Extended Header"; GNU tar manual, "Storing Sparse Files".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from capas.errors import Corrupt
from capas.layer.entry import NO_XATTRS
from capas.layer.header import parse_number

Records = dict[bytes, bytes]
Map = tuple[tuple[int, int], ...]

_LENGTH = re.compile(rb"[1-9][0-9]{0,11} ")
_TIME = re.compile(rb"(-?)([0-9]{1,18})(?:\.([0-9]*))?")
_SCHILY = b"SCHILY.xattr."
_LIBARCHIVE = b"LIBARCHIVE.xattr."
_LARGEST = 1 << 62


def parse_records(data: bytes) -> Records:
    """The records of an extended header; a later one of the same key wins, an empty value stays to unset a global one.

    The offsets and lengths of sparse format 0.0 repeat their keys: they are gathered in order as one GNU.sparse.map.
    Raises: Corrupt.
    """
    records: Records = {}
    pieces: list[bytes] = []
    position = 0
    while position < len(data):
        key, value, position = _record(data, position)
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            pieces.append(value)
        else:
            records[key] = value
    if pieces:
        records[b"GNU.sparse.map"] = b",".join(pieces)
    return records


def _record(data: bytes, position: int) -> tuple[bytes, bytes, int]:
    match = _LENGTH.match(data, position)
    if match:
        end = position + int(match[0])
        key, equals, value = data[match.end() : end - 1].partition(b"=")
        if match.end() < end <= len(data) and data[end - 1] == 10 and key and equals and b"\0" not in key:
            return key, value, end
    raise Corrupt("malformed extended header")


def parse_decimal(text: bytes, key: bytes) -> int:
    """The whole number of a record. Raises: Corrupt."""
    digits = text[1:] if text.startswith(b"-") else text
    if not digits.isdigit() or len(digits) > 19 or abs(value := int(text)) > _LARGEST:
        raise Corrupt(
            "malformed extended header: {key} is {text!r}", key=key.decode("ascii", "replace"), text=text[:50]
        )
    return value


def parse_size(text: bytes, key: bytes) -> int:
    """As `parse_decimal`, but not negative. Raises: Corrupt."""
    value = parse_decimal(text, key)
    if value < 0:
        raise Corrupt("malformed extended header: {key} is negative", key=key.decode("ascii", "replace"))
    return value


def parse_time(text: bytes) -> int:
    """A time in decimal seconds. Units: nanoseconds; finer digits are cut. Raises: Corrupt."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise Corrupt("malformed extended header: a time is {text!r}", text=text[:50])
    sign, seconds, fraction = match.groups()
    value = int(seconds) * 1_000_000_000 + int((fraction or b"")[:9].ljust(9, b"0"))
    return -value if sign else value


def find_xattrs(records: Mapping[bytes, bytes]) -> Mapping[bytes, bytes]:
    """The extended attributes among the records, as star, GNU tar and Go write them, or libarchive. Raises: Corrupt."""
    found: dict[bytes, bytes] = {}
    for key, value in records.items():
        if key.startswith(_SCHILY):
            found[key[len(_SCHILY) :]] = value
        elif key.startswith(_LIBARCHIVE):
            found.setdefault(unquote_to_bytes(key[len(_LIBARCHIVE) :]), _base64(value))
    if b"" in found or any(b"\0" in name for name in found):
        raise Corrupt("malformed extended header: an extended attribute without a name")
    return found or NO_XATTRS


def _base64(value: bytes) -> bytes:
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4))
    except binascii.Error as error:
        raise Corrupt("malformed extended header: an extended attribute is not base64") from error


def parse_map(text: bytes) -> Map:
    """The map of sparse formats 0.0 and 0.1: offset, length, offset, length… Raises: Corrupt."""
    numbers = [parse_size(number, b"GNU.sparse.map") for number in text.split(b",")] if text else []
    return _paired(numbers)


def parse_inline_map(numbers: Iterable[int]) -> Map:
    """The map of sparse format 1.0, its count taken off. Raises: Corrupt."""
    return _paired(list(numbers))


def parse_gnu_map(field: memoryview | bytes) -> Map:
    """The map in an old GNU header or a block that continues it: pairs of numbers up to a blank. Raises: Corrupt."""
    pairs = []
    for start in range(0, len(field), 24):
        if not field[start]:
            break
        offset, length = bytes(field[start : start + 12]), bytes(field[start + 12 : start + 24])
        pairs.append((parse_number(offset), parse_number(length)))
    return tuple(pairs)


def _paired(numbers: list[int]) -> Map:
    if len(numbers) % 2:
        raise Corrupt("malformed map of a sparse file")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def check_map(pieces: Map, size: int, stored: int) -> Map:
    """The map without empty pieces. Raises: Corrupt unless it is in order, within `size` and `stored` bytes in all."""
    end = 0
    for offset, length in pieces:
        if offset < end or length < 0:
            raise Corrupt("malformed map of a sparse file")
        end = offset + length
    if end > size or sum(length for _, length in pieces) != stored:
        raise Corrupt("malformed map of a sparse file")
    return tuple(piece for piece in pieces if piece[1])
