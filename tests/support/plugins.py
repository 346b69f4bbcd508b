"""Plugins of docker's client: programs by themselves, from `tools/docker-plugins` or where this machine has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_TOP = Path(__file__).parents[2]
_LAB = Path(os.environ.get("CAPAS_LAB", "/var/tmp/capas-lab"))


def list_plugins(name: str) -> Iterator[Path]:
    """Every program docker-`name`, the one that the tests fetched first."""
    program = f"docker-{name}"
    inside = Path("libexec/docker/cli-plugins") / program
    places = (_TOP / ".make" / program, Path.home() / ".docker/cli-plugins" / program)
    roots = ("/usr/local", "/usr", _LAB / "disk/root/usr")
    for path in (*places, *(Path(root) / inside for root in roots)):
        if os.access(path, os.X_OK):
            yield path
