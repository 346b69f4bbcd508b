"""Directories held open: files beneath a root are opened by name in their own directory, so no link leads out."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from io import FileIO
from pathlib import Path

from capas.build.sources.walk import join, name_of, parent_of
from capas.errors import NotFound

_MOST_OPEN = 64
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Directories:
    """Descriptors of the directories below `root`, the last used kept open. Safe from many threads.

    A path is opened part by part and no part may be a link: links are resolved by those who know the tree.
    """

    def __init__(self, root: Path) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[bytes, int] = OrderedDict()
        try:
            self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise NotFound("cannot read the directory {path}: {why}", path=str(root), why=error.strerror) from None

    def open_dir(self, path: bytes) -> int:
        """A descriptor of this directory, for the caller to close. Raises: OSError.

        Opened anew: a duplicate would share its place in the listing with every other reader.
        """
        with self._lock:
            return os.open(".", _DIRECTORY, dir_fd=self._get(path))

    def open_file(self, path: bytes) -> FileIO:
        """A file, from its first byte. Raises: OSError, for a link too."""
        with self._lock:
            fd = os.open(name_of(path), _FILE, dir_fd=self._get(parent_of(path)))
        return FileIO(fd)

    def read_link(self, path: bytes) -> bytes:
        """Where a link leads. Raises: OSError."""
        with self._lock:
            return os.readlink(name_of(path), dir_fd=self._get(parent_of(path)))

    def close(self) -> None:
        """Let them all go. Idempotent."""
        with self._lock:
            while self._open:
                os.close(self._open.popitem()[1])
            if self._root >= 0:
                os.close(self._root)
                self._root = -1

    def _get(self, path: bytes) -> int:
        missing = []
        while path and path not in self._open:
            missing.append(name_of(path))
            path = parent_of(path)
        fd = self._open[path] if path else self._root
        if path:
            self._open.move_to_end(path)
        for name in reversed(missing):
            path = join(path, name)
            fd = self._open[path] = os.open(name, _DIRECTORY, dir_fd=fd)
            if len(self._open) > _MOST_OPEN:
                os.close(self._open.popitem(last=False)[1])
        return fd
