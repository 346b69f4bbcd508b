"""Places to mount on: made in the tree where they are missing, and taken away again without following a link."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable
from typing import NamedTuple

from capas.errors import Invalid
from capas.run.inside import make_directories, opened, real_path

_MOUNTED_OVER = ("/proc", "/sys", "/dev")  # the runtime mounts these first, so what lies beneath is not the tree's
_MAX_LINKS = 40


class Stub(NamedTuple):
    """Something made to be mounted on, by its path without links and its inode."""

    path: str
    device: int
    inode: int


class Target(NamedTuple):
    """A place that will be mounted on."""

    path: str
    directory: bool


class Stubs:
    """What was made for one start. `resolved` tells where each target really is."""

    def __init__(self, root: int, made: Iterable[Stub] = ()) -> None:
        self._root = root
        self.made: list[Stub] = list(made)
        self.resolved: dict[str, str] = {}
        self.parents: set[str] = set()  # directories that were there, and that something was made in

    def add(self, target: Target) -> str:
        """See to it that `target` is there; its path without links. Raises: Invalid where it cannot be."""
        path = clean_path(target.path)
        if any(path.startswith(over + "/") for over in _MOUNTED_OVER):
            self.resolved[target.path] = path
            return path
        try:
            real = self._find(path) or self._make(path, directory=target.directory)
        except OSError as error:
            raise Invalid("cannot mount on {path}: {error}", path=target.path, error=error.strerror or "?") from None
        with opened(self._root, real, os.O_PATH) as fd:
            if stat.S_ISDIR(os.fstat(fd).st_mode) != target.directory:
                kind = "a directory" if target.directory else "a file"
                raise Invalid("cannot mount on {path}: {kind} can only cover {kind}", path=target.path, kind=kind)
        self.resolved[target.path] = real
        return real

    def clean(self) -> None:
        """Take away what was made, where it still is what was made and is empty. Times of parents stay as they are."""
        for stub in reversed(self.made):
            parent, name = posixpath.split(stub.path)
            try:
                with opened(self._root, parent, os.O_PATH | os.O_DIRECTORY) as fd:
                    _take_away(fd, name, stub)
            except OSError:
                continue
        self.made.clear()

    def _find(self, path: str) -> str | None:
        try:
            return real_path(self._root, path)
        except FileNotFoundError:
            return None

    def _make(self, path: str, *, directory: bool) -> str:
        for _ in range(_MAX_LINKS):
            parent, name = posixpath.split(path)
            fd = self._directory(path if directory else parent)
            try:
                if directory:
                    return real_path(self._root, path)
                try:
                    link = os.readlink(name, dir_fd=fd)
                except OSError:
                    return self._file(fd, real_path(self._root, parent).rstrip("/") + "/" + name)
                path = clean_path(posixpath.join(real_path(self._root, parent), link))
            finally:
                os.close(fd)
        raise Invalid("cannot mount on {path}: too many links", path=path)

    def _directory(self, path: str) -> int:
        made: list[str] = []
        deepest = real_path(self._root, self._deepest(path))
        before = _Times(self._root, deepest)
        fd = make_directories(self._root, path, made=made)
        before.restore()
        if made:
            self.parents.add(deepest)
        for each in made:
            with opened(self._root, each, os.O_PATH) as new:
                self._note(each, os.fstat(new))
        return fd

    def _deepest(self, path: str) -> str:
        while self._find(path) is None:
            path = posixpath.dirname(path)
        return path

    def _file(self, parent: int, path: str) -> str:
        self.parents.add(posixpath.dirname(path))
        times = os.stat(f"/proc/self/fd/{parent}")
        fd = os.open(posixpath.basename(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o644,
                     dir_fd=parent)  # fmt: skip
        with open(fd, "wb") as file:
            self._note(path, os.fstat(file.fileno()))
        os.utime(f"/proc/self/fd/{parent}", ns=(times.st_atime_ns, times.st_mtime_ns))
        return path

    def _note(self, path: str, status: os.stat_result) -> None:
        self.made.append(Stub(path, status.st_dev, status.st_ino))


class _Times:
    """The times of a directory, to be put back."""

    def __init__(self, root: int, path: str) -> None:
        self._root, self._path = root, path
        with opened(root, path, os.O_PATH) as fd:
            self._status = os.fstat(fd)

    def restore(self) -> None:
        with opened(self._root, self._path, os.O_PATH) as fd:
            os.utime(f"/proc/self/fd/{fd}", ns=(self._status.st_atime_ns, self._status.st_mtime_ns))


def clean_path(path: str) -> str:
    """An absolute path without doubled or dotted parts; ".." stops at the root. Raises: Invalid for a NUL byte."""
    if "\0" in path:
        raise Invalid("a path has a NUL byte in it: {path!r}", path=path)
    return posixpath.normpath("/" + path.lstrip("/"))


def _take_away(parent: int, name: str, stub: Stub) -> None:
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if (status.st_dev, status.st_ino) != (stub.device, stub.inode):
        return  # the process put something else there: it is the process's
    times = os.stat(f"/proc/self/fd/{parent}")
    if stat.S_ISDIR(status.st_mode):
        os.rmdir(name, dir_fd=parent)  # fails, rightly, where something was put into it
    elif stat.S_ISREG(status.st_mode) and status.st_size == 0:
        os.unlink(name, dir_fd=parent)
    else:
        return
    os.utime(f"/proc/self/fd/{parent}", ns=(times.st_atime_ns, times.st_mtime_ns))
