"""Opening places as files to copy: a directory of the host, a git repository, a tar or a file at an address."""

from __future__ import annotations

import contextlib
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from capas.build import recipe
from capas.build.archives import is_archive_head, spool_archive
from capas.build.git_address import GitAddress
from capas.build.logins import find_authorization
from capas.build.ports import BuildPorts
from capas.build.request import BuildRequest, mtime_of
from capas.build.scratch import Scratch
from capas.build.secrets import Secrets
from capas.build.sources.contract import Files
from capas.build.sources.digests import FileDigests
from capas.build.sources.directory import DirectoryFiles
from capas.build.sources.loose import LooseFile, LooseFiles
from capas.build.urls import is_git_context, is_http, name_in
from capas.dockerfile.ignore import Ignore, parse_ignore
from capas.errors import NotFound
from capas.store.disk import disk_errors

if TYPE_CHECKING:
    from capas.build.git import Repositories

_HIDDEN = parse_ignore("**/.git").rules


class Opening:
    """Opens places for one build. What was fetched goes with the build's scratch; `stack` closes the rest."""

    def __init__(self, request: BuildRequest, ports: BuildPorts, scratch: Scratch, stack: contextlib.ExitStack) -> None:
        self.request = request
        self.ports = ports
        self.scratch = scratch
        self.fetched: dict[str, Path] = {}  # what was downloaded, by its address
        ask = request.asked.find_secret if request.asked else None
        self.secrets = Secrets(request.secrets, request.environ, ask)
        self._stack = stack

    def place(self, word: str, label: str) -> Files:
        """What a named context is: a directory with its ignore file, a repository, a tar's files or one file.

        Raises: NotFound; Invalid; Unavailable; Corrupt.
        """
        if is_git_context(word):
            return self.repository(GitAddress.parse(word), label)
        if is_http(word):
            return self._address(word, label)
        real = existing(Path(word))
        return self.directory(real, recipe.read_ignore(None, real), label)

    def directory(self, root: Path, ignore: Ignore | None, label: str) -> DirectoryFiles:
        """A directory of the host; what is learnt of its files stays for the next build."""
        known = self.ports.cache_root / "context" / sha256(bytes(root)).hexdigest()
        return self._files(root, ignore, FileDigests(known, self.ports.clock), label)

    @cached_property
    def repositories(self) -> Repositories:
        """What fetches from git; most builds do not."""
        from capas.build.git import Repositories

        return Repositories(self.scratch, self.request.environ, self.secrets)

    def repository(
        self, address: GitAddress, label: str, *, keep: bool = False, ignore: Ignore | None = None
    ) -> DirectoryFiles:
        """The files of a repository, with its history only if `keep`; nothing of it is remembered.

        Raises: NotFound; Unavailable; Corrupt; Invalid; Unsupported without git.
        """
        root = self.repositories.check_out(address, keep=keep)
        rules = [*(ignore.rules if ignore else ()), *(() if keep else _HIDDEN)]
        return self._files(
            root, Ignore(rules, ignore.name if ignore else ""), FileDigests(None, self.ports.clock), label
        )

    def download(self, url: str) -> Path:
        """What is at the address, in a file. Raises: NotFound; Unavailable; Denied."""
        path = self.scratch.new_path()
        with disk_errors(path), path.open("wb") as out:
            self.ports.fetch(url, out, authorization=find_authorization(self.secrets, url))
        self.fetched[url] = path
        return path

    def archive(self, file: BinaryIO, label: str) -> Files:
        """The files of a tar. Raises: Corrupt."""
        archive = spool_archive(file, self.scratch.new_path(), label, mtime_ns=mtime_of(self.request))
        self._stack.callback(archive.close)
        return archive.files

    def _address(self, url: str, label: str) -> Files:
        path = self.download(url)
        with path.open("rb") as file:
            if is_archive_head(file):
                return self.archive(file, label)
        loose = LooseFile.at(name_in(url), 0o600, path)
        return LooseFiles(label, [loose], mtime_ns=mtime_of(self.request))

    def _files(self, root: Path, ignore: Ignore | None, digests: FileDigests, label: str) -> DirectoryFiles:
        files = DirectoryFiles(root, ignore=ignore, digests=digests, mtime_ns=mtime_of(self.request), label=label)
        self._stack.callback(files.close)
        return files


def existing(root: Path) -> Path:
    """The directory without links in its path. Raises: NotFound where there is none."""
    if not root.is_dir():
        hint = "give a directory, a URL or -"
        raise NotFound("the build context {path} is not a directory", path=str(root), hint=hint)
    return root.resolve()
