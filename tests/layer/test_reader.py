"""Reading tars made by others, and hostile ones."""

from __future__ import annotations

import io
import resource
import subprocess
import tarfile
from pathlib import Path

import pytest

from capas.errors import Conflict, Corrupt, Exhausted, Unsupported
from capas.layer.header import BLOCK
from capas.layer.reader import iter_entries


def header(name: bytes, kind: bytes = b"0", size: bytes = b"00000000000\0", target: bytes = b"") -> bytes:
    info = tarfile.TarInfo("x")
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    block[:100] = name.ljust(100, b"\0")
    block[124:136] = size
    block[156:157] = kind
    block[157:257] = target.ljust(100, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def extended(*records: bytes, kind: bytes = b"x") -> bytes:
    data = b"".join(records)
    return header(b"pax", kind, b"%011o\0" % len(data)) + data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")


def record(key: bytes, value: bytes) -> bytes:
    size = next(n for n in range(1000) if n == len(b"%d %s=%s\n" % (n, key, value)))
    return b"%d %s=%s\n" % (size, key, value)


def read(data: bytes) -> list[tuple[bytes, bytes]]:
    return [(entry.path, body.read()) for entry, body in iter_entries(io.BytesIO(data))]


def corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt):
        read(data + bytes(4 * BLOCK))


def test_a_pax_size_wins_over_the_headers() -> None:
    inner = header(b"inner")
    data = extended(record(b"size", b"512")) + header(b"outer") + inner + header(b"last")
    assert [path for path, _ in read(data + bytes(1024))] == [b"outer", b"last"]


def test_a_global_header_that_sets_sizes_is_refused() -> None:
    corrupt(extended(record(b"size", b"512"), kind=b"g") + header(b"f"))


def test_a_global_header_names_what_follows_unless_said_otherwise() -> None:
    data = extended(record(b"uid", b"70000"), kind=b"g") + header(b"f")
    assert [entry.uid for entry, _ in iter_entries(io.BytesIO(data))] == [70000]


@pytest.mark.parametrize("kind", [b"2", b"3", b"4", b"6"])
def test_a_size_where_no_body_can_be_is_refused(kind: bytes) -> None:
    corrupt(header(b"x", kind, b"00000001000\0", b"t"))


@pytest.mark.parametrize(
    "data",
    [
        b"rubbish" * 100,
        header(b"a")[:-1] + b"\1",
        extended(record(b"path", b"a")) + extended(record(b"path", b"b")) + header(b"x"),
        header(b"f", size=b"0000000_777\0"),
        header(b"f", size=b"-0000000777\0"),
        header(b"f", size=b"\xff" * 12),
        extended(b"0 path=a\n") + header(b"x"),
        extended(b"99 path=a\n") + header(b"x"),
        extended(b"9 pathaaa\n") + header(b"x"),
        extended(record(b"path", b"a\0b")) + header(b"x"),
        extended(record(b"uid", b"-1")) + header(b"x"),
        extended(record(b"mtime", b"nan")) + header(b"x"),
        bytes(BLOCK) + header(b"x"),
        header(b"s", b"2"),
        extended(record(b"GNU.sparse.map", b"0,10,5,10"), record(b"GNU.sparse.size", b"20")) + header(b"x"),
        extended(record(b"GNU.sparse.map", b"0,-1"), record(b"GNU.sparse.size", b"20")) + header(b"x"),
    ],
)
def test_malformed_tars_are_corrupt(data: bytes) -> None:
    corrupt(data)


def test_a_tar_may_end_without_its_zeros_but_not_after_an_extended_header() -> None:
    assert read(header(b"f")) == [(b"f", b"")]
    with pytest.raises(Corrupt):
        read(extended(record(b"path", b"a")))


def test_an_unknown_type_is_unsupported() -> None:
    with pytest.raises(Unsupported):
        read(header(b"x", b"M"))


def test_a_huge_extended_header_is_refused_without_reading_it() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Exhausted):
        read(header(b"x", b"x", b"\x80" + (4 << 30).to_bytes(11, "big")) + bytes(10_000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 << 10


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"a//b/./c", b"a/b/c"),
        (b"./", b""),
        (b"/abs", b"abs"),
        (b"a/x/../b", b"a/b"),
        (b"new\nline\xff", b"new\nline\xff"),
    ],
)
def test_paths_are_cleaned_and_otherwise_kept_byte_for_byte(name: bytes, path: bytes) -> None:
    assert [found for found, _ in read(header(name) + bytes(1024))] == [path]


def test_negative_and_large_numbers_in_base_256() -> None:
    block = bytearray(header(b"f"))
    block[108:116] = b"\x80" + (3_000_000_000).to_bytes(7, "big")
    block[136:148] = b"\xff" * 12
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    ((entry, _),) = iter_entries(io.BytesIO(bytes(block)))
    assert (entry.uid, entry.mtime_ns) == (3_000_000_000, -1_000_000_000)


def test_libarchives_extended_attributes_are_read() -> None:
    data = extended(record(b"LIBARCHIVE.xattr.user.%61", b"AAE"), record(b"SCHILY.xattr.user.b", b"x=\ny"))
    ((entry, _),) = iter_entries(io.BytesIO(data + header(b"f")))
    assert entry.xattrs == {b"user.a": b"\0\1", b"user.b": b"x=\ny"}


def test_a_body_read_too_late_says_so() -> None:
    found = list(iter_entries(io.BytesIO(header(b"f", size=b"00000000003\0") + b"abc".ljust(512, b"\0"))))
    with pytest.raises(Conflict):
        found[0][1].read()


@pytest.mark.peer("tar")
@pytest.mark.parametrize(
    "form", [["-H", "gnu"], *(["-H", "pax", f"--sparse-version={v}"] for v in ("0.0", "0.1", "1.0"))]
)
def test_gnu_tars_sparse_files_are_read(tmp_path: Path, form: list[str]) -> None:
    wanted = b""
    with open(tmp_path / "sparse", "wb") as f:
        for n in range(40):
            f.seek(n * 200_000 + 50_000)
            f.write(bytes([n + 1]) * 5000)
        f.truncate(9_000_000)
    wanted = (tmp_path / "sparse").read_bytes()
    (tmp_path / "after").write_bytes(b"after")
    args = ["tar", "-S", *form, "-C", str(tmp_path), "-c", "sparse", "after"]
    tar = subprocess.run(args, check=True, capture_output=True).stdout
    assert len(tar) < 1 << 20
    assert read(tar) == [(b"sparse", wanted), (b"after", b"after")]
