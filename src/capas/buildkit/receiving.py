"""Receiving a directory of the client: its entries are told first, then the files that we ask for are sent.

What is here already from an earlier build, and says the same of itself, is not asked for again; what is not told goes.
Nothing is written outside: a parent must have been told of as a directory, and is a real one of ours.

Spec: tonistiigi/fsutil (`Send`, `Receive`); moby/buildkit, session/filesync.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.caller import Caller, Conversation, Pairs
from capas.errors import Conflict, Corrupt, Invalid, NotFound
from capas.store.disk import disk_errors

METHOD = "/moby.filesync.v1.FileSync/DiffCopy"
Packet = wire.Packet
_AT_ONCE = 64  # files asked for and not here yet: the client keeps a short queue, and both sides must go on reading
_KIND = 0x8F280000  # Go's bits for all that is no plain file
_DIRECTORY, _SYMLINK, _FIFO = 1 << 31, 1 << 27, 1 << 25
_SPECIAL = ((1 << 23, stat.S_ISUID), (1 << 22, stat.S_ISGID), (1 << 20, stat.S_ISVTX))


def receive(
    caller: Caller, name: str, root: Path, *, follow: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Received:
    """Make `root` what the client's directory of this name is.

    `follow`: these paths alone, and what links among them lead to. `exclude`: rules of an ignore file.
    Raises: NotFound where the client has no such directory; Invalid for paths that lead out; Exhausted; Interrupted.
    """
    headers = [*_header("dir-name", [name]), *_header("followpaths", follow), *_header("exclude-patterns", exclude)]
    with caller.converse(METHOD, Packet, Packet, headers) as conversation, disk_errors(root):
        return Receiver(root, conversation).run()


def _header(key: str, values: Sequence[str]) -> Pairs:
    """Values in a header; where one is not ASCII all of them are escaped, and a second header says so."""
    given = [value for value in values if value]
    if all(value.isascii() and value.isprintable() for value in given):
        return [(key, value) for value in given]
    return [*((key, quote_plus(value)) for value in given), (f"{key}-encoded", "1")]


class Received(NamedTuple):
    """What came: bytes of files, and the entries that were left out, which are devices and sockets."""

    size: int
    passed_over: Sequence[str]


class _Wanted(NamedTuple):
    path: bytes
    mode: int
    time_ns: int


class Receiver:
    """One directory on its way. Order: `run`, once."""

    def __init__(self, root: Path, conversation: Conversation[Packet, Packet]) -> None:
        self._root = os.fsencode(root)
        self._conversation = conversation
        self._told: dict[bytes, bool] = {b"": True}  # by path: whether it is a directory
        self._modes: list[tuple[bytes, int]] = []
        self._count = 0
        self._waiting: deque[int] = deque()
        self._wanted: dict[int, _Wanted] = {}
        self._open: dict[int, int] = {}  # descriptors, by the number of the file
        self._asked = 0
        self._all_told = False
        self._size = 0
        self._passed_over: list[str] = []

    def run(self) -> Received:
        """Until all is here. Raises: as `receive`."""
        try:
            while self._take(self._next()):
                pass
        finally:
            for fd in self._open.values():
                os.close(fd)
        self._remove_others()
        for path, mode in reversed(self._modes):
            os.chmod(self._at(path), mode)
        return Received(self._size, self._passed_over)

    def _next(self) -> Packet:
        packet = self._conversation.receive()
        if packet is None:
            raise Corrupt("the client's files ended early")
        return packet

    def _take(self, packet: Packet) -> bool:
        if packet.type == Packet.FIN:
            return False
        if packet.type == Packet.ERR:
            raise NotFound("the client cannot send its files: {why}", why=packet.data.decode(errors="replace")[:500])
        if packet.type == Packet.DATA:
            self._write(packet.id, packet.data)
        elif packet.type == Packet.STAT and packet.HasField("stat"):
            self._tell(packet.stat)
            self._count += 1
        elif packet.type == Packet.STAT:
            self._all_told = True
        self._ask()
        return True

    def _ask(self) -> None:
        """For as many files as may be under way; or say that we have all."""
        numbers = []
        most = _AT_ONCE if self._asked <= _AT_ONCE // 2 else 0  # some at a time: each question is a hop to the loop
        while self._waiting and self._asked < most:
            numbers.append(self._waiting.popleft())
            self._asked += 1
        if numbers:
            self._conversation.send(*(Packet(type=Packet.REQ, id=number) for number in numbers))
        if self._all_told and not self._wanted:
            self._all_told = False
            self._conversation.send(Packet(type=Packet.FIN))

    def _tell(self, entry: wire.Stat) -> None:
        path, kind = entry.path, entry.mode & _KIND
        self._check(path)
        if kind not in (0, _DIRECTORY, _SYMLINK, _FIFO):
            self._passed_over.append(os.fsdecode(path))
            return
        self._told[path] = kind == _DIRECTORY
        if kind == _DIRECTORY:
            self._make_directory(path, _mode(entry))
        elif kind == _SYMLINK:
            self._make_link(path, entry.linkname)
        elif kind == _FIFO:
            self._clear(path)
            os.mkfifo(self._at(path), _mode(entry))
        elif entry.linkname:
            self._make_name(path, entry.linkname)
        else:
            self._want(path, entry)

    def _check(self, path: bytes) -> None:
        """Raises: Invalid unless its parent was told of as a directory and its name is a plain one."""
        parent, slash, name = path.rpartition(b"/")
        plain = name not in (b"", b".", b"..") and b"\0" not in name and (parent or not slash)
        if not plain or not self._told.get(parent, False) or path in self._told:
            raise Invalid("the client sends a file with the path {path!r}", path=os.fsdecode(path)[:200])

    def _make_directory(self, path: bytes, mode: int) -> None:
        found = self._find(path)
        if found is None or not stat.S_ISDIR(found.st_mode):
            self._clear(path)
            os.mkdir(self._at(path), 0o700)
        elif found.st_mode & 0o700 != 0o700:
            os.chmod(self._at(path), 0o700)
        self._modes.append((path, mode))

    def _make_link(self, path: bytes, target: bytes) -> None:
        found = self._find(path)
        if found is None or not stat.S_ISLNK(found.st_mode) or os.readlink(self._at(path)) != target:
            self._clear(path)
            os.symlink(target, self._at(path))

    def _make_name(self, path: bytes, other: bytes) -> None:
        """A hard link. The other name was told before, and of a file."""
        if self._told.get(other, True) or not stat.S_ISREG((found := os.lstat(self._at(other))).st_mode):
            raise Invalid("the client sends a link to {path!r}, which is no file", path=os.fsdecode(other)[:200])
        there = self._find(path)
        if there is None or (there.st_dev, there.st_ino) != (found.st_dev, found.st_ino):
            self._clear(path)
            os.link(self._at(other), self._at(path), follow_symlinks=False)

    def _want(self, path: bytes, entry: wire.Stat) -> None:
        found = self._find(path)
        mode = _mode(entry)
        if (
            found is not None
            and stat.S_ISREG(found.st_mode)
            and (found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode)) == (entry.size, entry.mod_time, mode)
        ):
            return
        self._clear(path)
        # made now: a hard link to it may be told before its content comes
        os.close(os.open(self._at(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        self._wanted[self._count] = _Wanted(path, mode, entry.mod_time)
        self._waiting.append(self._count)

    def _write(self, number: int, data: bytes) -> None:
        wanted = self._wanted.get(number)
        if wanted is None:
            raise Conflict("the client sends a file that was not asked for")
        fd = self._open.get(number)
        if fd is None:
            fd = self._open[number] = os.open(self._at(wanted.path), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._size += len(data)
        if data:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            return
        os.fchmod(fd, wanted.mode)
        os.utime(fd, ns=(wanted.time_ns, wanted.time_ns))
        os.close(self._open.pop(number))
        del self._wanted[number]
        self._asked -= 1

    def _remove_others(self) -> None:
        """What was here and was not told of."""
        for folder in [path for path, is_directory in self._told.items() if is_directory]:
            for name in os.listdir(self._at(folder)):
                path = folder + b"/" + name if folder else name
                if path not in self._told:
                    self._clear(path)

    def _clear(self, path: bytes) -> None:
        found = self._find(path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            shutil.rmtree(self._at(path))
        elif found is not None:
            os.unlink(self._at(path))

    def _find(self, path: bytes) -> os.stat_result | None:
        try:
            return os.lstat(self._at(path))
        except FileNotFoundError:
            return None

    def _at(self, path: bytes) -> bytes:
        return self._root + b"/" + path


def _mode(entry: wire.Stat) -> int:
    """Permissions and special bits, of Go's."""
    return entry.mode & 0o777 | sum(bit for go, bit in _SPECIAL if entry.mode & go)
