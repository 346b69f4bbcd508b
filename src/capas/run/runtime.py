"""The OCI runtime: crun or runc, found on PATH, and how it must be started on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Runtime(NamedTuple):
    """A runtime that can be started. `reason` says why this one, for `capas system info`."""

    name: str
    path: Path
    reason: str = ""


def find_runtime(wanted: str | None, path: str) -> Runtime:
    """The runtime that is wanted (a name or a path), or the first of crun and runc on `path`.

    Raises: Unsupported, with a hint, where there is none.
    """
    raise NotImplementedError
