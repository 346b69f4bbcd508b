"""`--init`: a small first process that passes signals on and reaps orphans, taken from this machine and shown inside.

It has to be linked statically: the container may have another C library, or none.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from capas.errors import Unsupported
from capas.run.spec import ContainerSpec

TARGET = "/sbin/docker-init"  # where docker shows its own
_KNOWN = ("docker-init", "tini-static", "catatonit", "tini")  # all of them take the command after "--"
_INTERPRETER = 3  # PT_INTERP, the header of a program that needs a loader


def find_init(wanted: str | None, path: str) -> Path:
    """The program that is wanted, or the first that docker and podman use, on `path`. Raises: Unsupported."""
    hint = "install one (Debian: apt-get install tini), or set CAPAS_INIT to the path of one"
    if wanted:
        if not _is_static(Path(wanted)):
            raise Unsupported("the init {path} is not a statically linked program", path=wanted, hint=hint)
        return Path(wanted).absolute()
    for name in _KNOWN:
        for place in (path or os.defpath).split(os.pathsep):
            program = Path(place, name)
            if _is_static(program):
                return program.resolve()
    raise Unsupported("--init needs a small init program on this machine, linked statically: there is none",
                      hint=hint)  # fmt: skip


def has_init(spec: ContainerSpec) -> bool:
    """Whether it gets one: only among its own pids can a process be the first."""
    return spec.init and spec.pid == "private"


def command_of(spec: ContainerSpec) -> tuple[str, ...]:
    """What runs."""
    return (TARGET, "--", *spec.command) if has_init(spec) else spec.command


def _is_static(program: Path) -> bool:
    """Whether it is a program (ELF, 64 bits, little-endian) that names no loader. Spec: ELF-64, "Program header"."""
    if not os.access(program, os.X_OK) or not program.is_file():
        return False
    with program.open("rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return False
        (offset,), (size, count) = struct.unpack_from("<Q", head, 32), struct.unpack_from("<HH", head, 54)
        file.seek(offset)
        table = file.read(size * count)
    kinds = [struct.unpack_from("<I", table, at)[0] for at in range(0, len(table), size)] if size else []
    return bool(kinds) and _INTERPRETER not in kinds
