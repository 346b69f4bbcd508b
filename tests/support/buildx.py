"""docker's buildx, where there is one new enough: bake and imagetools need no daemon."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from support.plugins import list_plugins

_OLDEST = (0, 20)


def find_buildx() -> str:
    """The path of the plugin, a program by itself. Skips the test where there is none."""
    for path in list_plugins("buildx"):
        if _version(path) >= _OLDEST:
            return str(path)
    pytest.skip(f"no docker-buildx of {_OLDEST[0]}.{_OLDEST[1]} or newer: tools/docker-plugins fetches one")


def _version(path: Path) -> tuple[int, ...]:
    said = subprocess.run([path, "version"], capture_output=True, text=True).stdout
    match = re.search(r" v?(\d+)\.(\d+)\.", said)
    return tuple(map(int, match.groups())) if match else (0, 0)
