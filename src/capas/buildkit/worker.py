"""This machine as a builder: what it is called, and what it can do."""

from __future__ import annotations

import os

from capas.build.emulation import list_runnable
from capas.buildkit import messages_pb2 as wire
from capas.engine.platforms import host_platform
from capas.release import capas_version

# what clients ask a builder before they send certain wishes
_FRONTEND = (
    "solve.base", "return", "returnmap", "proto.refarray", "importcaches", "frontend.caps", "frontend.inputs",
    "reference.output", "gateway.evaluate",
)  # fmt: skip
_LABELS = "org.mobyproject.buildkit.worker"
_GRAPH = (
    "exporter.image.attestations", "exporter.image.annotations", "exporter.multiple", "exporter.sourcedateepoch",
    "source.image", "source.ocilayout",
)  # fmt: skip


def our_version() -> wire.Version:
    """Which builder this is."""
    return wire.Version(package="capas", version=f"capas-{capas_version()}")


def our_worker() -> wire.Worker:
    """The one worker, with the platforms whose steps run here, this machine's first."""
    platforms = list_runnable(host_platform())
    return wire.Worker(
        id="capas",
        labels={f"{_LABELS}.executor": "oci", f"{_LABELS}.hostname": os.uname().nodename},
        platforms=[wire.Platform(os=one.os, architecture=one.architecture, variant=one.variant) for one in platforms],
        buildkit_version=our_version(),
    )  # fmt: skip


def our_capabilities() -> wire.PongResponse:
    """What a frontend may ask for."""
    return wire.PongResponse(
        frontend=[wire.Capability(id=name, enabled=True) for name in _FRONTEND],
        llb=[wire.Capability(id=name, enabled=True) for name in _GRAPH],
        workers=[our_worker()],
    )
