"""Owner, mode, times and extended attributes of what a layer brings, and which of them a layer may bring at all."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from capas.errors import Unsupported
from capas.layer.entry import Entry

FOREIGN = ("trusted.", "user.overlay.", "security.selinux", "security.evm", "security.ima")
"""Extended attributes that no layer brings or takes: the union's own marks and labels of the host's policy."""

_REFUSED = (errno.EPERM, errno.EACCES, errno.EINVAL)
_UNKNOWN = (errno.ENOTSUP, errno.ENODATA)


class Skipped(NamedTuple):
    """What could not be set: "owner", "device" or the name of an extended attribute."""

    path: bytes
    what: str


class Attributes:
    """Sets attributes on open files; what this user may not set is an error or, if `lenient`, kept in `skipped`.

    Order: owner before mode (a change of owner clears setuid) and before security.capability; times last.
    """

    def __init__(self, *, lenient: bool, inherits: bool) -> None:
        """`inherits`: new files may get their group from a setgid directory, so that the owner is set always."""
        self.skipped: list[Skipped] = []
        self._lenient = lenient
        self._umask = find_umask()
        self.owner = None if inherits else (os.geteuid(), os.getegid())
        """The owner that new files have by themselves."""
        self.unusual = self._umask | 0o7000
        """Mode bits that do not come from creating a file with its mode."""

    def set_file(self, fd: int, entry: Entry) -> None:
        """All attributes of a new regular file, created with its permission bits."""
        mode, mtime_ns = entry.mode, entry.mtime_ns
        kept = (entry.uid, entry.gid) == self.owner or self._chown_always(fd, entry)
        if mode & self._umask or (mode & 0o7000 and kept):
            os.fchmod(fd, mode if kept else mode & 0o777)
        if entry.xattrs:
            self._set_xattrs(fd, entry)
        os.utime(fd, ns=(mtime_ns, mtime_ns))

    def set_folder(self, fd: int, entry: Entry, *, fresh: bool) -> None:
        """All attributes of a directory; one that was there before loses extended attributes that the entry has not."""
        kept = self._chown(fd, entry) if fresh else self._chown_always(fd, entry)
        os.fchmod(fd, entry.mode if kept else entry.mode & 0o1777)
        if not fresh:
            _clear_xattrs(fd, entry.xattrs)
        if entry.xattrs:
            self._set_xattrs(fd, entry)
        os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))

    def set_link(self, parent: int, name: bytes, entry: Entry) -> None:
        """All attributes of a new symbolic link."""
        self._chown_at(parent, name, entry)
        if entry.xattrs:
            self._set_xattrs(_place(parent, name), entry)
        os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=parent, follow_symlinks=False)

    def set_node(self, parent: int, name: bytes, entry: Entry) -> None:
        """All attributes of a new device or FIFO, which must not be opened."""
        kept = self._chown_at(parent, name, entry)
        os.chmod(name, entry.mode if kept else entry.mode & 0o777, dir_fd=parent)
        if entry.xattrs:
            self._set_xattrs(_place(parent, name), entry)
        os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=parent, follow_symlinks=False)

    def skip(self, entry: Entry, what: str, error: OSError) -> None:
        """Note what this user may not do. Raises: Unsupported unless lenient."""
        if not self._lenient:
            raise Unsupported(
                "cannot set the {what} of {path}: {reason}",
                what=what,
                path=entry.path.decode("utf-8", "replace"),
                reason=error.strerror,
                hint="run as root, or in a user namespace whose id range covers the image's ids",
            ) from error
        self.skipped.append(Skipped(entry.path, what))

    def _chown(self, fd: int, entry: Entry) -> bool:
        return (entry.uid, entry.gid) == self.owner or self._chown_always(fd, entry)

    def _chown_always(self, fd: int, entry: Entry) -> bool:
        """Returns: whether the owner is now as wanted."""
        try:
            os.fchown(fd, entry.uid, entry.gid)
        except OSError as error:
            return self._refused(entry, error)
        return True

    def _chown_at(self, parent: int, name: bytes, entry: Entry) -> bool:
        if (entry.uid, entry.gid) == self.owner:
            return True
        try:
            os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            return self._refused(entry, error)
        return True

    def _refused(self, entry: Entry, error: OSError) -> bool:
        if error.errno not in _REFUSED:
            raise error
        self.skip(entry, "owner", error)
        return False

    def _set_xattrs(self, place: int | bytes, entry: Entry) -> None:
        for name, value in entry.xattrs.items():
            text = os.fsdecode(name)
            if text.startswith(FOREIGN):
                continue
            try:
                if isinstance(place, int):
                    os.setxattr(place, name, value)
                else:
                    os.setxattr(place, name, value, follow_symlinks=False)
            except OSError as error:
                if error.errno in _UNKNOWN:  # a filesystem without them, as for docker and containerd
                    self.skipped.append(Skipped(entry.path, text))
                elif error.errno in _REFUSED:
                    self._skip_xattr(entry, text, error)
                else:
                    raise

    def _skip_xattr(self, entry: Entry, name: str, error: OSError) -> None:
        if name.startswith("user."):  # the kernel takes these on files and directories alone
            self.skipped.append(Skipped(entry.path, name))
        else:
            self.skip(entry, name, error)


def _clear_xattrs(fd: int, wanted: Mapping[bytes, bytes]) -> None:
    try:
        names = os.listxattr(fd)
    except OSError:
        return
    for name in names:
        if os.fsencode(name) not in wanted and not name.startswith(FOREIGN):
            os.removexattr(fd, name)


def _place(parent: int, name: bytes) -> bytes:
    """A path for calls that know no directory descriptors."""
    return b"/proc/self/fd/%d/" % parent + name


def find_umask() -> int:
    """This process's umask; every bit where it cannot be read without changing it."""
    try:
        with open("/proc/self/status", "rb") as file:
            found = re.search(rb"^Umask:\s*([0-7]+)$", file.read(), re.MULTILINE)
    except OSError:
        return 0o777
    return int(found[1], 8) if found else 0o777
