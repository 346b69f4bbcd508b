"""Which ids of the host an ordinary user may use in a namespace of their own, and the mapping of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

_PLACES = ("/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin")  # setuid programs are not looked for on PATH


class IdRange(NamedTuple):
    """A line of /etc/subuid or /etc/subgid."""

    first: int
    length: int


def read_ranges(path: Path, user: str, uid: int) -> list[IdRange]:
    """The ids that the administrator gave this user, by name or number; a line that cannot be read is passed over.

    Spec: subuid(5).
    """
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    fields = [line.strip().split(":") for line in lines]
    return [
        IdRange(int(first), int(length))
        for owner, first, length in (line for line in fields if len(line) == 3)
        if owner in (user, str(uid)) and first.isdecimal() and length.isdecimal() and int(length) > 0
    ]


def id_map(own: int, ranges: Sequence[IdRange]) -> list[int]:
    """Triples for newuidmap: 0 is ourselves, 1 and up are the ranges, one after the other."""
    triples = [0, own, 1]
    inside = 1
    for first, length in ranges:
        triples += [inside, first, length]
        inside += length
    return triples


def map_commands(subuid: Path, subgid: Path) -> list[list[str]]:
    """What maps our ranges; nothing where this user has none, or Debian's `uidmap` is not installed."""
    import pwd

    uid, gid = os.geteuid(), os.getegid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    commands = []
    for tool, own, file in (("newuidmap", uid, subuid), ("newgidmap", gid, subgid)):
        program = next((f"{place}/{tool}" for place in _PLACES if os.access(f"{place}/{tool}", os.X_OK)), None)
        ranges = read_ranges(file, user, uid)
        if program is None or not ranges:
            return []
        commands.append([program, str(os.getpid()), *map(str, id_map(own, ranges))])
    return commands


def map_self(uid: int, gid: int) -> None:
    """Our own ids as root's, which needs no helper: what a mapper left undone."""
    for name, text in (("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        path = Path("/proc/self") / name
        if path.read_bytes():
            continue
        if name == "gid_map":
            Path("/proc/self/setgroups").write_text("deny")
        path.write_text(text)


class Mapper:
    """A child forked before we leave: newuidmap and newgidmap must be run by the user who we were."""

    def __init__(self, commands: Sequence[Sequence[str]]) -> None:
        self._status = 1
        wait, self._go = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._go)
            _serve(wait, commands)
        os.close(wait)

    def map(self) -> bool:
        """Let it work; whether the ids are mapped now."""
        os.write(self._go, b"1")
        self.end()
        return self._status == 0

    def end(self) -> None:
        """See it off. Idempotent."""
        if self._pid:
            os.close(self._go)
            _, self._status = os.waitpid(self._pid, 0)
            self._pid = 0


def _serve(wait: int, commands: Sequence[Sequence[str]]) -> NoReturn:
    try:
        if os.read(wait, 1):
            quiet = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(quiet, number)
            if all(os.spawnve(os.P_WAIT, command[0], list(command), {}) == 0 for command in commands):
                os._exit(0)
    finally:
        os._exit(1)
