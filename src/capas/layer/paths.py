"""The confined walk: every path that comes from an archive or an image is followed here, beneath one directory.

Directories are opened one component at a time and without following; a link on the way is read and followed by us, with
the root as its "/" and as the end of its "..". So no path, link or race can lead outside.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from capas.errors import Corrupt, NotFound

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
TOP = 0
Make = Literal["nothing", "missing", "all"]
_MOST_LINKS = 40  # as Linux
_MOST_OPEN = 128
_MOST_LISTED = 4096


class Root:
    """A directory as the root of all paths.

    Directories met are known by number (`TOP` is the root); of their open descriptors and the ways to them some are
    kept. Whoever removes a directory or a link beneath the root must say so by `forget()`. `before_make(number, name)`
    is told of every directory that `enter` makes, before it does.
    """

    def __init__(self, path: str | bytes | os.PathLike[str]) -> None:
        self._fds = {TOP: os.open(path, FOLDER & ~os.O_NOFOLLOW)}
        self._parents = [TOP]
        self._names = [b""]
        self._numbers: dict[tuple[int, bytes], int] = {}
        self._ways: dict[bytes, int] = {b"": TOP}
        self.before_make: Callable[[int, bytes], None] | None = None

    def close(self) -> None:
        """Close every descriptor. Idempotent."""
        while self._fds:
            os.close(self._fds.popitem()[1])

    def __enter__(self) -> Root:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # whole paths

    def open_dir(self, path: bytes) -> int:
        """A descriptor of a directory, links followed; the caller closes it. Raises: NotFound."""
        number = self.enter(path)
        if number is None:
            raise NotFound("no such directory: /{path}", path=_shown(path))
        return os.dup(self.fd(number))

    def open(self, path: bytes, flags: int = os.O_RDONLY) -> int:
        """A descriptor of a file, links followed; the caller closes it. Raises: NotFound; OSError as open(2).

        A FIFO or a device does not make it wait, and a terminal does not become ours.
        """
        place = self.locate(path)
        if place is None:
            raise NotFound("no such file: /{path}", path=_shown(path))
        number, name = place
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        try:
            return os.open(name, flags, 0o666, dir_fd=self.fd(number))
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound("no such file: /{path}", path=_shown(path)) from None

    def resolve(self, path: bytes) -> bytes | None:
        """The path with every link followed; None where it leads nowhere. Raises: Corrupt for a loop of links."""
        place = self.locate(path)
        if place is None:
            return None
        number, name = place
        try:
            os.stat(name, dir_fd=self.fd(number), follow_symlinks=False)
        except OSError:
            return None
        return self.path(number) if name == b"." else join(self.path(number), name)

    def locate(self, path: bytes, *, follow: bool = True) -> tuple[int, bytes] | None:
        """The directory and the name in it that a path leads to, which need not be there; b"." for itself.

        None where a directory on the way is missing. Without `follow` a link at the end is what is located.
        """
        for _ in range(_MOST_LINKS):
            folder, _, name = path.rstrip(b"/").rpartition(b"/")
            if name in (b"", b".", b".."):
                number = self.enter(path)
                return None if number is None else (number, b".")
            number = self.enter(folder)
            if number is None:
                return None
            target = self._link(number, name) if follow else None
            if target is None:
                return number, name
            path = target if target.startswith(b"/") else join(self.path(number), target)
        raise _looped(path)

    # directories by number

    def enter(self, path: bytes, *, make: Make = "nothing") -> int | None:
        """The number of a directory, links followed; None where it is not there.

        With `make` "missing" what is missing on the way is made; with "all" what is neither directory nor link
        is replaced.
        Raises: Corrupt for a loop of links.
        """
        ways = self._ways
        number = ways.get(path)
        if number is not None:
            return number
        folder, _, name = path.rpartition(b"/")
        above = ways.get(folder)
        parts = [name] if above is not None else path.split(b"/")[::-1]
        number = self._descend(TOP if above is None else above, parts, make)
        if number is not None:
            if len(ways) > _MOST_LISTED or len(path) > _MOST_LISTED:
                ways.clear()
                ways[b""] = TOP
            ways[path] = number
        return number

    def fd(self, number: int) -> int:
        """The descriptor of a directory, good until the next call of any method. Raises: OSError where it is gone."""
        fd = self._fds.get(number)
        if fd is not None:
            return fd
        chain = []
        while number not in self._fds:
            chain.append(number)
            number = self._parents[number]
        fd = self._fds[number]
        for number in reversed(chain):
            fd = os.open(self._names[number], FOLDER, dir_fd=fd)
            self._remember(number, fd)
        return fd

    def number(self, folder: int, name: bytes) -> int:
        """The number of a name in a directory, given to it now if it had none."""
        number = self._numbers.setdefault((folder, name), len(self._names))
        if number == len(self._names):
            self._names.append(name)
            self._parents.append(folder)
        return number

    def find_number(self, folder: int, name: bytes) -> int | None:
        """The number that a name in a directory has, if any."""
        return self._numbers.get((folder, name))

    def parent(self, number: int) -> int:
        """The number of the directory above; the root is above itself."""
        return self._parents[number]

    def name(self, number: int) -> bytes:
        """The name behind a number."""
        return self._names[number]

    def path(self, number: int) -> bytes:
        """The path behind a number, without links."""
        names = []
        while number:
            names.append(self._names[number])
            number = self._parents[number]
        return b"/".join(reversed(names))

    def forget(self) -> None:
        """Trust no descriptor and no way any more: a directory or a link was removed."""
        top = self._fds.pop(TOP)
        self.close()
        self._fds[TOP] = top
        self._ways = {b"": TOP}

    def _descend(self, number: int, parts: list[bytes], make: Make) -> int | None:
        """Go down `parts`, the next one last. Order: linear in the parts, links among them."""
        links = 0
        while parts:
            part = parts.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                number = self._parents[number]
                continue
            below = self._numbers.get((number, part))
            found = below if below in self._fds else self._step(number, part, make)
            if isinstance(found, bytes):
                links += 1
                if links > _MOST_LINKS:
                    raise _looped(self.path(number) + b"/" + part)
                parts += reversed(found.split(b"/"))
                number = TOP if found.startswith(b"/") else number
            elif found is None:
                return None
            else:
                number = found
        return number

    def _step(self, number: int, name: bytes, make: Make) -> int | bytes | None:
        """The directory `name` in a directory, or the target of the link that it is, or None."""
        parent = self.fd(number)
        try:
            fd = os.open(name, FOLDER, dir_fd=parent)
        except FileNotFoundError:
            return None if make == "nothing" else self._make(number, name)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            target = self._link(number, name)
            if target is not None or make != "all":
                return target
            return self._make(number, name, replace=True)
        below = self.number(number, name)
        self._remember(below, fd)
        return below

    def _make(self, number: int, name: bytes, *, replace: bool = False) -> int:
        if self.before_make is not None:
            self.before_make(number, name)
        parent = self.fd(number)
        if replace:
            os.unlink(name, dir_fd=parent)
        os.mkdir(name, 0o755, dir_fd=parent)
        below = self.number(number, name)
        self._remember(below, os.open(name, FOLDER, dir_fd=parent))
        return below

    def _link(self, number: int, name: bytes) -> bytes | None:
        try:
            return os.readlink(name, dir_fd=self.fd(number))
        except OSError:
            return None

    def _remember(self, number: int, fd: int) -> None:
        fds = self._fds
        fds[number] = fd
        if len(fds) > _MOST_OPEN:
            oldest = next(key for key in fds if key not in (TOP, number))
            os.close(fds.pop(oldest))


def join(folder: bytes, name: bytes) -> bytes:
    """A name in a folder, which may be the root (b"")."""
    return folder + b"/" + name if folder else name


def _looped(path: bytes) -> Corrupt:
    return Corrupt("too many links on the way to /{path}", path=_shown(path[:200]))


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "replace").lstrip("/")
