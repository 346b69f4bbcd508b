"""Applying a changeset to a directory: the one place where a layer becomes files.

Spec: OCI image-spec, layer.md, "Applying Changesets". A layer's whiteouts speak of the layers below only: what the
layer itself brings stays, wherever in the stream its whiteout stands.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Literal, NoReturn

from capas.errors import CapasError, Corrupt, Exhausted, Unsupported
from capas.layer import entry as kinds
from capas.layer.applied import Applied
from capas.layer.attributes import Attributes
from capas.layer.body import Body
from capas.layer.entry import Entry
from capas.layer.marks import WHITEOUT, read_mark
from capas.layer.paths import Root
from capas.layer.reader import DEFAULT, Limits, iter_entries
from capas.layer.styles import Alone, Onto, Style
from capas.store.contract import Readable

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NODES = {kinds.CHARACTER: stat.S_IFCHR, kinds.BLOCK: stat.S_IFBLK, kinds.FIFO: stat.S_IFIFO}


def apply(
    tar: Readable,
    target: str | bytes | os.PathLike[str],
    *,
    style: Literal["overlay", "notes", "plain"],
    lenient: bool = False,
    userxattr: bool = False,
    limits: Limits = DEFAULT,
) -> Applied:
    """Write a layer's uncompressed tar, read to its end, into the directory `target`.

    "plain" changes a tree that is there, whiteouts deleting from it. "overlay" and "notes" write a layer by itself into
    an empty directory: "overlay" with overlayfs' marks for whiteouts and opaque directories (`userxattr`: those for an
    unprivileged mount), "notes" with none; see `Applied` for what is left to do. `lenient` skips and notes what this
    user may not set (owners, devices, privileged attributes), which is an error otherwise.

    Order: of entries with one path the last wins. Directories get their attributes last.
    Raises: Corrupt for a stream that is no changeset or would leave `target`; Exhausted for a full disk or beyond
    `limits`; Unsupported for what this user or filesystem cannot hold. The directory is left half written then.
    """
    attributes = Attributes(lenient=lenient, inherits=style == "plain")
    with Root(target) as root:
        if style == "plain":
            chosen: Style = Onto(root, attributes)
        else:
            mark = "user.overlay.opaque" if userxattr else "trusted.overlay.opaque"
            chosen = Alone(root, attributes, mark if style == "overlay" else None)
        root.before_make = chosen.implied
        return _Application(root, chosen, attributes).run(tar, limits)


class _Application:
    """One changeset on its way into a root."""

    def __init__(self, root: Root, style: Style, attributes: Attributes) -> None:
        self._root = root
        self._style = style
        self._written = style.written
        self._unusual = attributes.unusual
        self._owner = attributes.owner
        self._attributes = attributes
        self._folder: bytes | None = None  # the path of the last entry's directory, and its number
        self._number = 0
        self._size = 0

    def run(self, tar: Readable, limits: Limits) -> Applied:
        """Apply every entry, then finish the directories."""
        count = 0
        entry = Entry(b"")
        try:
            for entry, body in iter_entries(tar, limits=limits):
                count += 1
                path = entry.path
                if b".wh." in path and (path.startswith(WHITEOUT) or b"/.wh." in path):
                    self._add_whiteout(path)
                elif entry.kind == kinds.FILE and path:
                    self._add_file(entry, body)
                else:
                    self._add_other(entry)
            return self._style.finish()._replace(
                entries=count, size=self._size, skipped=tuple(self._attributes.skipped)
            )
        except OSError as error:
            _explain(error, entry)

    # one entry

    def _add_file(self, entry: Entry, body: Body) -> None:
        path, _, mode, uid, gid, size, mtime_ns, _, _, xattrs, _, _ = entry
        number, name = self._place(path)
        try:
            fd = os.open(name, _CREATE, mode & 0o777, dir_fd=self._root.fd(number))
        except FileExistsError:
            self._remove(number, name)
            fd = os.open(name, _CREATE, mode & 0o777, dir_fd=self._root.fd(number))
        try:
            if size:
                data = body.whole()
                if data is None or os.write(fd, data) != size:
                    self._fill(fd, entry, body, data)
            if mode & self._unusual or xattrs or (uid, gid) != self._owner:
                self._attributes.set_file(fd, entry)
            else:
                os.utime(fd, ns=(mtime_ns, mtime_ns))
        finally:
            os.close(fd)
        self._size += size

    def _fill(self, fd: int, entry: Entry, body: Body, data: memoryview | None) -> None:
        """Write a body piece by piece, or all of `data` again of which one write took a part only."""
        if entry.sparse is not None:
            os.ftruncate(fd, entry.size)
        for offset, piece in body.pieces() if data is None else ((0, data),):
            while piece:
                written = os.pwrite(fd, piece, offset)
                offset += written
                piece = piece[written:]

    def _add_other(self, entry: Entry) -> None:
        path = entry.path
        if not path:
            self._add_root(entry)
        elif entry.kind == kinds.DIRECTORY:
            self._add_folder(entry)
        elif entry.kind == kinds.HARDLINK:
            self._add_link(entry)
        elif entry.kind == kinds.CHARACTER and entry.device == (0, 0):
            self._style.white_out(*path.rpartition(b"/")[::2])  # overlayfs would take it for its own mark
            self._folder = None
        else:
            self._add_node(entry)

    def _add_root(self, entry: Entry) -> None:
        if entry.kind != kinds.DIRECTORY:
            raise Corrupt("the root of a layer is not a directory")
        self._style.listed(0, entry, fresh=False)

    def _add_whiteout(self, path: bytes) -> None:
        mark = read_mark(path)
        if mark is None:
            return
        folder, hidden = mark
        if hidden:
            self._style.white_out(folder, hidden)
        else:
            self._style.make_opaque(folder)
        self._folder = None

    def _add_folder(self, entry: Entry) -> None:
        number, name = self._place(entry.path)
        fresh = True
        parent = self._root.fd(number)
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                fresh = False
            else:
                self._remove(number, name)
                os.mkdir(name, 0o755, dir_fd=self._root.fd(number))
        self._style.listed(self._root.number(number, name), entry, fresh=fresh)

    def _add_link(self, entry: Entry) -> None:
        number, name = self._place(entry.path)
        found = self._root.locate(entry.target, follow=False)
        if found == (number, name):
            return  # a link to itself
        status = None if found is None else _status(self._root, *found)
        if found is None or status is None:
            self._style.link_below(number, name, entry)
            return
        if stat.S_ISDIR(status.st_mode):
            raise Corrupt("{path!r} is a hard link to a directory", path=entry.path[:200])
        old = _status(self._root, number, name)
        if old is not None and (old.st_dev, old.st_ino) == (status.st_dev, status.st_ino):
            return
        source = os.dup(self._root.fd(found[0]))
        try:
            self._create(
                (number, name),
                lambda fd: os.link(found[1], name, src_dir_fd=source, dst_dir_fd=fd, follow_symlinks=False),
            )
        except FileNotFoundError:
            raise Corrupt("{path!r} is a hard link to a file beneath itself", path=entry.path[:200]) from None
        finally:
            os.close(source)

    def _add_node(self, entry: Entry) -> None:
        place = self._place(entry.path)
        number, name = place
        if entry.kind == kinds.SYMLINK:
            self._create(place, lambda fd: os.symlink(entry.target, name, dir_fd=fd))
            self._attributes.set_link(self._root.fd(number), name, entry)
            return
        mode = entry.mode & 0o777 | _NODES[entry.kind]
        try:
            self._create(place, lambda fd: os.mknod(name, mode, os.makedev(*entry.device), dir_fd=fd))
        except PermissionError as error:
            self._attributes.skip(entry, "device", error)
            return
        self._attributes.set_node(self._root.fd(number), name, entry)

    # places

    def _place(self, path: bytes) -> tuple[int, bytes]:
        """The directory for an entry, made where it is missing, and the name in it."""
        folder, _, name = path.rpartition(b"/")
        if folder != self._folder:
            number = self._root.enter(folder, make="all")
            if number is None:
                raise Corrupt("no way to {path!r}", path=folder[:200])
            self._number = number
            self._folder = folder
        if self._written is not None:
            self._written(self._number, name)
        return self._number, name

    def _create(self, place: tuple[int, bytes], create: Callable[[int], None]) -> None:
        """Create a name, in the place of what is there."""
        number, name = place
        try:
            create(self._root.fd(number))
        except FileExistsError:
            self._remove(number, name)
            create(self._root.fd(number))

    def _remove(self, number: int, name: bytes) -> None:
        if self._style.remove(number, name):
            self._folder = None


def _status(root: Root, number: int, name: bytes) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=root.fd(number), follow_symlinks=False)
    except OSError:
        return None


def _explain(error: OSError, entry: Entry) -> NoReturn:
    """Raise the kind that an error of the system is."""
    path = entry.path.decode("utf-8", "replace")
    kind: type[CapasError] = Unsupported
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        kind = Exhausted
    raise kind("cannot write {path}: {reason}", path=path, reason=error.strerror or str(error)) from error
