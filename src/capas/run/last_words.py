"""Exit codes of containers that removed themselves: for who asks a moment after they are gone."""

from __future__ import annotations

import os
from pathlib import Path

_KEPT = 256


def leave_code(run_root: Path, container_id: str, code: int) -> None:
    """Say it. Order: before the container goes."""
    folder = run_root / "ended"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / container_id).write_text(str(code))
    known = os.listdir(folder)
    if len(known) > 2 * _KEPT:
        known.sort(key=lambda name: _age(folder / name))
        for name in known[:-_KEPT]:
            (folder / name).unlink(missing_ok=True)


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # somebody else clears up too
        return 0


def find_code(run_root: Path, container_id: str) -> int | None:
    """The exit code, if it was one of the last that removed themselves."""
    try:
        return int((run_root / "ended" / container_id).read_text())
    except (OSError, ValueError):
        return None
