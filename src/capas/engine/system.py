"""What is here, and what this machine allows."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from capas.engine.platforms import host_platform
from capas.engine.rootless import is_root
from capas.errors import CapasError
from capas.events import Report, ignore

if TYPE_CHECKING:
    from capas.engine.engine import Engine
    from capas.engine.usage import DiskUsage
    from capas.store.check import Finding


class System:
    """`engine.system`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def df(self) -> list[DiskUsage]:
        """Images (blobs and their unpacked layers), containers, volumes and build cache."""
        from capas.engine.usage import disk_usage

        return disk_usage(self._engine)

    def spared(self) -> int:
        """The bytes of packed layers that are not kept, since they can be had again (`store.keep`)."""
        return sum(one.size for one in self._engine.store.list_unkept())

    def check(self, *, repair: bool = False, report: Report = ignore) -> list[Finding]:
        """What is wrong, after reading everything. Repair: what is damaged goes; a pull brings it again."""
        from capas.image.kept_contents import check_contents
        from capas.layer.erofs.check import check_files
        from capas.layer.files import layer_files

        root = self._engine.settings.root
        findings = self._engine.store.check(repair, report=report)
        findings += check_files(layer_files(root), repair=repair, report=report)
        return [*findings, *check_contents(root / "cache" / "contents", repair=repair)]

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
            "Rootless": not is_root(),
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
            runtime = self._engine.runtime
        except CapasError as error:
            return {"Runtime": "none", "Runtime Reason": str(error)}
        return {"Runtime": runtime.name, "Runtime Reason": runtime.reason}
