"""Layers that hold everything a layer can hold, and the four ways in which GNU tar has written files with holes."""

from __future__ import annotations

import struct
import tarfile
from collections.abc import Callable

from support.changesets import Member, changeset, device, directory, fifo, file, hardlink, symlink

END = bytes(1024)
CAPABILITY = b"\1\0\0\2\0\4" + bytes(14)
ACL = b"\2\0\0\0" + b"".join(struct.pack("<HHI", *e) for e in (
    (1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)
))  # fmt: skip
HOLE = 3 << 20
REAL_SIZE = 2 * HOLE
PIECES = ((0, 512), (HOLE, 5120), (REAL_SIZE - 512, 512), (REAL_SIZE, 0))
"""Offset and length of each piece of data, and the end, as GNU tar has it."""


def odd_members() -> list[Member]:
    """All kinds, odd names, ids, times, attributes, links."""
    return [
        directory("", 0o751, uid=3, gid=4, mtime_ns=1_600_000_000_123_456_789),
        directory("d", 0o1777, uid=70_000, gid=4_000_000_000, xattrs={b"user.of": b"a directory"}),
        file("d/set", b"s" * 5000, mode=0o6755, uid=0xFFFFFFFE, gid=2_147_483_648),
        file("d/early", b"1", mtime_ns=-86_400_000_000_001),
        file("d/late", b"", mtime_ns=(1 << 33) * 1_000_000_000 + 999_999_999),
        file("d/" + "n" * 255, b"long name"),
        file("d/\udcff\udcfe\n\t", b"not utf-8"),
        file("d/!before-the-dot", b"sorted before ."),
        symlink("d/soft", "../d/set", uid=9),
        symlink("d/long", "t/" * 2047 + "t"),
        symlink("d/middling", "m" * 440),
        hardlink("d/hard", "d/set", uid=0xFFFFFFFE),
        device("d/null", 1, 3, mode=0o666),
        device("d/large", 4095, 1_048_575),
        device("d/block", 259, 300, block=True, mode=0o660),
        fifo("d/pipe", mode=0o600),
        file("d/capable", b"c", mode=0o755, xattrs={b"security.capability": CAPABILITY}),
        file("d/acl", b"a", mode=0o640, xattrs={b"system.posix_acl_access": ACL}),
        file("d/notes", b"n", xattrs={b"user.%d" % number: b"v" * number for number in range(7, 200, 7)}),
        file("d/twice", b"first", mode=0o600),
        file("d/twice", b"second", mode=0o644),
        hardlink("hard-to-hard", "d/hard"),
        hardlink("hard-to-soft", "d/soft"),
        *(file(f"many/{number:05}-" + "x" * (number % 40), b"%d" % number) for number in range(20_000)),
        file("unlisted/deep/down/f", b"f"),
        directory("empty"),
    ]


def odd_tar() -> bytes:
    """The tar of `odd_members` and, after them, of `sparse_tar`."""
    return changeset(*odd_members()).removesuffix(END) + sparse_tar()


def data_of(piece: tuple[int, int]) -> bytes:
    """What stands in a file with holes at this piece."""
    return (b"%d " % piece[0] * piece[1])[: piece[1]]


def with_holes() -> bytes:
    """What each of the members of `sparse_tar` is, unpacked."""
    content = bytearray(REAL_SIZE)
    for offset, length in PIECES:
        content[offset : offset + length] = data_of((offset, length))
    return bytes(content)


def sparse_tar() -> bytes:
    """One file with holes, in each of GNU tar's four forms."""
    return b"".join(form(f"holes/{name}") for name, form in SPARSE_FORMS.items()) + END


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def _body() -> bytes:
    return b"".join(map(data_of, PIECES))


def _old(name: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = b"S", len(_body())
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    numbers = [number for piece in PIECES for number in piece]
    header[386:482] = b"".join(b"%011o\0" % number for number in numbers).ljust(96, b"\0")
    header[483:495] = b"%011o\0" % REAL_SIZE
    return with_checksum(header) + _padded(_body())


def _pax(name: str, records: dict[str, str], head: bytes = b"") -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.pax_headers = len(head) + len(_body()), records
    return info.tobuf(tarfile.PAX_FORMAT) + _padded(head + _body())


def _zero_zero(name: str) -> bytes:
    """Its keys come several times: tarfile writes them as one record each, so it is written here."""
    records = [("GNU.sparse.size", REAL_SIZE), ("GNU.sparse.numblocks", len(PIECES))]
    for offset, length in PIECES:
        records += [("GNU.sparse.offset", offset), ("GNU.sparse.numbytes", length)]
    body = b"".join(_record(key, str(value)) for key, value in records)
    info = tarfile.TarInfo("PaxHeaders/x")
    info.type, info.size = b"x", len(body)
    member = tarfile.TarInfo(name)
    member.size = len(_body())
    return info.tobuf(tarfile.USTAR_FORMAT) + _padded(body) + member.tobuf(tarfile.USTAR_FORMAT) + _padded(_body())


def _record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    size = len(rest) + 1
    while len(str(size)) + len(rest) != size:
        size += 1
    return str(size).encode() + rest


def _zero_one(name: str) -> bytes:
    pieces = ",".join(f"{offset},{length}" for offset, length in PIECES)
    size = {"GNU.sparse.size": str(REAL_SIZE), "GNU.sparse.numblocks": str(len(PIECES))}
    return _pax("GNUSparseFile.0/x", {**size, "GNU.sparse.name": name, "GNU.sparse.map": pieces})


def _one(name: str) -> bytes:
    records = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": name}
    head = b"%d\n" % len(PIECES) + b"".join(b"%d\n%d\n" % piece for piece in PIECES)
    return _pax("GNUSparseFile.0/x", {**records, "GNU.sparse.realsize": str(REAL_SIZE)}, _padded(head))


SPARSE_FORMS: dict[str, Callable[[str], bytes]] = {"old": _old, "0.0": _zero_zero, "0.1": _zero_one, "1.0": _one}


def with_checksum(header: bytes | bytearray) -> bytes:
    """A header block with the sum that belongs to it."""
    block = bytearray(header)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return bytes(block)


def raw_header(name: str, kind: bytes = b"0", **fields: object) -> bytearray:
    """A GNU header to be written into; `with_checksum` makes it whole."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return bytearray(info.tobuf(tarfile.GNU_FORMAT))
