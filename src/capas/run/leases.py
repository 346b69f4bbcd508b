"""Who has which address of a network, and by which names it is known there.

A lease is a file whose name is the address; its lines are the container's id and the names it goes by. One whose
container does not run any more is nobody's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from capas.errors import Conflict, Exhausted
from capas.run.bridge import BridgeSettings
from capas.run.claims import is_held
from capas.store.lock import locked

_LOCK = ".lock"


class Lease(NamedTuple):
    """An address of a container."""

    address: str
    container_id: str
    names: tuple[str, ...] = ()


class Leases:
    """The leases of one network."""

    def __init__(self, run_root: Path, bridge: BridgeSettings) -> None:
        self._folder, self._live, self._bridge = run_root / "network" / bridge.name, run_root / "containers", bridge

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A block in which nobody else comes to the network, or goes."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self._folder / _LOCK):
            yield

    def take(self, container_id: str, names: tuple[str, ...], wanted: str = "") -> Lease:
        """An address for a container, the one wanted or any. Raises: Conflict; Invalid; Exhausted."""
        with self.locked():
            self._drop(container_id)
            taken = {lease.address for lease in self.list()} | {self._bridge.gateway, *self._bridge.reserved}
            lease = Lease(self._choose(taken, wanted), container_id, names)
            (self._folder / lease.address).write_text("\n".join((container_id, *names)))
        return lease

    def rename(self, container_id: str, names: tuple[str, ...]) -> None:
        """It goes by other names from now on."""
        with self.locked():
            for lease in self._all():
                if lease.container_id == container_id:
                    (self._folder / lease.address).write_text("\n".join((container_id, *names)))

    def drop(self, container_id: str) -> None:
        """Give back what a container has. Idempotent."""
        with self.locked():
            self._drop(container_id)

    def list(self) -> list[Lease]:
        """Those of containers that run."""
        return [lease for lease in self._all() if is_held(self._live / lease.container_id)]

    def _drop(self, container_id: str) -> None:
        for lease in self._all():
            if lease.container_id == container_id:
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
            yield Lease(address, owner, tuple(known))


def drop_everywhere(run_root: Path, container_id: str) -> None:
    """Give back every address that a container has, on whichever network. Idempotent."""
    try:
        names = os.listdir(run_root / "network")
    except FileNotFoundError:
        return
    for name in names:
        Leases(run_root, BridgeSettings(name)).drop(container_id)
