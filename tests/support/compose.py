"""docker compose on a server of ours: `Compose(docker, folder).ok("up", "-d")`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.docker import Docker
from support.plugins import list_plugins

_LIMIT_SECONDS = 120


def find_compose() -> str:
    """The path of the plugin, a program by itself. Skips the test where there is none."""
    for path in list_plugins("compose"):
        return str(path)
    pytest.skip("no docker-compose of version 2: tools/docker-plugins fetches one")


class Compose:
    """The project of the compose.yaml in a directory."""

    def __init__(self, docker: Docker, folder: Path) -> None:
        self._program, self._docker, self._folder = find_compose(), docker, folder

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`docker compose words`; output as text. Two minutes at most."""
        return subprocess.run(
            [self._program, *words], cwd=self._folder, env=self._docker.environ, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False,
        )  # fmt: skip

    def ok(self, *words: str) -> str:
        """What a command prints that must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout
