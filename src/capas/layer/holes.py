"""Where a file on disk has data, and where only holes."""

from __future__ import annotations

import errno
import os

from capas.layer.pax import Map

WORTHWHILE = 64 << 20
"""Bytes of holes in a file from which on a tar says where they are."""


def find_pieces(parent: int, name: bytes, status: os.stat_result) -> Map | None:
    """The pieces of data of a regular file by name in an open directory, None where its holes are not worth it."""
    if status.st_size - status.st_blocks * 512 < WORTHWHILE:
        return None
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=parent)
    try:
        return _pieces(fd, status.st_size)
    finally:
        os.close(fd)


def _pieces(fd: int, size: int) -> Map:
    pieces = []
    end = 0
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # which says that there is nothing but a hole
                raise
            break
        end = min(os.lseek(fd, start, os.SEEK_HOLE), size)
        pieces.append((start, end - start))
    return tuple(pieces)
