"""A container's log as a row of files: the one that is written, and older ones, NAME.1 the youngest of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import count, pairwise, takewhile
from pathlib import Path
from typing import NamedTuple

from capas.errors import Invalid, Unsupported
from capas.run.limits import parse_size


class LogLimit(NamedTuple):
    """How large a file becomes (bytes; 0 for any size), and how many of them are kept."""

    max_size: int = 0
    max_files: int = 1


NO_LIMIT = LogLimit()


def parse_log_options(options: Mapping[str, str]) -> LogLimit:
    """docker's options of the json-file driver: max-size and max-file. Raises: Invalid; Unsupported for another."""
    for name in options:
        if name not in ("max-size", "max-file"):
            raise Unsupported("the log option {name} is not supported", name=name[:100], hint="use max-size, max-file")
    size, files = options.get("max-size", "-1"), options.get("max-file", "1")
    if not files.isdecimal() or int(files) < 1:
        raise Invalid("max-file counts files from 1 up, not {text!r}", text=files[:100])
    return LogLimit(0 if size == "-1" else parse_size(size), int(files))


def list_log_files(path: Path) -> list[Path]:
    """Those that are there, the youngest first."""
    older = takewhile(Path.exists, (_older(path, number) for number in count(1)))
    return [*([path] if path.exists() else []), *older]


def turn_over(path: Path, most: int) -> None:
    """Make room for a new file at `path`: each becomes the next older one, and the oldest of `most` goes."""
    row = [path, *(_older(path, number) for number in range(1, most))]
    row[-1].unlink(missing_ok=True)
    for younger, older in reversed(list(pairwise(row))):
        if younger.exists():
            younger.replace(older)


def is_same(fd: int, path: Path) -> bool:
    """Whether the path leads to this open file."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
