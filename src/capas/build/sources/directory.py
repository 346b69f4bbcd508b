"""A directory of the host as files to copy: the build context. Nothing outside it is ever opened."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

from capas.build.sources.descriptors import Directories
from capas.build.sources.digests import FileDigests, Signature
from capas.build.sources.walk import join, name_of, parent_of
from capas.dockerfile.ignore import Ignore
from capas.errors import Conflict, Denied, NotFound
from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, SYMLINK, Entry

_KINDS = {
    stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK,
    stat.S_IFIFO: FIFO, stat.S_IFCHR: CHARACTER, stat.S_IFBLK: BLOCK,
}  # fmt: skip  # a socket has no place in an image and is passed over
_CHUNK = 1 << 20


class DirectoryFiles:
    """The files beneath `root` that `ignore` leaves in, owned by root and with one time, whoever has them here."""

    chain = None

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
        self._states = {b"": Ignore.START}
        self._digests = digests
        self._mtime_ns = mtime_ns
        self._listed: dict[bytes, dict[bytes, Entry]] = {}
        self._signatures: dict[bytes, Signature] = {}

    def find(self, path: bytes) -> Entry | None:
        """The entry at this path."""
        if not path:
            return Entry(b"", DIRECTORY, 0o755, mtime_ns=self._mtime_ns)
        parent = parent_of(path)
        if parent:
            above = self.find(parent)
            if above is None or above.kind != DIRECTORY:
                return None
        return self._children(parent).get(name_of(path))

    def list(self, path: bytes) -> Sequence[Entry]:
        """What is in this directory, by name."""
        return list(self._children(path).values())

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
        signature = self._signatures[entry.path]
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
        self._digests.put(entry.path, self._signatures[entry.path], digest)

    def explain_absence(self, path: bytes) -> str:
        """Whether it was left out, or what is nearly called so."""
        rule = self._ignore.find_rule(os.fsdecode(path))
        if rule is not None and not rule.exception:
            return f"line {rule.line} of .dockerignore leaves it out: {rule}" if rule.line else f"{rule} leaves it out"
        parent = parent_of(path)
        entry = self.find(parent)
        if entry is None or entry.kind != DIRECTORY:
            return ""
        names = [child.decode(errors="replace") for child in self._children(parent)]
        near = difflib.get_close_matches(name_of(path).decode(errors="replace"), names, n=3, cutoff=0.6)
        return "did you mean " + " or ".join(near) + "?" if near else ""

    def close(self) -> None:
        """Let the directories go, and keep what was learnt of their files."""
        self._directories.close()
        self._digests.save()

    def _children(self, path: bytes) -> dict[bytes, Entry]:
        found = self._listed.get(path)
        if found is None:
            found = self._listed[path] = self._scan(path)
        return found

    def _scan(self, path: bytes) -> dict[bytes, Entry]:
        try:
            fd = self._directories.open_dir(path)
            try:
                entries = self._read(path, fd)
            finally:
                os.close(fd)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Denied("cannot read the directory {path}: {why}", path=_show(path), why=error.strerror) from None
        return {name_of(entry.path): entry for entry in entries if self._is_visible(entry)}

    def _read(self, path: bytes, fd: int) -> Sequence[Entry]:
        entries = []
        with os.scandir(fd) as scan:
            for item in scan:
                name = os.fsencode(item.name)
                status = item.stat(follow_symlinks=False)
                kind = _KINDS.get(stat.S_IFMT(status.st_mode))
                if kind is not None:
                    target = os.readlink(name, dir_fd=fd) if kind == SYMLINK else b""
                    entries.append(self._entry(join(path, name), kind, status, target))
        entries.sort()
        return entries

    def _entry(self, path: bytes, kind: bytes, status: os.stat_result, target: bytes) -> Entry:
        if kind == FILE:
            self._signatures[path] = Signature.of(status)
        device = (os.major(status.st_rdev), os.minor(status.st_rdev)) if kind in (CHARACTER, BLOCK) else (0, 0)
        mode = 0o777 if kind == SYMLINK else status.st_mode & 0o7777
        return Entry(path, kind, mode, 0, 0, status.st_size if kind == FILE else 0, self._mtime_ns, target, device)

    def _is_visible(self, entry: Entry) -> bool:
        if not self._ignore.rules:
            return True
        name = os.fsdecode(entry.path)
        state = self._ignore.enter(name, self._states[parent_of(entry.path)])
        if entry.kind == DIRECTORY:
            self._states[entry.path] = state
        if not self._ignore.leaves_out(state):
            return True
        if entry.kind != DIRECTORY or self._ignore.is_pruned(name, state):
            return False
        return bool(self._children(entry.path))  # what is left out is there all the same if something in it comes back


def _show(path: bytes) -> str:
    return path.decode(errors="replace") or "."
