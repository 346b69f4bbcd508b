"""Where an output is written: a file that appears when it is whole, or standard output."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from capas.errors import Invalid
from capas.store.disk import disk_errors


@contextmanager
def opened_destination(dest: str, stdout: BinaryIO | None) -> Iterator[BinaryIO]:
    """The file for a block; its name appears at the end, and never for a block that failed.

    Raises: Invalid for a directory, or where there is no standard output to write to; Exhausted; Denied.
    """
    if dest == "-":
        if stdout is None:
            raise Invalid("there is no standard output for the build's output", hint="give it a dest=")
        yield stdout
        stdout.flush()
        return
    path = Path(dest)
    if path.is_dir():
        raise Invalid("{path} is a directory", path=dest, hint="name the file to be written in it")
    if path.exists() and not path.is_file():  # a device or a pipe is written as it is
        with path.open("wb") as out:
            yield out
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        out = partial.open("wb")
    try:
        with out:
            yield out
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
