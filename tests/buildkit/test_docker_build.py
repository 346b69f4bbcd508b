"""`docker build` as people type it: docker's client hands it to buildx, which speaks BuildKit on docker's socket."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.buildkitd import write
from support.buildx import find_buildx
from support.compose import Compose
from support.docker import Docker, running_server
from support.examples import make_busybox
from support.tars import make_tar
from support.terminal import Terminal

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    if shutil.which("docker") is None:
        pytest.skip("docker's client is not on this machine")
    plugin = find_buildx()
    root = Path(tempfile.mkdtemp(prefix="capas-docker-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    terminal = Terminal(root)
    terminal.ok("import", "-c", 'CMD ["sh"]', "-", "busybox", stdin=make_busybox())
    plugins = root / "docker/cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(plugin)
    with running_server(terminal) as (_, client):
        environ = {name: value for name, value in client.environ.items() if name != "DOCKER_BUILDKIT"}
        yield client._replace(environ=environ)
    shutil.rmtree(root, ignore_errors=True)


def test_docker_build_builds_with_buildkit_and_keeps_the_image(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM busybox\nCOPY a.txt /\nRUN echo made >/b.txt\n", a_txt="aaa")
    told = docker.run("build", "--progress=plain", "-t", "app:1", str(tmp_path))
    assert told.returncode == 0, told.stderr
    assert "[2/3] COPY a.txt /" in told.stderr
    assert docker.ok("run", "--rm", "app:1", "cat", "/a.txt", "/b.txt") == "aaamade\n"


def test_the_id_is_printed_and_written_as_docker_does(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM scratch\nCOPY a.txt /\n", a_txt="aaa")
    told = docker.ok("build", "-q", "--iidfile", str(tmp_path / "id"), "-t", "app:2", str(tmp_path)).strip()
    assert told == (tmp_path / "id").read_text()
    assert told == docker.ok("inspect", "--format", "{{.Id}}", "app:2").strip()


def test_a_failing_docker_build_shows_the_line(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM busybox\nRUN exit 9\n")
    told = docker.run("build", str(tmp_path))
    assert told.returncode == 1
    assert "   2 | >>> RUN exit 9" in told.stderr


def test_the_files_of_a_build_come_out_of_docker_build(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path / "c", Dockerfile="FROM scratch\nCOPY a.txt /\n", a_txt="aaa")
    docker.ok("build", "-o", str(tmp_path / "out"), str(tmp_path / "c"))
    assert (tmp_path / "out/a.txt").read_text() == "aaa"


def test_a_bake_file_builds_its_targets_together(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM busybox\nARG WHO\nRUN echo for $WHO\n")
    target = {"context": str(tmp_path), "tags": ["baked:one"], "args": {"WHO": "one"}}
    other = {**target, "tags": ["baked:two"], "args": {"WHO": "two"}}
    (tmp_path / "bake.json").write_text(
        json.dumps({"group": {"default": {"targets": ["one", "two"]}}, "target": {"one": target, "two": other}})
    )
    docker.ok("buildx", "bake", f"--allow=fs.read={tmp_path}", "-f", str(tmp_path / "bake.json"))
    assert {"one", "two"} <= set(docker.ok("images", "--format", "{{.Tag}}", "baked").split())


def test_a_service_s_image_stands_on_another_service_s(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path / "base", Dockerfile="FROM busybox\nRUN echo of the base >/word\n")
    write(tmp_path / "app", Dockerfile="FROM below\nRUN cp /word /copy\n")
    (tmp_path / "compose.yaml").write_text(
        "services:\n  base: {image: standing-base, build: base}\n"
        "  app: {image: standing-app, build: {context: app, additional_contexts: {below: 'service:base'}}}\n"
    )
    Compose(docker, tmp_path).ok("build")
    assert docker.ok("run", "--rm", "standing-app", "cat", "/copy") == "of the base\n"


def test_docker_build_takes_an_image_of_a_layout(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path / "c", Dockerfile="FROM scratch\nCOPY a.txt /\nENV LAID=out\n", a_txt="aaa")
    docker.ok("build", "-t", "to-lay", str(tmp_path / "c"))
    docker.ok("save", "-o", str(tmp_path / "o.tar"), "to-lay")
    docker.ok("rmi", "to-lay")
    (tmp_path / "layout").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "o.tar", "-C", tmp_path / "layout"], check=True)
    write(tmp_path / "d", Dockerfile="FROM base\n")
    docker.ok("build", "-t", "laid", f"--build-context=base=oci-layout://{tmp_path / 'layout'}", str(tmp_path / "d"))
    assert "LAID=out" in docker.ok("inspect", "--format", "{{.Config.Env}}", "laid")


def test_the_last_builds_are_listed_and_told_again(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM busybox\nRUN echo said of old\n")
    docker.ok("build", "-t", "of-old", str(tmp_path))
    assert tmp_path.name in docker.ok("buildx", "history", "ls")
    assert "said of old" in docker.run("buildx", "history", "logs", "--progress=plain").stderr


def test_the_build_cache_is_shown_and_pruned(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM busybox\nRUN echo something to keep >/kept\n")
    docker.ok("build", str(tmp_path))
    assert "something to keep" in docker.ok("buildx", "du", "--verbose")
    assert "Total:" in docker.ok("builder", "prune", "-f")
    assert "something to keep" not in docker.ok("buildx", "du", "--verbose")


def test_the_checks_of_a_dockerfile_are_drawn_and_nothing_is_built(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM busybox as base\nRUN exit 1\n")
    told = docker.run("build", "--check", str(tmp_path))
    assert told.returncode == 1
    assert "Check complete, 1 warning has been found!" in told.stdout
    assert "WARNING: FromAsCasing - https://docs.docker.com/go/dockerfile/rule/from-as-casing/" in told.stdout
    assert "   1 | >>> FROM busybox as base" in told.stdout


def test_a_tar_on_standard_input_is_a_context(docker: Docker, tmp_path: Path) -> None:
    context = make_tar({"Dockerfile": b"FROM busybox\nCOPY a.txt /\n", "a.txt": b"piped"})
    docker.ok("build", "-t", "piped", "-", stdin=context)
    assert docker.ok("run", "--rm", "piped", "cat", "/a.txt") == "piped"


def test_without_buildx_docker_build_falls_back_to_the_classic_builder(docker: Docker, tmp_path: Path) -> None:
    write(tmp_path / "c", Dockerfile="FROM scratch\nCOPY a.txt /\n", a_txt="aaa")
    told = docker.run("build", str(tmp_path / "c"), DOCKER_CONFIG=str(tmp_path))
    assert told.returncode == 0, told.stderr
    assert "Successfully built" in told.stdout
