"""What is here, and what this machine allows."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from capas.engine.platforms import host_platform
from capas.errors import CapasError

if TYPE_CHECKING:
    from capas.engine.engine import Engine


class DiskUsage(NamedTuple):
    """One kind of thing: how many, how many in use, bytes on disk, bytes that a prune would free."""

    kind: str
    total: int
    active: int
    size: int
    reclaimable: int


class System:
    """`engine.system`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def df(self) -> list[DiskUsage]:
        """Images (blobs and their unpacked layers), containers, volumes and build cache."""
        from capas.engine.usage import disk_usage

        return disk_usage(self._engine)

    def info(self) -> dict[str, object]:
        """What was chosen, and why."""
        engine = self._engine
        settings = engine.settings
        records = engine.store.records
        return {
            "Root Dir": str(settings.root),
            "Images": sum(1 for _ in records.iter_images()),
            "Storage Driver": engine.driver_name,
            "Storage Driver Reason": engine.snapshotter_reason,
            **self._runtime(),
            "Operating System": platform.system().lower(),
            "Kernel Version": os.uname().release,
            "Platform": str(host_platform()),
            "CPUs": os.cpu_count(),
            "Rootless": os.geteuid() != 0,
            "Docker Config": str(settings.docker_config),
            "Mirrors": [f"{name}={mirror}" for name, known in settings.registries.items() for mirror in known.mirrors],
        }

    def versions(self) -> dict[str, object]:
        """The versions of what Capas stands on."""
        return {
            "Python": platform.python_version(),
            "Platform": str(host_platform()),
            "Kernel": os.uname().release,
            **self._runtime(),
        }

    def _runtime(self) -> dict[str, object]:
        try:
            runtime = self._engine.containers.runtime
        except CapasError as error:
            return {"Runtime": "none", "Runtime Reason": str(error)}
        return {"Runtime": f"{runtime.name} {runtime.version}", "Runtime Reason": runtime.reason}


def tree_size(path: Path) -> int:
    """The bytes on disk of a tree, each file once however many names it has."""
    total, seen = 0, set()
    for folder, _, names in os.walk(path):
        for name in names:
            found = os.lstat(os.path.join(folder, name))
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_blocks * 512
    return total
