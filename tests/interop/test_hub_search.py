"""Other people's clients search our hub and list its tags."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.app import create_app
from support.dockerd import running_dockerd
from support.hub import running_hub
from support.hub_client import HubClient
from support.repositories import Repositories


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    app = create_app(tmp_path / "hub")
    add = Repositories(app.hub.database).add
    add("library/nginx", description="Official build of Nginx.", stars=7)
    add("acme/nginx-proxy", description="Un proxy rápido", stars=3)
    add("acme/other")
    with running_hub(tmp_path / "hub", app=app) as found:
        client = HubClient(found, "library/nginx")
        for tag in ("1.27", "latest"):
            client.push_image(tag)
        client.close()
        yield found


def ask(*words: str) -> list[str]:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.root
@pytest.mark.peer("podman")
def test_podman_searches_and_lists_tags(address: str) -> None:
    podman = ("podman", "search", "--tls-verify=false")
    rows = ask(*podman, "--format", "{{.Name}}|{{.Description}}|{{.Stars}}|{{.Official}}", f"{address}/nginx")
    assert rows == [
        f"{address}/library/nginx|Official build of Nginx.|7|[OK]",
        f"{address}/acme/nginx-proxy|Un proxy rápido|3|",
    ]
    only = ask(*podman, "--filter", "is-official=true", "--format", "{{.Name}}", f"{address}/ngin")
    assert only == ask(*podman, "--limit", "1", "--format", "{{.Name}}", f"{address}/ngin") == rows[0].split("|")[:1]
    tags = ask(*podman, "--list-tags", f"{address}/library/nginx")[1:]
    assert [line.split()[1] for line in tags] == ["1.27", "latest"]


@pytest.mark.peer("skopeo")
def test_skopeo_lists_tags(address: str) -> None:
    printed = "\n".join(ask("skopeo", "list-tags", "--tls-verify=false", f"docker://{address}/library/nginx"))
    assert json.loads(printed)["Tags"] == ["1.27", "latest"]


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """docker's client with a daemon of its own."""
    with running_dockerd(tmp_path) as socket:
        yield ("docker", "-H", socket)


@pytest.mark.root
@pytest.mark.peer("dockerd")
def test_docker_searches(address: str, docker: tuple[str, ...]) -> None:
    rows = ask(
        *docker, "search", "--format", "{{.Name}}|{{.Description}}|{{.StarCount}}|{{.IsOfficial}}", f"{address}/nginx"
    )
    assert rows == ["library/nginx|Official build of Nginx.|7|[OK]", "acme/nginx-proxy|Un proxy rápido|3|"]
    assert len(ask(*docker, "search", "--limit", "1", "--format", "{{.Name}}", f"{address}/nginx")) == 1
    assert ask(*docker, "search", "-f", "stars=5", "--format", "{{.Name}}", f"{address}/nginx") == ["library/nginx"]
