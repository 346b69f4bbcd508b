"""The first page of a layer file: what it says of itself, and the superblock of EROFS."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from capas.errors import Corrupt, Unsupported
from capas.layer.erofs.format import SUPER_OFFSET
from capas.oci.digest import DiffID

TAR = 4096
"""Where the tar begins."""

_MAGIC = b"CAPASLYR"
_VERSION = 1
_RECORD = struct.Struct("<8sIIQQQQ32sI")
_CHECKSUM = struct.Struct("<I")


class Record(NamedTuple):
    """What a layer file says of itself. Sizes and offsets in bytes; `notes` and what follows it end the file.

    The sums are the CRC-32 of the metadata (up to the notes), and of what follows: whoever reads them finds damage.
    """

    diff_id: DiffID
    tar_size: int
    metadata: int
    notes: int
    size: int
    metadata_sum: int
    notes_sum: int


def parse_record(header: bytes) -> Record:
    """The record in the first page of a layer file. Raises: Corrupt."""
    if len(header) != TAR or header[: len(_MAGIC)] != _MAGIC:
        raise Corrupt("this is not a layer file")
    _, version, metadata_sum, tar_size, metadata, notes, size, digest, notes_sum = _RECORD.unpack_from(header)
    (checksum,) = _CHECKSUM.unpack_from(header, _RECORD.size)
    if checksum != zlib.crc32(header[: _RECORD.size] + header[_RECORD.size + _CHECKSUM.size :]):
        raise Corrupt("the first page of the layer file is damaged")
    if version != _VERSION:
        raise Unsupported("a layer file of version {version}", version=version, hint="a newer Capas wrote it")
    return Record(DiffID("sha256:" + digest.hex()), tar_size, metadata, notes, size, metadata_sum, notes_sum)


def pack_record(record: Record, superblock: bytes) -> bytes:
    """The first page of a layer file."""
    places = (record.tar_size, record.metadata, record.notes, record.size)
    digest = bytes.fromhex(record.diff_id.hex)
    head = _RECORD.pack(_MAGIC, _VERSION, record.metadata_sum, *places, digest, record.notes_sum)
    blank = bytes(SUPER_OFFSET - _RECORD.size - _CHECKSUM.size)
    rest = (blank + superblock).ljust(TAR - len(head) - _CHECKSUM.size, b"\0")
    return head + _CHECKSUM.pack(zlib.crc32(head + rest)) + rest
