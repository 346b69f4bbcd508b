"""The build context: where the files and the Dockerfile of a build come from — a directory, a tar, git, a URL."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO, NamedTuple

from capas.build import recipe
from capas.build.archives import is_archive_head
from capas.build.git_address import GitAddress
from capas.build.opening import Opening, existing
from capas.build.request import mtime_of
from capas.build.sources.contract import Files
from capas.build.sources.loose import LooseFiles
from capas.build.urls import is_git_context, is_http
from capas.dockerfile.ignore import Ignore
from capas.errors import Invalid, Told
from capas.store.disk import disk_errors

LABEL = Told("the build context", {})
_CHUNK = 1 << 20
_KEEP = "BUILDKIT_CONTEXT_KEEP_GIT_DIR"


class Context(NamedTuple):
    """What a build starts from."""

    files: Files
    dockerfile: str
    dockerfile_name: str
    ignore: Ignore | None = None


def open_context(opening: Opening) -> Context:
    """The context that was asked for.

    Raises: NotFound for no context or no Dockerfile; Invalid; Unavailable where it cannot be fetched.
    """
    word = opening.request.context
    if word == "-":
        return _standard_input(opening)
    if is_git_context(word):
        return _repository(opening, word)
    if is_http(word):
        with opening.download(word).open("rb") as file:
            return _stream(opening, file)
    return _directory(opening, Path(word))


def _directory(opening: Opening, root: Path) -> Context:
    real = existing(root)
    text, name, beside = recipe.read_on_host(real, opening.request)
    ignore = recipe.read_ignore(beside, real)
    return Context(opening.directory(real, ignore, LABEL), text, name, ignore)


def _repository(opening: Opening, address: str) -> Context:
    """As a directory, but for links: those of a stranger are followed inside it only."""
    place = GitAddress.parse(address)
    keep = place.keep_git_dir
    if keep is None:
        keep = opening.request.build_args.get(_KEEP, "") in ("1", "true")
    plain = opening.repository(place, LABEL, keep=keep)
    text, name = recipe.read_inside(plain, opening.request)
    ignore = recipe.read_ignore_inside(plain, name)
    return Context(opening.repository(place, LABEL, keep=keep, ignore=ignore), text, name)


def _standard_input(opening: Opening) -> Context:
    if opening.request.file == "-":
        raise Invalid("the context and the Dockerfile cannot both be read from standard input")
    path = opening.scratch.new_path()
    with disk_errors(path), path.open("wb") as out:
        shutil.copyfileobj(recipe.standard_input(opening.request), out, _CHUNK)
    with path.open("rb") as file:
        return _stream(opening, file)


def _stream(opening: Opening, file: BinaryIO) -> Context:
    """A tar is a context; anything else is a Dockerfile, with no files at all."""
    request = opening.request
    if not is_archive_head(file):
        empty = LooseFiles(Told("the build context, which is empty,", {}), [], mtime_ns=mtime_of(request))
        return Context(empty, request.dockerfile_text or recipe.read_text(file, "the input"), recipe.DEFAULT)
    files = opening.archive(file, LABEL)
    text, name = recipe.read_inside(files, request)
    return Context(files, text, name)
