"""What a place that files are copied from promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, Protocol

from capas.layer.entry import Entry


class Files(Protocol):
    """A tree of files to copy from, never left: links are followed inside it. Paths are clean bytes, b"" the root.

    Entries have the owner and the time that the copy is to have where nothing else is said.
    """

    @property
    def label(self) -> str:
        """What it is, in errors: "the build context", "stage builder"."""

    def find(self, path: bytes) -> Entry | None:
        """The entry at this path; a link there is not followed. No part before the last is a link."""

    def list(self, path: bytes) -> Sequence[Entry]:
        """What is in this directory, by name in byte order."""

    def open(self, entry: Entry) -> BinaryIO:
        """A file's content. Raises: NotFound or Conflict when it has gone or changed since it was listed."""

    def digest(self, entry: Entry) -> str:
        """A file's content digest in hex, read if it must be."""

    def learn(self, entry: Entry, digest: str) -> None:
        """The file has just been read by someone, and this was its content digest."""

    def inode(self, entry: Entry) -> tuple[int, int] | None:
        """What is equal for the names of one file, its hard links. None for what has one name only, or is no file."""

    def key(self, paths: Sequence[bytes], how: bytes, compute: Callable[[], str]) -> str:
        """What `compute` says of these files and all that is beneath directories among them, in hex.

        It may be remembered from when nothing there was any different; `how` tells apart what else it depends on.
        """

    def explain_absence(self, path: bytes) -> str:
        """Why there is nothing at this path and what may have been meant, or an empty string."""
