"""docker compose on Capas: projects come up, are looked at, change and go."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.compose import Compose
from support.docker import Docker
from support.hub import running_hub

pytestmark = pytest.mark.root

# init processes without a handler ignore TERM: grace periods of nothing save the tests ten seconds each
_SITE = """
name: site
services:
  db:
    image: busybox
    command: sh -c 'sleep 0.2; touch /data/ready; exec sleep 1000'
    stop_grace_period: 0s
    volumes: [data:/data]
    healthcheck: {test: [CMD, test, -f, /data/ready], interval: 200ms, timeout: 2s, retries: 50}
    networks: {back: {aliases: [database]}}
  web:
    build: {context: ., args: {WORD: made}}
    command: httpd -f -p 80 -h /
    stop_grace_period: 0s
    depends_on: {db: {condition: service_healthy}}
    ports: ["127.0.0.1::80"]
    networks: [back]
  job:
    image: busybox
    command: sh -c 'echo $$TASK; exit 3'
    environment: {TASK: worked}
    profiles: [jobs]
    network_mode: none
networks: {back: {}}
volumes: {data: {}}
"""


@pytest.fixture
def site(docker: Docker, tmp_path: Path) -> Iterator[Compose]:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG WORD\nRUN echo $WORD > /index.html\n")
    (tmp_path / "compose.yaml").write_text(_SITE)
    project = Compose(docker, tmp_path)
    yield project
    project.ok("--profile", "*", "down", "--volumes", "--timeout", "0")


def test_a_project_comes_up_in_the_order_of_its_health(site: Compose) -> None:
    site.ok("up", "-d")
    assert site.ok("exec", "-T", "web", "ping", "-c1", "-W5", "database")
    address = site.ok("port", "web", "80").strip()
    assert urllib.request.urlopen(f"http://{address}/index.html", timeout=30).read() == b"made\n"
    shown = site.ok("ps", "--format", "{{.Service}} {{.State}} {{.Health}}")
    assert shown.splitlines() == ["db running healthy", "web running "]


def test_services_scale_and_an_unchanged_one_is_left_alone(site: Compose, docker: Docker) -> None:
    site.ok("up", "-d")
    before = set(site.ok("ps", "-q").split())
    site.ok("up", "-d", "--scale", "web=2")
    after = set(site.ok("ps", "-q").split())
    assert before < after and len(after) == 3


def test_a_job_in_the_foreground_gives_its_output_and_code(site: Compose) -> None:
    done = site.run("up", "--exit-code-from", "job", "job")
    assert done.returncode == 3
    assert "worked" in done.stdout


def test_run_starts_one_more_with_what_it_needs(site: Compose) -> None:
    assert site.ok("run", "--rm", "--no-deps", "-e", "TASK=other", "job", "sh", "-c", "echo $TASK") == "other\n"


def test_a_life_from_logs_to_restart(site: Compose, tmp_path: Path) -> None:
    site.ok("up", "-d", "db")
    site.ok("pause", "db")
    site.ok("unpause", "db")
    site.ok("restart", "db")
    site.ok("exec", "-T", "db", "sh", "-c", "echo said > /proc/1/fd/1")
    assert "said" in site.ok("logs", "--no-color", "db")
    site.ok("cp", "db:/data/ready", str(tmp_path / "ready"))
    assert (tmp_path / "ready").exists()
    assert "sleep 1000" in site.ok("top", "db")


def test_down_takes_containers_networks_and_volumes_with_it(site: Compose, docker: Docker) -> None:
    site.ok("up", "-d", "db")
    site.ok("down", "--volumes", "--timeout", "0")
    marked = "label=com.docker.compose.project=site"
    for noun in (("ps", "-a"), ("network", "ls"), ("volume", "ls")):
        assert docker.ok(*noun, "-q", "--filter", marked) == ""


def test_secrets_and_configs_lie_where_they_are_asked_for(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of a file")
    (tmp_path / "compose.yaml").write_text("""
services:
  box:
    image: busybox
    command: cat /run/secrets/one /etc/two
    secrets: [one]
    configs: [{source: two, target: /etc/two}]
secrets: {one: {file: secret}}
configs: {two: {content: " and of the text"}}
""")
    project = Compose(docker, tmp_path)
    assert project.ok("run", "--rm", "box") == "of a file and of the text"
    project.ok("down")


def test_a_link_is_one_more_name_of_a_service(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("""
services:
  db: {image: busybox, command: sleep 100, stop_grace_period: 0s}
  box: {image: busybox, command: ping -c1 -W5 store, links: ["db:store"]}
""")
    project = Compose(docker, tmp_path)
    assert "1 packets received" in project.ok("run", "--rm", "box")
    project.ok("down")


def test_buildkit_builds_what_the_classic_builder_cannot(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("""
name: inline
services:
  box:
    build: {context: ., dockerfile_inline: "FROM busybox\\nRUN echo made > /f\\n"}
    command: cat /f
    network_mode: none
""")
    project = Compose(docker._replace(environ={**docker.environ, "DOCKER_BUILDKIT": "1"}), tmp_path)
    project.ok("build")
    assert project.ok("run", "--rm", "box") == "made\n"


def test_images_of_a_project_are_built_pushed_and_pulled(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nLABEL a=b\n")
    with running_hub(tmp_path / "hub") as address:
        (tmp_path / "compose.yaml").write_text(f"services: {{box: {{image: '{address}/box:1', build: .}}}}\n")
        project = Compose(docker, tmp_path)
        project.ok("build")
        project.ok("push")
        docker.ok("rmi", f"{address}/box:1")
        project.ok("pull")
        assert docker.ok("images", "-q", f"{address}/box:1") != ""
