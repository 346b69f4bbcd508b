"""Which snapshot driver this machine allows, and why."""

from __future__ import annotations

import os
from pathlib import Path

from capas.errors import CapasError, Invalid, Unsupported
from capas.snapshot.contract import Mount, Snapshotter
from capas.snapshot.namespaces import identity, in_private_mounts
from capas.store.disk import make_dirs

DRIVERS = ("overlay", "copy")


def choose_driver(root: Path, *, wanted: str | None) -> tuple[str, str]:
    """The name of the driver and the reason for it, in words. No driver is opened.

    Raises: Invalid for a driver that there is not; Unsupported for one that is wanted and cannot work here.
    """
    if wanted not in (None, *DRIVERS):
        raise Invalid("there is no snapshot driver {name!r}", name=wanted, hint="drivers are: " + ", ".join(DRIVERS))
    if wanted == "copy":
        return "copy", "it is wanted"
    refusal = _refusal(_place(root, "overlay"))
    if refusal is None:
        return "overlay", "it is wanted" if wanted else f"overlayfs can be mounted on {root}"
    if wanted:
        raise Unsupported("overlayfs cannot be mounted on {root}: {why}", root=str(root), why=refusal)
    return "copy", f"overlayfs cannot be mounted on {root}: {refusal}"


def open_driver(root: Path, name: str) -> Snapshotter:
    """The driver that `choose_driver` named. Each keeps its own things beneath `root`, and is loaded only here."""
    if name == "copy":
        from capas.snapshot.copying import CopySnapshotter

        return CopySnapshotter(_place(root, name))
    from capas.snapshot.overlay import OverlaySnapshotter

    return OverlaySnapshotter(_place(root, name))


def open_snapshotter(root: Path, *, wanted: str | None) -> tuple[Snapshotter, str]:
    """The driver chosen, and the reason for it. Raises: as `choose_driver`."""
    name, reason = choose_driver(root, wanted=wanted)
    return open_driver(root, name), reason


def _place(root: Path, driver: str) -> Path:
    return root / "snapshots" / driver


def _refusal(place: Path) -> str | None:
    """Why overlayfs cannot be mounted there, None where it can. Tried once for a kernel and a kind of user."""
    known = place / f"works-{os.uname().release}-{identity()}"
    if known.exists():
        return None
    make_dirs(place)
    try:
        _try(place)
    except CapasError as error:
        return str(error)
    known.touch()
    return None


def _try(place: Path) -> None:
    for name in ("ingest", "trash"):
        make_dirs(place / name)
    from capas.snapshot.mounting import mount_all  # once for a kernel: not loaded to choose again
    from capas.snapshot.scratch import Scratch
    from capas.snapshot.stacks import common_options

    with Scratch(place).directory() as test:
        for name in ("a", "b", "upper", "work", "shown"):
            (test / name).mkdir()
        options = (f"lowerdir={test}/a:{test}/b", f"upperdir={test}/upper", f"workdir={test}/work", *common_options())
        in_private_mounts(lambda: mount_all([Mount("overlay", "overlay", options)], test / "shown"))
