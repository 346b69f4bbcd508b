"""Debian's own programs for EROFS, which judge what we write: the machine's, or those that tools/setup fetched."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path

_FETCHED = Path(__file__).parents[2] / ".make/erofs"


def complaints(image: Path) -> str:
    """What fsck.erofs has to say of an image: nothing, if all is well."""
    done = _run("fsck.erofs", "-d3", os.fspath(image))
    lines = [line for line in done.stdout.splitlines() if "No errors found" not in line and not line.startswith("<I>")]
    return "\n".join(lines) if lines or not done.returncode else f"it ended with {done.returncode}"


def extract(image: Path, target: Path) -> None:
    """Write the files of an image, with owners, modes, times and attributes, into a directory that it makes."""
    done = _run("fsck.erofs", "--xattrs", f"--extract={target}", "--preserve", os.fspath(image))
    assert done.returncode == 0, done.stdout


def describe(image: Path) -> str:
    """What dump.erofs says of an image's superblock."""
    return _run("dump.erofs", "-s", os.fspath(image)).stdout


def _run(program: str, *args: str) -> subprocess.CompletedProcess[str]:
    command = [*_command(program), *args]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


@cache
def _command(program: str) -> list[str]:
    fetched = _FETCHED / "usr/bin" / program
    if not fetched.exists():
        version = subprocess.run([program, "-V"], capture_output=True, text=True).stdout
        assert re.search(r"\b(1\.(8|9|\d\d)|[2-9]\.)", version), f"{program} is too old: `make test` fetches one"
        return [program]
    loader = next(_FETCHED.glob("usr/lib*/ld-linux*.so*"))
    return [str(loader), "--library-path", ":".join(map(str, _FETCHED.glob("usr/lib/*-linux-gnu*"))), str(fetched)]
