"""docker compose on a server of ours: `Compose(docker, folder).ok("up", "-d")`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.docker import Docker
from support.plugins import list_plugins

_LIMIT_SECONDS = 120


def install_compose(docker: Docker) -> None:
    """Give docker's client the plugin. Skips the test where there is none."""
    place = Path(docker.environ["DOCKER_CONFIG"], "cli-plugins", "docker-compose")
    program = next(list_plugins("compose"), None)
    if program is None:
        pytest.skip("no docker-compose of version 2: tools/docker-plugins fetches one")
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        place.symlink_to(program)


class Compose:
    """The project of the compose.yaml in a directory."""

    def __init__(self, docker: Docker, folder: Path) -> None:
        install_compose(docker)
        self._docker, self._folder = docker, folder

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`docker compose words`; output as text. Two minutes at most."""
        return subprocess.run(
            ["docker", "compose", *words], cwd=self._folder, env=self._docker.environ, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False,
        )  # fmt: skip

    def ok(self, *words: str) -> str:
        """What a command prints that must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout
