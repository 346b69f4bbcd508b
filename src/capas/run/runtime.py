"""The OCI runtime: crun or runc, found on PATH, and how it must be started on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from capas.errors import Unsupported
from capas.run.cgroups import Cgroups, read_cgroups

KNOWN = ("crun", "runc")  # in this order: crun starts in half of runc's time
_HINT = "install one (Debian: apt-get install crun), or set CAPAS_RUNTIME to its path"


class Runtime(NamedTuple):
    """A runtime that can be started. `reason` says why this one and how, for `capas system info`."""

    name: str
    path: Path
    reason: str = ""
    cgroups: Cgroups = Cgroups("none")

    def command(self, state: Path, *words: str) -> list[str]:
        """The command line of one call; `state` is the directory where the runtime keeps its own records."""
        options = ["--root", str(state)]
        if self.name == "crun" and not self.cgroups.writable:
            options += ["--cgroup-manager", "disabled"]
        elif self.name == "crun":
            options += ["--cgroup-manager", "cgroupfs"]
        return [str(self.path), *options, *words]


def find_runtime(wanted: str | None, path: str) -> Runtime:
    """The runtime that is wanted (a name or a path), or the first of crun and runc on `path`.

    Nothing is started to find out: the machine's cgroups are read from /proc.

    Raises: Unsupported, with a hint, where there is none.
    """
    cgroups = read_cgroups()
    names = (wanted,) if wanted else KNOWN
    for name in names:
        program = _find_program(name, path)
        if program is not None:
            family = "runc" if "runc" in program.name else "crun"
            why = "it is wanted" if wanted else "it is the first of crun and runc on PATH"
            return Runtime(family, program, f"{program} because {why}; {_manner(family, cgroups)}", cgroups)
    if wanted:
        raise Unsupported("the runtime {runtime} is not on PATH", runtime=wanted, hint=_HINT)
    raise Unsupported("no OCI runtime: neither crun nor runc is on PATH", hint=_HINT)


def _find_program(name: str, path: str) -> Path | None:
    places = [""] if "/" in name else (path or os.defpath).split(os.pathsep)
    for place in places:
        program = Path(place, name)
        if os.path.isfile(program) and os.access(program, os.X_OK):
            return program.absolute()
    return None


def _manner(family: str, cgroups: Cgroups) -> str:
    if not cgroups.writable:
        return f"without resource limits: {cgroups.reason}"
    if cgroups.layout == "hybrid" and family == "crun":
        return "limits through cgroups v1; the v2 tree is hidden from crun, which refuses to see both"
    return f"limits through cgroups {cgroups.layout}"
