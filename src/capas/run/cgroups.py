"""Control groups: which layout this machine has, and what a container may be given of it."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

Layout = Literal["v1", "v2", "hybrid", "none"]
_ROOT = "/sys/fs/cgroup"


class Cgroups(NamedTuple):
    """The layout, whether we may make groups, and why not. `unified` is where the v2 tree of a hybrid is mounted."""

    layout: Layout
    writable: bool = False
    unified: str = ""
    controllers: frozenset[str] = frozenset()
    reason: str = "cgroups are not mounted"


def read_cgroups(mountinfo: str | None = None) -> Cgroups:
    """What /proc/self/mountinfo tells (or the text given)."""
    text = read_text("/proc/self/mountinfo") if mountinfo is None else mountinfo
    found = [mount for mount in map(_mount_of, text.splitlines()) if mount is not None]
    v1 = {option: place for kind, place, options in found if kind == "cgroup" for option in options}
    v2 = next((place for kind, place, _ in found if kind == "cgroup2"), "")
    layout: Layout = "hybrid" if v1 and v2 else "v1" if v1 else "v2" if v2 else "none"
    if layout == "none":
        return Cgroups("none")
    place = v2 if layout == "v2" else v1.get("pids", next(iter(v1.values())))
    controllers = frozenset(read_text(f"{v2}/cgroup.controllers").split()) if layout == "v2" else frozenset(v1)
    if os.geteuid() != 0 or not os.access(place, os.W_OK) or _in_user_namespace():
        return Cgroups(layout, False, v2, controllers, "making cgroups needs root")
    return Cgroups(layout, True, v2, controllers, "")


def hide_unified(cgroups: Cgroups) -> None:
    """Take a hybrid's v2 tree out of sight. To be called in a private mount namespace, before crun is started."""
    if cgroups.layout != "hybrid" or not cgroups.unified:
        return
    from capas.snapshot.syscalls import MNT_DETACH, MS_RDONLY, mount, unmount

    place = os.fsencode(cgroups.unified)
    try:
        unmount(place, MNT_DETACH)
    except OSError:  # locked, in a user namespace: it can be covered all the same
        try:
            mount(b"none", place, type=b"tmpfs", flags=MS_RDONLY)
        except OSError:
            pass  # crun will tell


def remove_group(name: str) -> None:
    """Remove the group `name` ("/capas/<id>") from every tree, its processes gone. What is not there is passed over."""
    try:
        trees = [_ROOT, *(entry.path for entry in os.scandir(_ROOT) if entry.is_dir(follow_symlinks=False))]
    except OSError:
        return
    for tree in trees:
        for folder, _, _ in os.walk(tree + name, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass


def list_processes(name: str) -> list[int]:
    """The processes in the group `name`, in whichever tree has it."""
    found: set[int] = set()
    for tree in (_ROOT, f"{_ROOT}/pids", f"{_ROOT}/memory", f"{_ROOT}/freezer"):
        for folder, _, _ in os.walk(tree + name):
            found.update(map(int, read_text(f"{folder}/cgroup.procs").split()))
    return sorted(found)


def _mount_of(line: str) -> tuple[str, str, list[str]] | None:
    before, dash, after = line.partition(" - ")
    fields, tail = before.split(), after.split()
    if not dash or len(fields) < 5 or len(tail) < 3 or tail[0] not in ("cgroup", "cgroup2"):
        return None
    return tail[0], fields[4], [option for option in tail[2].split(",") if option not in ("rw", "ro")]


def _in_user_namespace() -> bool:
    return read_text("/proc/self/uid_map").split() != ["0", "0", "4294967295"]


def read_text(path: str) -> str:
    """A file of the kernel, empty where it is not to be had."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
