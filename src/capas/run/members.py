"""Members of a container's tree or the host's, read and put in place beneath a directory that no link leads out of."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import BinaryIO

from capas.errors import Exhausted, Invalid, NotFound
from capas.layer import entry as kinds
from capas.layer.entry import Entry
from capas.run.inside import make_directories, open_inside, opened
from capas.store.contract import Readable

Member = tuple[Entry, Readable | None]
_KINDS = {
    stat.S_IFREG: kinds.FILE, stat.S_IFDIR: kinds.DIRECTORY, stat.S_IFLNK: kinds.SYMLINK, stat.S_IFIFO: kinds.FIFO,
    stat.S_IFCHR: kinds.CHARACTER, stat.S_IFBLK: kinds.BLOCK,
}  # fmt: skip
_CHUNK = 1024 * 1024
_FULL = {28, 122}  # ENOSPC, EDQUOT


def iter_members(
    root: int, path: str, name: str, *, one_filesystem: bool = False, skip: AbstractSet[str] = frozenset()
) -> Iterator[Member]:
    """What is at `path` and beneath it, parents first, called `name` and name/…; "" gives what is in a directory.

    The last part of `path` is not followed where it is a link. Sockets are left out, and `skip` (absolute paths).
    Each body is to be read before the next member is asked for. Raises: NotFound.
    """
    reader = _Reader(root, one_filesystem=one_filesystem, skip=skip)
    parent, base = posixpath.split(posixpath.normpath("/" + path.lstrip("/")))
    try:
        if not base:
            fd = open_inside(root, "/", os.O_RDONLY | os.O_DIRECTORY)
            yield from reader.directory(fd, name, "")
            return
        with opened(root, parent, os.O_PATH | os.O_DIRECTORY) as fd:
            yield from reader.member(fd, base, name, f"{parent.rstrip('/')}/{base}")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound("no such file or directory in the container: {path}", path=path) from None


class _Reader:
    """One walk: hard links are members once, and links to the first name after it."""

    def __init__(self, root: int, *, one_filesystem: bool, skip: AbstractSet[str]) -> None:
        self._device = os.stat(f"/proc/self/fd/{root}").st_dev if one_filesystem else None
        self._skip = skip
        self._seen: dict[tuple[int, int], str] = {}

    def member(self, parent: int, base: str, name: str, path: str) -> Iterator[Member]:
        status = os.stat(base, dir_fd=parent, follow_symlinks=False)
        kind = _KINDS.get(stat.S_IFMT(status.st_mode))
        if kind is None or path in self._skip:
            return
        if kind == kinds.DIRECTORY:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            yield from self.directory(os.open(base, flags, dir_fd=parent), name, path)
        elif kind == kinds.FILE:
            yield from self._file(parent, base, name)
        elif kind == kinds.SYMLINK:
            target = os.fsencode(os.readlink(base, dir_fd=parent))
            yield _entry(name, kind, status)._replace(target=target), None
        else:
            device = (os.major(status.st_rdev), os.minor(status.st_rdev))
            yield _entry(name, kind, status)._replace(device=device), None

    def directory(self, fd: int, name: str, path: str) -> Iterator[Member]:
        """The directory and what is in it; closes `fd`."""
        try:
            status = os.fstat(fd)
            if name:
                yield _entry(name, kinds.DIRECTORY, status)._replace(xattrs=_xattrs(fd)), None
            if self._device not in (None, status.st_dev):
                return  # something mounted on it: not the tree's
            for base in sorted(os.listdir(fd)):
                try:
                    yield from self.member(fd, base, f"{name}/{base}" if name else base, f"{path}/{base}")
                except FileNotFoundError:
                    continue  # gone meanwhile: the container runs
        finally:
            os.close(fd)

    def _file(self, parent: int, base: str, name: str) -> Iterator[Member]:
        fd = os.open(base, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return
            entry = _entry(name, kinds.FILE, status)
            first = self._seen.get((status.st_dev, status.st_ino)) if status.st_nlink > 1 else None
            if first is not None:
                yield entry._replace(kind=kinds.HARDLINK, size=0, target=os.fsencode(first)), None
                return
            if status.st_nlink > 1:
                self._seen[status.st_dev, status.st_ino] = name
            yield entry._replace(size=status.st_size, xattrs=_xattrs(fd)), _Exactly(file, status.st_size)


class _Exactly:
    """A file of the length that was announced, whatever a running container does to it meanwhile."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1, /) -> bytes:
        wanted = min(self._left, _CHUNK) if size < 0 else min(self._left, size)
        data = self._file.read(wanted) or bytes(wanted)
        self._left -= len(data)
        return data


