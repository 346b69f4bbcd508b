"""One file made again elsewhere with all that it is: its bytes by reflink where the filesystem can, else copied."""

from __future__ import annotations

import errno
import os
import stat

from capas.snapshot.syscalls import reflink

_OURS = ("trusted.overlay.", "user.overlay.")  # marks of the union, which belong to the place and not to the file
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 30


def duplicate(source: bytes, status: os.stat_result, target: bytes, *, lenient: bool = False) -> None:
    """Make the file `target` as `source` is; of a directory only itself, its times to be set once it is filled.

    `lenient`: what this user may not set stays as it is. Raises: OSError.
    """
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        os.mkdir(target, 0o700)
    elif kind == stat.S_IFLNK:
        os.symlink(os.readlink(source), target)
    elif kind == stat.S_IFREG:
        _copy_bytes(source, target, status.st_size)
    else:
        _make_node(target, status, lenient)
    dress(source, status, target, lenient=lenient)


def dress(source: bytes, status: os.stat_result, target: bytes, *, lenient: bool = False) -> None:
    """Give `target` the attributes of `source`. Order: the owner first (it clears setuid), times last."""
    is_link = stat.S_ISLNK(status.st_mode)
    try:
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    except PermissionError:
        if not lenient:
            raise
    if not is_link:
        os.chmod(target, stat.S_IMODE(status.st_mode))
    _copy_xattrs(source, target, lenient)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def _copy_bytes(source: bytes, target: bytes, size: int) -> None:
    old = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        new = os.open(target, _NEW, 0o600)
        try:
            if size and not reflink(old, new):
                os.ftruncate(new, size)
                _copy_data(old, new, size)
        finally:
            os.close(new)
    finally:
        os.close(old)


def _copy_data(old: int, new: int, size: int) -> None:
    """The data, piece by piece, holes left out."""
    offset = 0
    while offset < size:
        try:
            offset = os.lseek(old, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(old, offset, os.SEEK_HOLE)
        while offset < end:
            offset = _copy_piece(old, new, offset, min(end - offset, _PIECE))


def _copy_piece(old: int, new: int, offset: int, size: int) -> int:
    """Copy some bytes at `offset`. Returns: the offset behind them."""
    try:
        return offset + (os.copy_file_range(old, new, size, offset, offset) or size)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
    return offset + os.pwrite(new, os.pread(old, min(size, 1 << 20), offset), offset)


def _make_node(target: bytes, status: os.stat_result, lenient: bool) -> None:
    try:
        os.mknod(target, status.st_mode, status.st_rdev)
    except PermissionError:
        if not lenient:
            raise
        os.close(os.open(target, _NEW, 0o600))


def _copy_xattrs(source: bytes, target: bytes, lenient: bool) -> None:
    try:
        names = os.listxattr(source, follow_symlinks=False)
    except OSError:  # a filesystem without any
        return
    for name in names:
        if name.startswith(_OURS):
            continue
        try:
            os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=False), follow_symlinks=False)
        except PermissionError:
            if not lenient:
                raise
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
