"""Volumes of other containers in a new one: --volumes-from."""

from __future__ import annotations

from collections.abc import Callable

from capas.errors import Invalid
from capas.run.record import Record
from capas.run.spec import ContainerSpec

_MODES = ("", "rw", "ro", "z", "Z")


def with_volumes_from(spec: ContainerSpec, get: Callable[[str], Record]) -> ContainerSpec:
    """The spec with the binds and volumes of the containers that it names, where it has nothing of its own.

    Raises: Invalid for a mode that is not ro or rw; NotFound.
    """
    mounts = list(spec.mounts)
    for text in spec.volumes_from:
        name, _, mode = text.partition(":")
        if mode not in _MODES:
            raise Invalid("volumes from {text!r}: the mode is ro or rw", text=text[:200])
        taken = {mount.target for mount in mounts}
        theirs = [one for one in get(name).spec.mounts if one.type != "tmpfs" and one.target not in taken]
        mounts += [one._replace(read_only=one.read_only or mode == "ro") for one in theirs]
    return spec._replace(mounts=tuple(mounts))