def _entry(name: str, kind: bytes, status: os.stat_result) -> Entry:
    return Entry(
        os.fsencode(name), kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, 0, status.st_mtime_ns
    )


def _xattrs(fd: int) -> dict[bytes, bytes]:
    try:
        names = [name for name in os.listxattr(fd) if name.startswith(("user.", "security.capability"))]
    except OSError:
        return {}
    return {os.fsencode(name): os.getxattr(fd, name) for name in names if not name.startswith("user.overlay.")}


class Installer:
    """Puts members in place beneath the directory `place` of the tree `root`.

    Links met on the way are followed inside `root`, never out of it. `owner` overrides what the entries say.
    """

    def __init__(self, root: int, place: str, *, owner: tuple[int, int] | None, container: bool = False) -> None:
        self._root, self._place, self._owner, self._devices = root, place.rstrip("/"), owner, container
        self._times: list[tuple[str, int]] = []
        self._closed = frozenset({"/proc/"}) if container else frozenset()

    def install(self, entry: Entry, body: Readable | None) -> None:
        """Put one member in place; what is there and is no directory gives way. Raises: Invalid; Exhausted."""
        path = f"{self._place}/{os.fsdecode(entry.path)}".rstrip("/") or "/"
        if ".." in path.split("/"):
            raise Invalid("the archive has a path that leads out of it: {path!r}", path=path)
        try:
            if entry.kind == kinds.DIRECTORY:
                self._directory(path, entry)
            else:
                parent = make_directories(self._root, posixpath.dirname(path), closed=self._closed)
                try:
                    self._other(parent, posixpath.basename(path), entry, body)
                finally:
                    os.close(parent)
        except OSError as error:
            if error.errno in _FULL:
                raise Exhausted("no room to copy {path}", path=path) from None
            raise Invalid("cannot write {path}: {error}", path=path, error=error.strerror or "?") from None

    def finish(self) -> None:
        """Give directories their times, the deepest first."""
        for path, mtime_ns in reversed(self._times):
            try:
                with opened(self._root, path, os.O_PATH) as fd:
                    os.utime(f"/proc/self/fd/{fd}", ns=(mtime_ns, mtime_ns))
            except OSError:
                continue

    def _directory(self, path: str, entry: Entry) -> None:
        made: list[str] = []
        fd = make_directories(self._root, path, made=made, closed=self._closed)
        try:
            if made:
                link = f"/proc/self/fd/{fd}"
                os.chown(link, *(self._owner or (entry.uid, entry.gid)))
                os.chmod(link, entry.mode)
                _set_xattrs(link, entry)
                self._times.append((path, entry.mtime_ns))
        finally:
            os.close(fd)

    def _other(self, parent: int, name: str, entry: Entry, body: Readable | None) -> None:
        _make_way(parent, name)
        if entry.kind == kinds.FILE:
            self._file(parent, name, entry, body)
        elif entry.kind == kinds.SYMLINK:
            os.symlink(os.fsdecode(entry.target), name, dir_fd=parent)
            self._own(parent, name, entry)
        elif entry.kind == kinds.HARDLINK:
            with opened(self._root, f"{self._place}/{os.fsdecode(entry.target)}", os.O_PATH | os.O_NOFOLLOW) as fd:
                os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=parent, follow_symlinks=True)
        elif entry.kind == kinds.FIFO:
            os.mkfifo(name, entry.mode, dir_fd=parent)
            self._own(parent, name, entry)
        elif self._devices:
            node = stat.S_IFCHR if entry.kind == kinds.CHARACTER else stat.S_IFBLK
            os.mknod(name, node | entry.mode, os.makedev(*entry.device), dir_fd=parent)
            self._own(parent, name, entry)

    def _file(self, parent: int, name: str, entry: Entry, body: Readable | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(name, flags, 0o600, dir_fd=parent), "wb") as file:
            while body is not None and (data := body.read(_CHUNK)):
                file.write(data)
            file.flush()
            os.fchown(file.fileno(), *(self._owner or (entry.uid, entry.gid)))
            os.fchmod(file.fileno(), entry.mode)
            _set_xattrs(file.fileno(), entry)
            os.utime(file.fileno(), ns=(entry.mtime_ns, entry.mtime_ns))

    def _own(self, parent: int, name: str, entry: Entry) -> None:
        os.chown(name, *(self._owner or (entry.uid, entry.gid)), dir_fd=parent, follow_symlinks=False)
        os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=parent, follow_symlinks=False)


def _make_way(parent: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return


def _set_xattrs(place: str | int, entry: Entry) -> None:
    for name, value in entry.xattrs.items():
        try:
            os.setxattr(place, os.fsdecode(name), value)
        except OSError:
            continue  # this file system does not take it
