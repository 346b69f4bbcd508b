"""Archives that ADD unpacks: told by their first bytes, read as a tree, never written to the host's paths."""

from __future__ import annotations

import bz2
import lzma
import os
import shutil
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from capas.build.sources.contract import Files
from capas.build.sources.tree import TreeFiles
from capas.errors import CapasError, Corrupt, Exhausted
from capas.layer.compression import decompress
from capas.layer.contents import read_contents
from capas.layer.entry import FILE, Entry
from capas.layer.slice import Slice
from capas.store.contract import Readable

_BLOCK = 512
_CHUNK = 1 << 20


def is_archive(files: Files, entry: Entry) -> bool:
    """Whether the file is a tar, plain or compressed with gzip, bzip2, xz or zstd."""
    if entry.kind != FILE or entry.size < _BLOCK // 16:
        return False
    with files.open(entry) as file:
        return is_archive_head(file)


def is_archive_head(file: BinaryIO) -> bool:
    """The same of an open file, which is then back at its beginning."""
    try:
        return _is_header(_read_exactly(_inflated(file), _BLOCK))
    except (CapasError, OSError, EOFError, lzma.LZMAError, ValueError):
        return False
    finally:
        file.seek(0)


class SpooledArchive(NamedTuple):
    """An archive inflated into a file without a name, and its files. `close` gives the bytes back."""

    files: TreeFiles
    fd: int

    def close(self) -> None:
        """Let the file go."""
        os.close(self.fd)


def spool_archive(
    file: BinaryIO, path: Path, name: str, *, limit_ns: int | None = None, mtime_ns: int | None = None
) -> SpooledArchive:
    """Inflate a tar to `path` and list what is in it. With `mtime_ns` its files are a context: root's, at that time.

    Raises: Corrupt for one that is damaged or truncated; Exhausted for a full disk.
    """
    try:
        with path.open("wb") as out:
            shutil.copyfileobj(_inflated(file), out, _CHUNK)
        with path.open("rb") as tar:
            contents = read_contents(tar)
            fd = os.dup(tar.fileno())
    except (CapasError, EOFError, lzma.LZMAError) as error:
        raise Corrupt("cannot unpack {name}: {why}", name=name, why=str(error)) from None
    except OSError as error:
        raise Exhausted("cannot unpack {name}: {why}", name=name, why=error.strerror or str(error)) from None
    path.unlink()
    whole = Slice(fd, 0, os.fstat(fd).st_size)
    files = TreeFiles(name, [contents], lambda _: whole.cut(0, whole.size), limit_ns=limit_ns, mtime_ns=mtime_ns)
    return SpooledArchive(files, fd)


def _inflated(file: BinaryIO) -> BinaryIO:
    head = file.read(6)
    file.seek(0)
    if head.startswith(b"BZh"):
        return cast(BinaryIO, bz2.open(file))
    if head == b"\xfd7zXZ\0":
        return cast(BinaryIO, lzma.open(file))
    return cast(BinaryIO, decompress(file))


def _read_exactly(stream: Readable, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data


def _is_header(block: bytes) -> bool:
    if len(block) < _BLOCK or not block.strip(b"\0"):
        return False
    try:
        said = int(block[148:156].strip(b"\0 ") or b"-1", 8)
    except ValueError:
        return False
    return said == sum(block[:148]) + sum(block[156:]) + 8 * ord(" ")
