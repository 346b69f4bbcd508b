"""The modes of a container's network: the host's, none, another container's, or bridges as root."""

from __future__ import annotations

import os

from capas.errors import CapasError, Unsupported
from capas.run.cgroups import read_text

MODES = ("host", "none", "bridge")
SHARED = "container:"
_ALONE = ("host", "none")


def choose_network(wanted: str, *, ports: bool) -> str:
    """The mode of a container: the one wanted, or a bridge for root where one can be made, else the host's network.

    A name that is none of these modes is that of a network somebody made, or `container:ID`.
    Raises: Unsupported for a bridge without root, or ports without a bridge.
    """
    mode = {"default": "", "private": "bridge"}.get(wanted, wanted)
    if not mode:
        mode = "bridge" if _can_bridge() else "host"
        if ports and mode == "host":
            raise Unsupported(
                "ports can be published by root only", hint="use --network=host: ports are then the host's"
            )
    if mode.startswith(SHARED) and not is_root():  # who is not has a user namespace for each container
        raise Unsupported("sharing the network of a container needs root", hint="use --network=host or none")
    if is_bridged(mode) and not is_root():
        raise Unsupported("a bridge network needs root", hint="use --network=host or none")
    return mode


def is_bridged(mode: str) -> bool:
    """Whether a container of this mode has interfaces of its own on networks."""
    return mode not in _ALONE and not mode.startswith(SHARED)


def is_root() -> bool:
    """Whether we may make interfaces on the host."""
    return os.geteuid() == 0 and read_text("/proc/self/uid_map").split() == ["0", "0", "4294967295"]


def _can_bridge() -> bool:
    if not is_root():
        return False
    from capas.run.firewall import Firewall

    try:
        Firewall()
    except CapasError:
        return False
    return True
