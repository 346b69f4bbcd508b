"""Contexts: where the files and the Dockerfile of a build come from — a directory, a tar, a git repository, a URL."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from capas.build import recipe
from capas.build.archives import is_archive_head, spool_archive
from capas.build.git import check_out
from capas.build.ports import BuildPorts
from capas.build.request import BuildRequest, mtime_of
from capas.build.scratch import Scratch
from capas.build.sources.contract import Files
from capas.build.sources.digests import FileDigests
from capas.build.sources.directory import DirectoryFiles
from capas.build.sources.loose import LooseFiles
from capas.build.urls import is_git, is_http
from capas.dockerfile.ignore import Ignore, parse_ignore
from capas.errors import Invalid, NotFound
from capas.store.disk import disk_errors

_CHUNK = 1 << 20
_HIDDEN = ".git"


class Context(NamedTuple):
    """What a build starts from."""

    files: Files
    dockerfile: str
    dockerfile_name: str


@contextlib.contextmanager
def opened_context(request: BuildRequest, ports: BuildPorts, scratch: Scratch) -> Iterator[Context]:
    """The context for a block; what was fetched for it goes with the build, what was learnt of its files stays.

    Raises: NotFound for no context or no Dockerfile; Invalid; Unavailable where it cannot be fetched.
    """
    with contextlib.ExitStack() as stack:
        yield _Opening(request, ports, scratch, stack).open()


class _Opening(NamedTuple):
    request: BuildRequest
    ports: BuildPorts
    scratch: Scratch
    stack: contextlib.ExitStack

    def open(self) -> Context:
        word = self.request.context
        if word == "-":
            return self._standard_input()
        if is_git(word):
            folder = self.scratch.new_path()
            folder.mkdir()
            return self._checkout(check_out(word, folder, environ=self.request.environ))
        if is_http(word):
            return self._address(word)
        return self._directory(Path(word))

    def _directory(self, root: Path) -> Context:
        if not root.is_dir():
            hint = "give a directory, a URL or -"
            raise NotFound("the build context {path} is not a directory", path=str(root), hint=hint)
        real = root.resolve()
        text, name, beside = recipe.read_on_host(real, self.request)
        known = self.ports.cache_root / "context" / sha256(bytes(real)).hexdigest()
        digests = FileDigests(known, self.ports.clock)
        return Context(self._files(real, recipe.read_ignore(beside, real), digests), text, name)

    def _checkout(self, root: Path) -> Context:
        """As a directory, but for links: those of a stranger are followed inside it only."""
        digests = FileDigests(None, self.ports.clock)
        plain = self._files(root, None, digests)
        text, name = recipe.read_inside(plain, self.request)
        ignore = recipe.read_ignore_inside(plain, name)
        rules = [*(ignore.rules if ignore else ()), *parse_ignore(_HIDDEN).rules]
        return Context(self._files(root, Ignore(rules), digests), text, name)

    def _files(self, root: Path, ignore: Ignore | None, digests: FileDigests) -> DirectoryFiles:
        files = DirectoryFiles(root, ignore=ignore, digests=digests, mtime_ns=mtime_of(self.request))
        self.stack.callback(files.close)
        return files

    def _standard_input(self) -> Context:
        if self.request.file == "-":
            raise Invalid("the context and the Dockerfile cannot both be read from standard input")
        path = self.scratch.new_path()
        with disk_errors(path), path.open("wb") as out:
            shutil.copyfileobj(recipe.standard_input(self.request), out, _CHUNK)
        with path.open("rb") as file:
            return self._stream(file)

    def _address(self, url: str) -> Context:
        path = self.scratch.new_path()
        with disk_errors(path), path.open("wb") as out:
            self.ports.fetch(url, out)
        with path.open("rb") as file:
            return self._stream(file)

    def _stream(self, file: BinaryIO) -> Context:
        """A tar is a context; anything else is a Dockerfile, with no files at all."""
        mtime_ns = mtime_of(self.request)
        if not is_archive_head(file):
            empty = LooseFiles("the build context, which is empty,", [], mtime_ns=mtime_ns)
            return Context(empty, self.request.dockerfile_text or recipe.read_text(file, "the input"), recipe.DEFAULT)
        archive = spool_archive(file, self.scratch.new_path(), "the build context", mtime_ns=mtime_ns)
        self.stack.callback(archive.close)
        text, name = recipe.read_inside(archive.files, self.request)
        return Context(archive.files, text, name)
