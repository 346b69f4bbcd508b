"""Which snapshot driver this machine allows, and why."""

from __future__ import annotations

from pathlib import Path

from capas.errors import Invalid
from capas.snapshot.contract import Snapshotter
from capas.snapshot.overlay import OverlaySnapshotter


def open_snapshotter(root: Path, *, wanted: str | None) -> tuple[Snapshotter, str]:
    """The driver and the reason for it, in words. Raises: Invalid for a driver that there is not."""
    if wanted not in (None, "overlay"):
        raise Invalid("there is no snapshot driver {name!r}", name=wanted, hint="drivers are: overlay")
    return OverlaySnapshotter(root / "snapshots"), "overlayfs is there"
