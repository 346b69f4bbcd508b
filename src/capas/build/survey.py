"""A survey of a directory as a build context: what would be sent, by folder, and which rule leaves out what."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from capas.build import recipe
from capas.build.opening import existing
from capas.build.request import BuildRequest
from capas.build.sources.descriptors import Directories
from capas.build.sources.folders import Folders, Row
from capas.build.sources.walk import join
from capas.dockerfile.ignore import Ignore, Rule
from capas.errors import CapasError, NotFound


class Total(NamedTuple):
    """How many files, and their bytes."""

    files: int = 0
    size: int = 0

    def plus(self, other: Total) -> Total:
        """Both together."""
        return Total(self.files + other.files, self.size + other.size)


class LeftOut(NamedTuple):
    """What one rule leaves out: the files and whole folders (with a slash) that it matches, and all their bytes."""

    rule: Rule
    paths: tuple[str, ...]
    total: Total


class Survey(NamedTuple):
    """`folders` holds every folder with what is sent of it and of all beneath it, "." first."""

    root: Path
    dockerfile: str  # "" where there is none
    ignore_file: str  # "" where there is none
    folders: dict[str, Total]
    left_out: tuple[LeftOut, ...]  # in the order of the rules

    @property
    def sent(self) -> Total:
        """All that is sent."""
        return self.folders["."]


def survey(request: BuildRequest) -> Survey:
    """Look at every file of the directory that is the context; none is opened.

    Raises: NotFound for no directory, or not the Dockerfile that was named; Invalid for an ignore file; Denied.
    """
    root = existing(Path(request.context))
    beside = _find_dockerfile(root, request)
    ignore = recipe.read_ignore(beside, root)
    directories = Directories(root)
    try:
        looking = _Looking(Folders(directories, Ignore()), ignore or Ignore())
        looking.look()
    finally:
        directories.close()
    left_out = tuple(
        LeftOut(rule, tuple(sorted(paths)), looking.lost[rule])
        for rule, paths in sorted(looking.paths.items(), key=lambda item: item[0].line)
    )
    folders = dict(sorted(looking.sent.items(), key=lambda item: (item[0] != ".", item[0])))
    return Survey(root, beside.name if beside else "", ignore.name if ignore else "", folders, left_out)


def _find_dockerfile(root: Path, request: BuildRequest) -> Path | None:
    """It may have an ignore file of its own. A directory without one can be looked through all the same."""
    try:
        return recipe.read_on_host(root, request)[2]
    except NotFound:
        if request.file is not None:
            raise
        return None


class _Looking:
    def __init__(self, folders: Folders, ignore: Ignore) -> None:
        self._folders = folders
        self._ignore = ignore
        self.sent: dict[str, Total] = defaultdict(Total, {".": Total()})
        self.paths: dict[Rule, list[str]] = defaultdict(list)
        self.lost: dict[Rule, Total] = defaultdict(Total)

    def look(self) -> None:
        """Walk without recursion: a context may be as deep as it likes."""
        stack = [(b"", Ignore.START)]
        while stack:
            folder, parent = stack.pop()
            for row in self._folders.get(folder).rows.values():
                path = join(folder, os.fsencode(row[0]))
                name = os.fsdecode(path)
                state = self._ignore.enter(name, parent)
                is_folder = stat.S_ISDIR(row[1])
                if self._ignore.leaves_out(state) and not (is_folder and not self._ignore.is_pruned(name, state)):
                    self._lose(name, path, row)
                elif is_folder:
                    stack.append((path, state))
                else:
                    self._send(name, row)

    def _send(self, name: str, row: Row) -> None:
        total = Total(1, _size(row))
        here = name
        while here:
            here = here.rpartition("/")[0]
            self.sent[here or "."] = self.sent[here or "."].plus(total)

    def _lose(self, name: str, path: bytes, row: Row) -> None:
        rule = self._ignore.find_rule(name)
        assert rule is not None
        is_folder = stat.S_ISDIR(row[1])
        self.paths[rule].append(name + "/" if is_folder else name)
        for lost in self._beneath(path) if is_folder else (row,):
            self.lost[rule] = self.lost[rule].plus(Total(1, _size(lost)))

    def _beneath(self, path: bytes) -> Iterator[Row]:
        """Files of a folder that is left out whole; one that cannot be read is no matter."""
        stack = [path]
        while stack:
            here = stack.pop()
            try:
                rows = self._folders.get(here).rows.values()
            except CapasError:
                continue
            for row in rows:
                if stat.S_ISDIR(row[1]):
                    stack.append(join(here, os.fsencode(row[0])))
                else:
                    yield row


def _size(row: Row) -> int:
    return row[2] if stat.S_ISREG(row[1]) else 0
