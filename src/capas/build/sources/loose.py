"""Files made up for one step: a heredoc of the Dockerfile, a download."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from capas.layer.entry import DIRECTORY, FILE, Entry


class LooseFile(NamedTuple):
    """One file: `digest` is of its content, in hex. `size` in bytes."""

    name: bytes
    mode: int
    size: int
    digest: str
    open: Callable[[], BinaryIO]

    @classmethod
    def of(cls, name: bytes, mode: int, data: bytes) -> LooseFile:
        """A file of these bytes."""
        return cls(name, mode, len(data), sha256(data).hexdigest(), lambda: io.BytesIO(data))

    @classmethod
    def at(cls, name: bytes, mode: int, path: Path) -> LooseFile:
        """A file of what is at `path` of the host, which has to stay there."""
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        return cls(name, mode, path.stat().st_size, digest, lambda: path.open("rb"))


class LooseFiles:
    """A flat tree of such files."""

    def __init__(self, label: str, files: list[LooseFile], *, mtime_ns: int) -> None:
        self.label = label
        self._files = {file.name: file for file in sorted(files, key=lambda file: file.name)}
        self._mtime_ns = mtime_ns

    def find(self, path: bytes) -> Entry | None:
        """The entry of this name."""
        if not path:
            return Entry(b"", DIRECTORY, 0o755, mtime_ns=self._mtime_ns)
        file = self._files.get(path)
        return Entry(path, FILE, file.mode, size=file.size, mtime_ns=self._mtime_ns) if file else None

    def list(self, path: bytes) -> Sequence[Entry]:
        """All of them."""
        return [entry for name in self._files if (entry := self.find(name)) is not None] if not path else []

    def open(self, entry: Entry) -> BinaryIO:
        """A file's content."""
        return self._files[entry.path].open()

    def digest(self, entry: Entry) -> str:
        """Its digest."""
        return self._files[entry.path].digest

    def learn(self, entry: Entry, digest: str) -> None:
        """Nothing to learn: the digest was there from the start."""

    def inode(self, entry: Entry) -> None:
        """None: each is a file of its own."""

    def key(self, paths: Sequence[bytes], how: bytes, compute: Callable[[], str]) -> str:
        """Computed: it is quick."""
        return compute()

    def explain_absence(self, path: bytes) -> str:
        """Nothing to add."""
        return ""
