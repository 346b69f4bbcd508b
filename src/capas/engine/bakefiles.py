"""Bake files off the disk: which there are, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from capas.bake.definition import Definition
from capas.bake.files import COMPOSE, DEFAULTS, File, parse_dotenv, read_files
from capas.engine.platforms import host_platform
from capas.errors import CapasError, Invalid, NotFound
from capas.store.disk import disk_error

_LARGEST = 4 << 20


def read_bakefiles(
    paths: Sequence[str], folder: Path, environ: Mapping[str, str], stdin: BinaryIO | None = None
) -> Definition:
    """What these files say ("-" is `stdin`); without any, those that bake looks for in `folder`.

    Raises: NotFound; Invalid, with file and line; Denied.
    """
    files = [_read(path, folder, stdin) for path in paths] if paths else list(_defaults(folder))
    if not files:
        raise NotFound(
            "there is no bake file here", names=", ".join(DEFAULTS), hint="bake looks for {names}; or name one with -f"
        )
    given = {"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": str(host_platform())}
    return read_files(files, environ, given, _dotenv(folder))


def _defaults(folder: Path) -> Iterator[File]:
    compose = next((name for name in COMPOSE if (folder / name).is_file()), None)
    for name in DEFAULTS:
        if name == compose or (name not in COMPOSE and (folder / name).is_file()):
            yield _read(name, folder, None)


def _read(name: str, folder: Path, stdin: BinaryIO | None) -> File:
    if name == "-":
        if stdin is None:
            raise Invalid("there is no standard input to read the bake file from")
        return "-", _decode(stdin.read(_LARGEST + 1), "-")
    try:
        with (folder / name).open("rb") as file:
            return name, _decode(file.read(_LARGEST + 1), name)
    except FileNotFoundError:
        raise NotFound("no such bake file: {path}", path=name) from None
    except IsADirectoryError:
        raise Invalid("the bake file {path} is a directory", path=name) from None
    except OSError as error:
        raise disk_error(error, name) from None


def _decode(data: bytes, name: str) -> str:
    if len(data) > _LARGEST:
        raise Invalid("{name} has more than {limit} bytes: it is no bake file", name=name, limit=_LARGEST)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Invalid("{name} is not text in UTF-8", name=name) from None


def _dotenv(folder: Path) -> dict[str, str]:
    try:
        return parse_dotenv(_read(".env", folder, None)[1])
    except CapasError:
        return {}
