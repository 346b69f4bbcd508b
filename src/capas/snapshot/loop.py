"""A file as a block device, for kernels that mount EROFS from devices only (before 6.12).

Spec: Linux loop(4).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

_CONTROL_GET_FREE = 0x4C82
_CONFIGURE = 0x4C0A
_READ_ONLY, _AUTOCLEAR = 1, 4
_FLAGS_AT = 8 + 52
_SIZE = 304
_TRIES = 64


@contextmanager
def loop_device(file: bytes) -> Iterator[bytes]:
    """A read-only loop device of a file. The kernel lets it go with the last mount of it, or here.

    Raises: OSError where there are no loop devices.
    """
    fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        device, path = _configure(fd)
    finally:
        os.close(fd)
    try:
        yield path
    finally:
        os.close(device)


def _configure(fd: int) -> tuple[int, bytes]:
    """An open loop device of the file, and its path: whoever is quicker has the free one that we are told of."""
    config = bytearray(_SIZE)
    struct.pack_into("<II", config, 0, fd, 512)
    struct.pack_into("<I", config, _FLAGS_AT, _READ_ONLY | _AUTOCLEAR)
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(_TRIES):
            path = b"/dev/loop%d" % fcntl.ioctl(control, _CONTROL_GET_FREE)
            device = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.ioctl(device, _CONFIGURE, bytes(config))
                return device, path
            except OSError as error:
                os.close(device)
                if error.errno != errno.EBUSY:
                    raise
    finally:
        os.close(control)
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), "/dev/loop-control")
