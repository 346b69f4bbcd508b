"""The ground a container stands on: its tree mounted where only it and we can see it, with what is mounted inside."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from capas.errors import Invalid, Unsupported
from capas.run.bundle import InnerMount
from capas.run.cgroups import hide_unified
from capas.run.copies import take_back
from capas.run.inside import make_directories, open_inside, opened_root
from capas.run.runtime import Runtime
from capas.run.stubs import Stubs, Target, clean_path
from capas.snapshot.contract import Mount
from capas.snapshot.mounting import mount_all, offered, unmount

_KERNEL_TREES = ("/proc", "/sys", "/dev")
_EXECUTABLE = 0o111


class Ground:
    """A tree mounted at `tree`, in the private mount namespace of this thread."""

    def __init__(self, tree: Path, root: int) -> None:
        self.tree = tree
        self.root = root
        self.stubs = Stubs(root)

    def place(self, mounts: Sequence[InnerMount]) -> list[InnerMount]:
        """See to it that every target is there; the mounts with targets that no link can bend, parents first.

        Raises: Invalid for a target that cannot be; NotFound for a source that is not there.
        """
        placed: list[InnerMount] = []
        for tree in _KERNEL_TREES:
            self.stubs.add(Target(tree, True))
        for mount in sorted(mounts, key=lambda mount: clean_path(mount.target).count("/")):
            directory = mount.type != "bind" or os.path.isdir(mount.source)
            placed.append(mount._replace(target=self.stubs.add(Target(mount.target, directory))))
        return placed

    def enter(self, cwd: str, owner: tuple[int, int] | None = None) -> str:
        """The working directory, made where it is missing. Raises: Invalid where it cannot be one."""
        path = clean_path(cwd)
        if not cwd.startswith("/"):
            raise Invalid("the working directory {cwd!r} is not an absolute path", cwd=cwd)
        if path in _KERNEL_TREES or any(path.startswith(f"{tree}/") for tree in _KERNEL_TREES[1:]):
            return path
        made: list[str] = []
        try:
            os.close(make_directories(self.root, path, made=made))
        except OSError as error:
            raise Invalid("the working directory {cwd} cannot be: {error}", cwd=cwd, error=error.strerror) from None
        for each in made if owner else ():
            fd = open_inside(self.root, each, os.O_RDONLY | os.O_DIRECTORY)
            os.fchown(fd, *owner)  # type: ignore[misc]
            os.close(fd)
        return path


@contextmanager
def mounted_ground(mounts: Sequence[Mount], folder: Path, runtime: Runtime) -> Iterator[Ground]:
    """The tree of these mounts beneath `folder`, for a thread that is in a private mount namespace."""
    tree = folder / "tree"
    tree.mkdir(mode=0o755)
    try:
        if runtime.name == "crun":
            hide_unified(runtime.cgroups)
        mount_all(mounts, tree)
    except OSError as error:
        raise Unsupported("cannot mount the container's tree: {error}", error=str(error)) from None
    parents: set[str] = set()
    try:
        with offered(mounts), opened_root(tree) as root:
            ground = Ground(tree, root)
            try:
                yield ground
            finally:
                ground.stubs.clean()
                parents = ground.stubs.parents
    finally:
        unmount(tree)
        take_back(mounts, parents)


def bind(source: str | Path, target: str, *, read_only: bool = False, propagation: str = "rprivate") -> InnerMount:
    """A bind mount of a path of the host."""
    return InnerMount(target, "bind", str(source), ("rbind", propagation, "ro" if read_only else "rw"))


def tmpfs(target: str, options: Sequence[str] = ()) -> InnerMount:
    """A tmpfs, with docker's default options before those given."""
    return InnerMount(target, "tmpfs", "tmpfs", ("nosuid", "nodev", "noexec", *options))
