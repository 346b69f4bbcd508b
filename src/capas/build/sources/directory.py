"""A directory of the host as files to copy: the build context. Nothing outside it is ever opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

from capas.build.sources.descriptors import Directories
from capas.build.sources.digests import FileDigests, Signature
from capas.build.sources.folders import Folders, Row
from capas.build.sources.walk import join, name_of, parent_of
from capas.dockerfile.ignore import Ignore
from capas.errors import Conflict, Denied, NotFound
from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, SYMLINK, Entry

_KINDS = {
    stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK,
    stat.S_IFIFO: FIFO, stat.S_IFCHR: CHARACTER, stat.S_IFBLK: BLOCK,
}  # fmt: skip
_CHUNK = 1 << 20


class DirectoryFiles:
    """The files beneath `root` that `ignore` leaves in, owned by root and with one time, whoever has them here."""

    def __init__(
        self,
        root: Path,
        *,
        ignore: Ignore | None,
        digests: FileDigests,
        mtime_ns: int,
        label: str = "the build context",
    ) -> None:
        self.label = label
        self._directories = Directories(root)
        self._ignore = ignore or Ignore()
        self._folders = Folders(self._directories, self._ignore)
        self._digests = digests
        self._mtime_ns = mtime_ns
        self._listed: dict[bytes, list[Entry]] = {}

    def find(self, path: bytes) -> Entry | None:
        """The entry at this path."""
        if not path:
            return Entry(b"", DIRECTORY, 0o755, mtime_ns=self._mtime_ns)
        row = self._folders.find(path)
        return None if row is None else self._entry(path, row)

    def list(self, path: bytes) -> Sequence[Entry]:
        """What is in this directory, by name."""
        found = self._listed.get(path)
        if found is None:
            rows = self._folders.get(path).rows.values()
            found = sorted(self._entry(join(path, os.fsencode(row[0])), row) for row in rows)
            self._listed[path] = found
        return found

    def open(self, entry: Entry) -> BinaryIO:
        """A file's content, as it is now."""
        try:
            file = self._directories.open_file(entry.path)
        except FileNotFoundError:
            raise NotFound("{path} has gone while it was read", path=_show(entry.path)) from None
        except PermissionError:
            raise Denied(
                "cannot read {path} in {where}: permission denied", path=_show(entry.path), where=self.label
            ) from None
        except OSError as error:
            raise Conflict("cannot read {path}: {why}", path=_show(entry.path), why=error.strerror) from None
        return cast(BinaryIO, file)

    def digest(self, entry: Entry) -> str:
        """A file's content digest; read only if its size, times or inode are new."""
        signature = self._signature(entry)
        known = self._digests.find(entry.path, signature)
        if known is not None:
            return known
        running = sha256()
        with self.open(entry) as file:
            while data := file.read(_CHUNK):
                running.update(data)
        self._digests.put(entry.path, signature, running.hexdigest())
        return running.hexdigest()

    def learn(self, entry: Entry, digest: str) -> None:
        """The file has just been read."""
        self._digests.put(entry.path, self._signature(entry), digest)

    def inode(self, entry: Entry) -> tuple[int, int] | None:
        """Device and inode of a file that has several names, here or elsewhere."""
        row = self._row(entry) if entry.kind == FILE else None
        return (row[6], row[5]) if row is not None and row[6] else None

    def key(self, paths: Sequence[bytes], how: bytes, compute: Callable[[], str]) -> str:
        """Computed only where a name, mode, size, time or inode there is new."""
        seal, newest_ns = self._folders.seal(paths)
        name = sha256(seal + how).digest()
        found = self._digests.find_key(name)
        if found is None:
            found = compute()
            self._digests.put_key(name, found, newest_ns)
        return found

    def explain_absence(self, path: bytes) -> str:
        """Whether it was left out, or what is nearly called so."""
        import difflib  # only for errors

        rule = self._ignore.find_rule(os.fsdecode(path))
        if rule is not None and not rule.exception:
            where = f"line {rule.line} of {self._ignore.name} leaves it out: {rule}"
            return where if rule.line else f"{rule} leaves it out"
        parent = parent_of(path)
        entry = self.find(parent)
        if entry is None or entry.kind != DIRECTORY:
            return ""
        names = [name_of(child.path).decode(errors="replace") for child in self.list(parent)]
        near = difflib.get_close_matches(name_of(path).decode(errors="replace"), names, n=3, cutoff=0.6)
        return "did you mean " + " or ".join(near) + "?" if near else ""

    def close(self) -> None:
        """Let the directories go, and keep what was learnt of their files."""
        self._directories.close()
        self._digests.save(self._is_there)

    def _is_there(self, path: bytes) -> bool:
        """Whether a file is still there, as far as was looked."""
        folder = self._folders.find_known(parent_of(path))
        return folder is None or os.fsdecode(name_of(path)) in folder.rows

    def _signature(self, entry: Entry) -> Signature:
        return self._row(entry)[2:6]

    def _row(self, entry: Entry) -> Row:
        return self._folders.get(parent_of(entry.path)).rows[os.fsdecode(name_of(entry.path))]

    def _entry(self, path: bytes, row: Row) -> Entry:
        _, mode, size, *_ = row
        kind = _KINDS[stat.S_IFMT(mode)]
        if kind == FILE:
            return Entry(path, FILE, mode & 0o7777, 0, 0, size, self._mtime_ns)
        if kind == SYMLINK:
            return Entry(path, SYMLINK, 0o777, mtime_ns=self._mtime_ns, target=self._target(path))
        device = (os.major(size), os.minor(size)) if kind in (CHARACTER, BLOCK) else (0, 0)
        return Entry(path, kind, mode & 0o7777, mtime_ns=self._mtime_ns, device=device)

    def _target(self, path: bytes) -> bytes:
        try:
            return self._directories.read_link(path)
        except OSError as error:
            raise Conflict("cannot read {path}: {why}", path=_show(path), why=error.strerror) from None


def _show(path: bytes) -> str:
    return path.decode(errors="replace") or "."
