"""Sending what was built: an archive as a stream of bytes, or a directory entry by entry.

Spec: moby/buildkit, session/filesync, `FileSend.DiffCopy`: bytes for one file, packets of fsutil for a directory.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.caller import Caller, Conversation, Pairs
from capas.errors import Conflict, Corrupt, Unavailable

METHOD = "/moby.filesync.v1.FileSend/DiffCopy"
Packet = wire.Packet
_BLOCK = 256 * 1024
_CHUNK = 32 * 1024
_DIRECTORY, _SYMLINK = 1 << 31, 1 << 27
_SPECIAL = ((1 << 23, stat.S_ISUID), (1 << 22, stat.S_ISGID), (1 << 20, stat.S_ISVTX))


def export_headers(number: int) -> Pairs:
    """Which of the client's outputs it is for."""
    return [("buildkit-attachable-exporter-id", str(number))]


class Outlet(io.RawIOBase):
    """A file of the client, written from here. It is begun with the first byte: a build that fails before touches none.

    Order: writes, then `finish` or `abandon`. Raises: Interrupted; what the client answers.
    """

    def __init__(self, caller: Caller, headers: Pairs) -> None:
        """Raises: Unsupported where the client takes no file."""
        super().__init__()
        caller.check(METHOD)
        self._caller = caller
        self._headers = headers
        self._conversation: Conversation[wire.BytesMessage, wire.BytesMessage] | None = None
        self._buffer = bytearray()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: object) -> int:
        """Take bytes; they go in blocks."""
        view = memoryview(data)  # type: ignore[arg-type]  # what every file takes
        self._buffer += view
        if len(self._buffer) >= _BLOCK:
            self._send()
        return view.nbytes

    def finish(self) -> None:
        """Send what is left, and wait until the client has it all."""
        conversation = self._send()
        conversation.end()
        while conversation.receive() is not None:
            pass
        conversation.close()

    def abandon(self) -> None:
        """It will not be whole: the client hears of it, if it was begun."""
        if self._conversation is not None:
            self._conversation.close()

    def _send(self) -> Conversation[wire.BytesMessage, wire.BytesMessage]:
        if self._conversation is None:
            self._conversation = self._caller.converse(METHOD, wire.BytesMessage, wire.BytesMessage, self._headers)
        data, self._buffer = bytes(self._buffer), bytearray()
        if data:
            self._conversation.send(wire.BytesMessage(data=data))
        return self._conversation


def send_directory(caller: Caller, root: Path, headers: Pairs) -> None:
    """Write what is beneath `root` into the client's directory. Raises: Interrupted; Unavailable."""
    with caller.converse(METHOD, Packet, Packet, headers) as conversation:
        files = _tell(root, conversation)
        while (packet := conversation.receive()) is not None:
            if packet.type == Packet.REQ and packet.id in files:
                _send_file(conversation, packet.id, files[packet.id])
            elif packet.type == Packet.FIN:
                conversation.send(Packet(type=Packet.FIN))
                conversation.end()
            elif packet.type == Packet.ERR:
                raise Unavailable("the client cannot write: {why}", why=packet.data.decode(errors="replace")[:500])
            else:
                raise Corrupt("the client asks for what it was not told of")


def _tell(root: Path, conversation: Conversation[Packet, Packet]) -> dict[int, bytes]:
    files: dict[int, bytes] = {}
    batch: list[Packet] = []
    for number, (path, entry) in enumerate(_walk(os.fsencode(root))):
        if entry.mode & (_DIRECTORY | _SYMLINK) == 0 and not entry.linkname:
            files[number] = path
        batch.append(Packet(type=Packet.STAT, stat=entry))
        if len(batch) >= _CHUNK // 256:
            conversation.send(*batch)
            batch = []
    conversation.send(*batch, Packet(type=Packet.STAT))
    return files


def _send_file(conversation: Conversation[Packet, Packet], number: int, path: bytes) -> None:
    with open(path, "rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            conversation.send(Packet(type=Packet.DATA, id=number, data=data))
    conversation.send(Packet(type=Packet.DATA, id=number))


def _walk(
    root: bytes, prefix: bytes = b"", names: dict[tuple[int, int], bytes] | None = None
) -> Iterator[tuple[bytes, wire.Stat]]:
    """Every entry, parents first, in the order of their names; of several names of a file the later ones as links."""
    names = {} if names is None else names
    for found in sorted(os.scandir(root + b"/" + prefix), key=lambda one: one.name):
        path = prefix + found.name
        status = found.stat(follow_symlinks=False)
        inode = (status.st_dev, status.st_ino)
        yield found.path, _entry(path, found.path, status, names.get(inode, b""))
        if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
            names.setdefault(inode, path)
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(root, path + b"/", names)


def _entry(path: bytes, place: bytes, status: os.stat_result, first_name: bytes) -> wire.Stat:
    mode = status.st_mode & 0o777 | sum(go for go, bit in _SPECIAL if status.st_mode & bit)
    entry = wire.Stat(
        path=path, mode=mode, uid=status.st_uid, gid=status.st_gid, mod_time=status.st_mtime_ns, linkname=first_name
    )
    if stat.S_ISDIR(status.st_mode):
        entry.mode |= _DIRECTORY
    elif stat.S_ISLNK(status.st_mode):
        entry.mode |= _SYMLINK
        entry.linkname = os.readlink(place)
    elif not stat.S_ISREG(status.st_mode):
        raise Conflict("{path} is no file: it cannot be sent to a client", path=os.fsdecode(path))
    elif not first_name:
        entry.size = status.st_size
    return entry
