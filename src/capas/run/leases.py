"""Who has which address of a network, and by which names it is known there.

A bridge is the machine's, and so are its leases: several roots may have containers on one. A lease is a file whose name
is the address; its lines are the directory that the container has while it runs, and the names it goes by. One whose
container does not run any more is nobody's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from capas.errors import Conflict, Exhausted
from capas.run.bridge import BridgeSettings
from capas.run.claims import is_held
from capas.store.lock import locked

PLACE = Path("/run/capas/network")
_LOCK = ".lock"


class Lease(NamedTuple):
    """An address of the container that has this directory while it runs."""

    address: str
    owner: Path
    names: tuple[str, ...] = ()


class Leases:
    """The leases of one network."""

    def __init__(self, bridge: BridgeSettings, place: Path = PLACE) -> None:
        self._folder, self._bridge = place / bridge.name, bridge

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A block in which nobody else comes to the network, or goes."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self._folder / _LOCK):
            yield

    def take(self, owner: Path, names: tuple[str, ...], wanted: str = "") -> Lease:
        """An address for a container, the one wanted or any. Raises: Conflict; Invalid; Exhausted."""
        with self.locked():
            self._drop(owner)
            taken = {lease.address for lease in self.list()} | {self._bridge.gateway, *self._bridge.reserved}
            lease = Lease(self._choose(taken, wanted), owner, names)
            self._write(lease)
        return lease

    def rename(self, owner: Path, names: tuple[str, ...]) -> None:
        """It goes by other names from now on."""
        with self.locked():
            for lease in self._all():
                if lease.owner == owner:
                    self._write(lease._replace(names=names))

    def drop(self, owner: Path) -> None:
        """Give back what a container has. Idempotent."""
        with self.locked():
            self._drop(owner)

    def list(self) -> list[Lease]:
        """Those of containers that run."""
        return [lease for lease in self._all() if is_held(lease.owner)]

    def forget(self) -> None:
        """The network is gone. Order: in a block of `locked`."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, lease: Lease) -> None:
        path = self._folder / lease.address
        temporary = path.with_name(f".{lease.address}")
        temporary.write_text("\n".join((str(lease.owner), *lease.names)))
        temporary.replace(path)  # who reads takes no lock

    def _drop(self, owner: Path) -> None:
        for lease in self._all():
            if lease.owner == owner:
                (self._folder / lease.address).unlink(missing_ok=True)

    def _choose(self, taken: set[str], wanted: str) -> str:
        if wanted:
            self._bridge.check_address(wanted)
            if wanted in taken:
                raise Conflict("Address already in use: {address}", address=wanted)
            return wanted
        for host in self._bridge.room:
            if str(host) not in taken:
                return str(host)
        raise Exhausted("no address is left in {subnet}", subnet=self._bridge.subnet)

    def _all(self) -> Iterator[Lease]:
        try:
            names = sorted(name for name in os.listdir(self._folder) if not name.startswith("."))
        except FileNotFoundError:
            return
        for address in names:
            try:
                owner, *known = (self._folder / address).read_text().split("\n")
            except OSError:
                continue
            yield Lease(address, Path(owner), tuple(known))


@contextmanager
def one_at_a_time(place: Path = PLACE) -> Iterator[None]:
    """A block in which nobody else on this machine chooses a subnet."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(place / _LOCK):
        yield
