"""Names of containers on one network: each is told of those that are there, and those of it, in their hosts files.

A lease is a file whose name is the address; its lines are the container's id and the names it goes by.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from capas.run.claims import is_held
from capas.store.lock import locked

_LOCK = ".lock"


class Lease(NamedTuple):
    """An address of a container."""

    address: str
    container_id: str
    names: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Its line in the hosts files of others."""
        return f"{self.address}\t{' '.join(self.names)}\n"


def locked_leases(leases: Path) -> AbstractContextManager[None]:
    """A block in which nobody else comes to the network, or goes."""
    return locked(leases / _LOCK)


def write_lease(leases: Path, lease: Lease) -> None:
    """Take the address. Order: in a block of `locked_leases`."""
    (leases / lease.address).write_text("\n".join((lease.container_id, *lease.names)))


def list_leases(leases: Path) -> list[Lease]:
    """Those there are, of the dead too."""
    found = []
    try:
        names = [name for name in os.listdir(leases) if not name.startswith(".")]
    except FileNotFoundError:
        return []
    for address in names:
        try:
            owner, *known = (leases / address).read_text().split("\n")
        except OSError:
            continue
        found.append(Lease(address, owner, tuple(known)))
    return found


@contextmanager
def introduced(leases: Path, live: Path, own: Lease) -> Iterator[list[tuple[str, str]]]:
    """The others as (name, address), while nobody comes or goes; they have our line when the block ends.

    In the block our own hosts file is written. `live`: where the containers that run have theirs.
    """
    with locked_leases(leases):
        others = [one for one in list_leases(leases) if one.address != own.address and is_held(live / one.container_id)]
        yield [(name, one.address) for one in others for name in one.names]
        for one in others:
            _edit(live / one.container_id / "hosts", own.address, own.line)


def forget(leases: Path, live: Path, own: Lease) -> None:
    """Give the address back; nobody knows our names any more. Idempotent."""
    with locked_leases(leases):
        (leases / own.address).unlink(missing_ok=True)
        for one in list_leases(leases):
            _edit(live / one.container_id / "hosts", own.address, "")


def _edit(path: Path, address: str, line: str) -> None:
    """Put a line for the address in place of those there are. In place: the file is mounted in the container."""
    try:
        with open(path, "r+", encoding="utf-8", errors="surrogateescape") as file:
            kept = [text for text in file if not text.startswith(f"{address}\t")]
            file.seek(0)
            file.write("".join(kept) + line)
            file.truncate()
    except OSError:
        return  # it is not that far, and will read of us by itself, or is gone
