"""What this process may do on this machine: read from /proc, once for each start."""

from __future__ import annotations

import os
from typing import NamedTuple

from capas.oci.platform import Platform
from capas.run.capabilities import read_bounding

_ALL_IDS = 4294967295


class Machine(NamedTuple):
    """`ids` is how many user ids there are here: all of them, or those of our user namespace."""

    architecture: str = "amd64"
    user_namespace: bool = False
    ids: int = _ALL_IDS
    bounding: int = -1

    def maps(self, number: int) -> bool:
        """Whether a process can have this user or group id."""
        return number < self.ids


def read_machine() -> Machine:
    """This machine, as this thread sees it."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        ranges = [tuple(map(int, line.split())) for line in file]
    ids = sum(count for _, _, count in ranges)
    inside = ranges != [(0, 0, _ALL_IDS)]
    return Machine(Platform.of("linux", os.uname().machine).architecture, inside, ids, read_bounding())
