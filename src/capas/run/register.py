"""The names and ids that the containers of a root go by: a directory for each id, and a file for each name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from capas.errors import AlreadyExists, Invalid

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}", re.ASCII)


class Register:
    """Who is called what beneath `folder`. Light: `inspect` asks it before it loads what knows containers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ids(self) -> list[str]:
        """Of all containers, in any order."""
        try:
            return [name for name in os.listdir(self._folder) if len(name) == 64]
        except FileNotFoundError:
            return []

    def find(self, reference: str) -> list[str]:
        """The ids that a name, an id or the beginning of ids stands for."""
        reference = reference.removeprefix("/")
        if _NAME.fullmatch(reference):
            try:
                return [self._path(reference).read_text()]
            except OSError:
                pass
        if not reference or set(reference) - set("0123456789abcdef"):
            return []
        return [each for each in self.ids() if each.startswith(reference)]

    def take(self, name: str, id: str) -> None:
        """Call a container so. Raises: AlreadyExists for a name in use; Invalid for what cannot be one."""
        if not _NAME.fullmatch(name):
            raise Invalid("not a container name: {name!r}", name=name[:200],
                          hint="a name has letters, digits, '_', '.', '-'")  # fmt: skip
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            if self._retake(path, id):
                return
            raise AlreadyExists(
                "the container name {name} is in use", name=name, id=path.read_text(),
                hint="remove or rename that container first",
            ) from None  # fmt: skip
        with open(fd, "w", encoding="ascii") as file:
            file.write(id)

    def drop(self, name: str, id: str) -> None:
        """A container is not called so any more. Nothing where the name is another's by now."""
        path = self._path(name)
        try:
            if path.read_text() == id:
                path.unlink()
        except OSError:
            return

    def _retake(self, path: Path, id: str) -> bool:
        """A name whose container is gone (a crash in between) is free again."""
        try:
            owner = path.read_text()
        except OSError:
            return False
        if not owner or (self._folder / owner).is_dir():
            return False
        temporary = path.with_name(f".{id}")
        temporary.write_text(id)
        temporary.replace(path)
        return True

    def _path(self, name: str) -> Path:
        return self._folder / "names" / name
