"""What a killed keeper leaves: processes, a cgroup, a network, stubs in the tree. Whoever notices clears it up."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING

from capas.errors import CapasError
from capas.run.claims import Claim
from capas.run.connecting import disconnect_dead
from capas.run.inside import opened, opened_root
from capas.run.launch import Launch
from capas.run.record import State
from capas.snapshot.mounting import mount_all
from capas.snapshot.namespaces import in_private_mounts

if TYPE_CHECKING:
    from capas.run.containers import Containers


def clear_remains(containers: Containers, dead: Claim, state: State) -> None:
    """End what still runs of a container and take away what was made for it. Idempotent."""
    container_id = dead.folder.name
    in_private_mounts(lambda: _end(containers, dead))
    disconnect_dead(container_id, containers.run_root, state)
    if state.stubs:
        try:
            in_private_mounts(lambda: _remove_stubs(containers, dead, state.stubs))
        except (CapasError, OSError):
            return  # its tree cannot be seen any more: there is nothing to take away from


def _end(containers: Containers, dead: Claim) -> None:
    container_id = dead.folder.name
    state = containers.run_root / "runtime"
    try:
        runtime = containers.runtime()
    except CapasError:
        return  # without a runtime there is nobody to ask; its processes have ended with the machine's last start
    launch = Launch(runtime, dead.folder, container_id, state=state, group=f"/capas/{container_id}")
    launch.end()


def _remove_stubs(containers: Containers, dead: Claim, stubs: Sequence[str]) -> None:
    tree = dead.folder / "tree"
    tree.mkdir(exist_ok=True)
    mount_all(containers.snapshotter.mounts(dead.folder.name), tree)
    with opened_root(tree) as root:
        for path in reversed(stubs):
            parent, name = posixpath.split(path)
            try:
                with opened(root, parent, os.O_PATH | os.O_DIRECTORY) as fd:
                    _remove_empty(fd, name)
            except OSError:
                continue


def _remove_empty(parent: int, name: str) -> None:
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        os.rmdir(name, dir_fd=parent)
    elif stat.S_ISREG(status.st_mode) and status.st_size == 0:
        os.unlink(name, dir_fd=parent)
