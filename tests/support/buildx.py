"""docker's buildx, where there is one new enough: bake and imagetools need no daemon."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

_TOP = Path(__file__).parents[2]
_LAB = Path(os.environ.get("CAPAS_LAB", "/var/tmp/capas-lab"))
_PLUGIN = "libexec/docker/cli-plugins/docker-buildx"
_PLACES = (
    _TOP / ".make/docker-buildx",
    Path.home() / ".docker/cli-plugins/docker-buildx",
    Path("/usr/local") / _PLUGIN,
    Path("/usr") / _PLUGIN,
    _LAB / "disk/root/usr" / _PLUGIN,
)
_OLDEST = (0, 20)


def find_buildx() -> str:
    """The path of the plugin, a program by itself. Skips the test where there is none."""
    for path in _PLACES:
        if os.access(path, os.X_OK) and _version(path) >= _OLDEST:
            return str(path)
    pytest.skip(f"no docker-buildx of {_OLDEST[0]}.{_OLDEST[1]} or newer: tools/buildx fetches one")


def _version(path: Path) -> tuple[int, ...]:
    said = subprocess.run([path, "version"], capture_output=True, text=True).stdout
    match = re.search(r" v?(\d+)\.(\d+)\.", said)
    return tuple(map(int, match.groups())) if match else (0, 0)
