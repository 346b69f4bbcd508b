"""Which snapshot driver this machine allows, and why."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from capas.errors import CapasError, Invalid, Unsupported
from capas.layer.files import LayerFiles, layer_files
from capas.snapshot.contract import Mount, Snapshotter
from capas.snapshot.namespaces import identity, in_private_mounts
from capas.store.disk import make_dirs

DRIVERS = ("erofs", "overlay", "copy")


def choose_driver(root: Path, *, wanted: str | None) -> tuple[str, str]:
    """The name of the driver and the reason for it, in words. No driver is opened.

    Raises: Invalid for a driver that there is not; Unsupported for one that is wanted and cannot work here.
    """
    if wanted not in (None, *DRIVERS):
        raise Invalid("there is no snapshot driver {name!r}", name=wanted, hint="drivers are: " + ", ".join(DRIVERS))
    if wanted == "copy":
        return "copy", "it is wanted"
    refusals: list[str] = []
    for name, what, refusal_of in _TRIES:
        if wanted in (None, name):
            refusal = refusal_of(root)
            if refusal is None:
                return name, "it is wanted" if wanted else "; ".join([f"{what} on {root}", *refusals])
            if wanted:
                raise Unsupported(
                    "snapshot driver {name} cannot work on {root}: {why}", name=name, root=str(root), why=refusal
                )
            refusals.append(f"not {what}: {refusal}")
    return "copy", f"on {root} " + "; ".join(refusals)


def open_driver(root: Path, name: str) -> Snapshotter:
    """The driver that `choose_driver` named. Each keeps its own things beneath `root`, and is loaded only here."""
    if name == "copy":
        from capas.snapshot.copying import CopySnapshotter

        return CopySnapshotter(_place(root, name))
    if name == "erofs":
        from capas.snapshot.erofs import ErofsSnapshotter

        return ErofsSnapshotter(_place(root, "overlay"), layer_files(root))
    from capas.snapshot.overlay import OverlaySnapshotter

    return OverlaySnapshotter(_place(root, name))


def open_snapshotter(root: Path, *, wanted: str | None) -> tuple[Snapshotter, str]:
    """The driver chosen, and the reason for it. Raises: as `choose_driver`."""
    name, reason = choose_driver(root, wanted=wanted)
    return open_driver(root, name), reason


def _place(root: Path, driver: str) -> Path:
    return root / "snapshots" / driver


def _erofs_refusal(root: Path) -> str | None:
    """Why layer files cannot be mounted there, None where they can."""
    if identity() != "root":
        return "only root may mount them"
    make_dirs(root)
    if filesystem_of(root) in _MEMORY:
        return "the store lies in memory, whose files the kernel does not mount"
    return _once(_place(root, "overlay"), "erofs", _try_erofs)


def _overlay_refusal(root: Path) -> str | None:
    """Why overlayfs cannot be mounted there, None where it can."""
    return _once(_place(root, "overlay"), "overlay", _try_overlay)


_TRIES: tuple[tuple[str, str, Callable[[Path], str | None]], ...] = (
    ("erofs", "layers can be mounted as they are", _erofs_refusal),
    ("overlay", "overlayfs can be mounted", _overlay_refusal),
)
_MEMORY = ("tmpfs", "ramfs")


def _once(place: Path, name: str, attempt: Callable[[Path], None]) -> str | None:
    """Why an attempt fails, None where it works. Tried once for a kernel and a kind of user."""
    known = place / f"works-{name}-{os.uname().release}-{identity()}"
    if known.exists():
        return None
    make_dirs(place)
    for folder in ("ingest", "trash"):
        make_dirs(place / folder)
    from capas.snapshot.scratch import Scratch  # once for a kernel: not loaded to choose again

    try:
        with Scratch(place).directory() as test:
            attempt(test)
    except CapasError as error:
        return str(error)
    known.touch()
    return None


def _try_overlay(test: Path) -> None:
    from capas.snapshot.mounting import mount_all
    from capas.snapshot.stacks import common_options

    for name in ("a", "b", "upper", "work", "shown"):
        (test / name).mkdir()
    options = (f"lowerdir={test}/a:{test}/b", f"upperdir={test}/upper", f"workdir={test}/work", *common_options())
    in_private_mounts(lambda: mount_all([Mount("overlay", "overlay", options)], test / "shown"))


def _try_erofs(test: Path) -> None:
    """Two tiny layers written, mounted and stacked, and a file in one of them read."""
    from capas.layer.entry import Entry
    from capas.layer.writer import TarWriter
    from capas.snapshot.erofs import ErofsSnapshotter
    from capas.snapshot.mounting import mounted

    files = LayerFiles(test / "files")
    snapshotter = ErofsSnapshotter(test / "overlay", files)
    layers = []
    for name in (b"a", b"b"):
        with files.begin() as file:
            tar = TarWriter(file.write, file.add)
            tar.add_small(Entry(name, size=1), name)
            tar.finish()
            layers.append(file.commit())
    snapshotter.prepare("test", snapshotter.stack(layers), writable=False)
    with mounted(snapshotter, "test") as tree:
        if [(tree / name).read_bytes() for name in ("a", "b")] != [b"a", b"b"]:
            raise Unsupported("what is mounted is not what was written")


def filesystem_of(path: Path) -> str:
    """The type of the filesystem that holds a path; empty where the kernel does not say."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo") as file:
        for line in file:
            if line.split()[2] == wanted:
                return line.partition(" - ")[2].split()[0]
    return ""
