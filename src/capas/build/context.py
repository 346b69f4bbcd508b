"""Contexts: where the files and the Dockerfile of a build come from — a directory, a tar, a git repository, a URL."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from capas.build.archives import is_archive_head, spool_archive
from capas.build.git import check_out
from capas.build.ports import BuildPorts
from capas.build.request import BuildRequest, mtime_of
from capas.build.sources.contract import Files
from capas.build.sources.digests import FileDigests
from capas.build.sources.directory import DirectoryFiles
from capas.build.sources.loose import LooseFiles
from capas.build.sources.walk import clean, resolve
from capas.build.urls import is_git, is_http
from capas.dockerfile.ignore import Ignore, parse_ignore
from capas.errors import Exhausted, Invalid, NotFound
from capas.layer.entry import FILE

_DEFAULT = "Dockerfile"
_LARGEST = 4 << 20  # of a Dockerfile, in bytes
_IGNORE = ".dockerignore"


class Context(NamedTuple):
    """What a build starts from."""

    files: Files
    dockerfile: str
    dockerfile_name: str


@contextlib.contextmanager
def opened_context(request: BuildRequest, ports: BuildPorts) -> Iterator[Context]:
    """The context for a block; what was fetched for it goes with the block, what was learnt of its files stays.

    Raises: NotFound for no context or no Dockerfile; Invalid; Unavailable where it cannot be fetched.
    """
    with contextlib.ExitStack() as stack:
        yield _open(request, ports, stack)


def _open(request: BuildRequest, ports: BuildPorts, stack: contextlib.ExitStack) -> Context:
    word = request.context
    if word == "-":
        return _open_stdin(request, ports, stack)
    if is_git(word):
        root = check_out(word, _scratch(ports, stack), environ=request.environ)
        return _open_directory(root, request, ports, stack, remote=True)
    if is_http(word):
        path = _scratch(ports, stack) / "download"
        with path.open("wb") as out:
            ports.fetch(word, out)
        with path.open("rb") as file:
            return _open_stream(file, request, ports, stack)
    return _open_directory(Path(word), request, ports, stack, remote=False)


# a directory


def _open_directory(
    root: Path, request: BuildRequest, ports: BuildPorts, stack: contextlib.ExitStack, *, remote: bool
) -> Context:
    if not root.is_dir():
        raise NotFound(
            "the build context {path} is not a directory", path=str(root), hint="give a directory, a URL or -"
        )
    real = root.resolve()
    memory = None if remote else ports.cache_root / "context" / sha256(bytes(real)).hexdigest()
    digests = FileDigests(memory, ports.clock)
    plain = DirectoryFiles(real, ignore=None, digests=digests, mtime_ns=mtime_of(request))
    stack.callback(plain.close)
    if remote:
        text, name = _read_inside(plain, request)
        ignore = _read_ignore_inside(plain, name)
    else:
        text, name, beside = _read_on_host(real, request)
        ignore = _read_ignore(beside, real)
    if remote:
        ignore = Ignore([*ignore.rules, *parse_ignore(".git").rules]) if ignore else parse_ignore(".git")
    if ignore is None:
        return Context(plain, text, name)
    files = DirectoryFiles(real, ignore=ignore, digests=digests, mtime_ns=mtime_of(request))
    stack.callback(files.close)
    return Context(files, text, name)


def _read_on_host(root: Path, request: BuildRequest) -> tuple[str, str, Path | None]:
    """The Dockerfile of a directory: -f is relative to where we are, the default to the context."""
    if request.dockerfile_text is not None:
        return request.dockerfile_text, _DEFAULT, None
    if request.file == "-":
        return _read_text(_stdin(request), _DEFAULT), _DEFAULT, None
    if request.file is not None:
        path = Path(request.file)
        if not path.exists() and (root / path).exists():
            path = root / path
    else:
        path = root / _DEFAULT
        if not path.exists() and (root / "dockerfile").exists():
            path = root / "dockerfile"
    try:
        with path.open("rb") as file:
            return _read_text(file, str(path)), path.name, path
    except IsADirectoryError:
        raise Invalid("the Dockerfile {path} is a directory", path=str(path)) from None
    except FileNotFoundError:
        raise NotFound("no Dockerfile at {path}", path=str(path), hint="name it with -f") from None
    except OSError as error:
        raise Invalid("cannot read {path}: {why}", path=str(path), why=error.strerror) from None


def _read_ignore(dockerfile: Path | None, root: Path) -> Ignore | None:
    """What the Dockerfile's own ignore file says, or the context's."""
    own = [dockerfile.with_name(f"{dockerfile.name}{_IGNORE}")] if dockerfile is not None else []
    for path in [*own, root / _IGNORE]:
        try:
            with path.open("rb") as file:
                return parse_ignore(_read_text(file, path.name), path.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Invalid("cannot read {path}: {why}", path=str(path), why=error.strerror) from None
    return None


# a stream


def _open_stdin(request: BuildRequest, ports: BuildPorts, stack: contextlib.ExitStack) -> Context:
    if request.file == "-":
        raise Invalid("the context and the Dockerfile cannot both be read from standard input")
    path = _scratch(ports, stack) / "stdin"
    with path.open("wb") as out:
        shutil.copyfileobj(_stdin(request), out, 1 << 20)
    with path.open("rb") as file:
        return _open_stream(file, request, ports, stack)


def _open_stream(file: BinaryIO, request: BuildRequest, ports: BuildPorts, stack: contextlib.ExitStack) -> Context:
    """A tar is a context; anything else is a Dockerfile, with no files at all."""
    if not is_archive_head(file):
        text = request.dockerfile_text or _read_text(file, "standard input")
        return Context(LooseFiles("the build context, which is empty,", [], mtime_ns=mtime_of(request)), text, _DEFAULT)
    spool = _scratch(ports, stack) / "context.tar"
    archive = spool_archive(file, spool, "the build context", mtime_ns=mtime_of(request))
    stack.callback(archive.close)
    text, name = _read_inside(archive.files, request)
    return Context(archive.files, text, name)


def _read_inside(files: Files, request: BuildRequest) -> tuple[str, str]:
    """A Dockerfile out of the context itself, links followed inside it."""
    if request.dockerfile_text is not None:
        return request.dockerfile_text, _DEFAULT
    name = request.file or _DEFAULT
    path = resolve(files.find, clean(name.encode(errors="surrogateescape")))
    entry = files.find(path)
    if entry is None or entry.kind != FILE:
        raise NotFound("no Dockerfile at {name} in {where}", name=name, where=files.label, hint="name it with -f")
    with files.open(entry) as file:
        return _read_text(file, name), name


def _read_ignore_inside(files: Files, dockerfile: str) -> Ignore | None:
    for name in (f"{dockerfile}{_IGNORE}", _IGNORE):
        entry = files.find(resolve(files.find, clean(name.encode(errors="surrogateescape"))))
        if entry is not None and entry.kind == FILE:
            with files.open(entry) as file:
                return parse_ignore(_read_text(file, name), name)
    return None


def _read_text(file: BinaryIO, name: str) -> str:
    data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Invalid("{name} has more than {limit} bytes: it is no Dockerfile", name=name, limit=_LARGEST)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Invalid("{name} is not text in UTF-8", name=name) from None


def _stdin(request: BuildRequest) -> BinaryIO:
    if request.stdin is None:
        raise Invalid("there is no standard input to read the build from")
    return request.stdin


def _scratch(ports: BuildPorts, stack: contextlib.ExitStack) -> Path:
    root = ports.cache_root / "scratch"
    try:
        root.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=root))
    except OSError as error:
        raise Exhausted("cannot write {path}: {why}", path=str(root), why=error.strerror) from None
    stack.callback(shutil.rmtree, path, ignore_errors=True)
    return path
