"""What a start needs to know of a container's network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from capas.errors import Conflict
from capas.run.bridge import BridgeSettings
from capas.run.endpoint import Endpoint

_SHARED = "shared"


class Connection:
    """How a container is connected. `namespace` is "host", "none" or the path of a network namespace.

    `names` is the directory whose hosts, resolv.conf and hostname it has too, where it shares another's network.
    """

    gateway = ""
    addresses: Sequence[str] = ()
    resolver = ""  # who answers for names of its networks

    def __init__(self, mode: str, namespace: str, names: Path | None = None) -> None:
        self.mode, self.namespace, self.names = mode, namespace, names

    def facts(self) -> dict[str, Any]:
        """What its state remembers."""
        return {"network": self.mode}

    def join(self, endpoint: Endpoint, bridge: BridgeSettings) -> None:
        """One more network, while it runs. Raises: Conflict where it can have none."""
        raise Conflict("container sharing network namespace with another container or host cannot be connected to any "
                       "other network")  # fmt: skip

    def leave(self, network: str) -> None:
        """One less. Raises: Conflict where it is not on it."""
        raise Conflict("container is not connected to the network {network}", network=network)

    def close(self) -> None:
        """Leave nothing of it. Idempotent."""


def mark_shared(live: Path) -> None:
    """Another container shares the network of the one that has this directory while it runs."""
    (live / _SHARED).touch()


def is_shared(live: Path) -> bool:
    """Whether one does: then its namespace does not go with it."""
    return (live / _SHARED).exists()
