"""Finding and reading a build's Dockerfile and its ignore file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from capas.build.request import BuildRequest
from capas.build.sources.contract import Files
from capas.build.sources.walk import clean, resolve
from capas.dockerfile.ignore import Ignore, parse_ignore
from capas.errors import Invalid, NotFound
from capas.layer.entry import FILE

DEFAULT = "Dockerfile"
_IGNORE = ".dockerignore"
_LARGEST = 4 << 20


def read_on_host(root: Path, request: BuildRequest) -> tuple[str, str, Path | None]:
    """The Dockerfile of a directory, what to call it, and its path (None for one that is no file).

    `-f` is relative to where we are, as docker has it; the default is in the context.

    Raises: NotFound; Invalid.
    """
    if request.dockerfile_text is not None:
        return request.dockerfile_text, DEFAULT, None
    if request.file == "-":
        return read_text(standard_input(request), DEFAULT), DEFAULT, None
    path = _choose(root, request.file)
    try:
        with path.open("rb") if request.file else _open_file(path) as file:  # what is named may be a pipe of the shell
            return read_text(file, str(path)), path.name, path
    except IsADirectoryError:
        raise Invalid("the Dockerfile {path} is a directory", path=str(path)) from None
    except FileNotFoundError:
        raise NotFound("no Dockerfile at {path}", path=str(path), hint="name it with -f") from None
    except OSError as error:
        raise Invalid("cannot read {path}: {why}", path=str(path), why=error.strerror) from None


def read_ignore(dockerfile: Path | None, root: Path) -> Ignore | None:
    """What the Dockerfile's own ignore file says, or else the context's. Raises: Invalid."""
    own = [dockerfile.with_name(f"{dockerfile.name}{_IGNORE}")] if dockerfile is not None else []
    for path in [*own, root / _IGNORE]:
        try:
            with _open_file(path) as file:
                return parse_ignore(read_text(file, path.name), path.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Invalid("cannot read {path}: {why}", path=str(path), why=error.strerror) from None
    return None


def read_inside(files: Files, request: BuildRequest) -> tuple[str, str]:
    """A Dockerfile out of the context itself, links followed inside it. Raises: NotFound; Invalid."""
    if request.dockerfile_text is not None:
        return request.dockerfile_text, DEFAULT
    name = request.file or DEFAULT
    text = _find_text(files, name)
    if text is None:
        raise NotFound("no Dockerfile at {name} in {where}", name=name, where=files.label, hint="name it with -f")
    return text, name


def read_ignore_inside(files: Files, dockerfile: str) -> Ignore | None:
    """The ignore file out of the context itself. Raises: Invalid."""
    for name in (f"{dockerfile}{_IGNORE}", _IGNORE):
        text = _find_text(files, name)
        if text is not None:
            return parse_ignore(text, name)
    return None


def read_text(file: BinaryIO, name: str) -> str:
    """A text of bounded length. Raises: Invalid for what is too long or not UTF-8."""
    data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Invalid("{name} has more than {limit} bytes: it is no Dockerfile", name=name, limit=_LARGEST)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Invalid("{name} is not text in UTF-8", name=name) from None


def standard_input(request: BuildRequest) -> BinaryIO:
    """The stream that was given. Raises: Invalid where there is none."""
    if request.stdin is None:
        raise Invalid("there is no standard input to read the build from")
    return request.stdin


def _open_file(path: Path) -> BinaryIO:
    """A file, and nothing that could make us wait. Raises: OSError; Invalid for a pipe, a device or a socket."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return open(fd, "rb")
    os.close(fd)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise Invalid("{path} is not a file", path=str(path))


def _choose(root: Path, wanted: str | None) -> Path:
    if wanted is not None:
        path = Path(wanted)
        return root / path if not path.exists() and (root / path).exists() else path
    path = root / DEFAULT
    return root / "dockerfile" if not path.exists() and (root / "dockerfile").exists() else path


def _find_text(files: Files, name: str) -> str | None:
    entry = files.find(resolve(files.find, clean(name.encode(errors="surrogateescape"))))
    if entry is None or entry.kind != FILE:
        return None
    with files.open(entry) as file:
        return read_text(file, name)
