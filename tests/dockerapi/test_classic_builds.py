"""The classic builder's parameters: what docker's client asks for is done, or refused by its name."""

from __future__ import annotations

import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.people import PASSWORD
from support.sessions import Place, ours

pytestmark = [pytest.mark.root, pytest.mark.xdist_group("classic")]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    if shutil.which("docker") is None:
        pytest.skip("docker's client is not on this machine")
    with ours() as found:
        docker(found, "pull", "-q", "hello")
        yield found


def docker(place: Place, *words: str, stdin: str = "", code: int = 0) -> str:
    done = subprocess.run(
        ["docker", *words], env=dict(place.environ), input=stdin, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_base_of_a_private_repository_is_fetched_with_the_clients_login(place: Place) -> None:
    private = f"{place.hub}/ana/private:1"
    docker(place, "login", "-u", "ana", "--password-stdin", place.hub, stdin=PASSWORD)
    docker(place, "tag", "hello", private)
    docker(place, "push", "-q", private)
    docker(place, "rmi", private)
    assert "Successfully built" in docker(place, "build", "-", stdin=f"FROM {private}\n")
    docker(place, "rmi", "-f", private)
    docker(place, "logout", place.hub)
    assert "access" in docker(place, "build", "--pull", "-", stdin=f"FROM {private}\n", code=1)


def test_limits_of_processes_reach_the_commands(place: Place) -> None:
    dockerfile = "FROM hello\nRUN ulimit -n > /limit\nCMD cat /limit\n"
    docker(place, "build", "-t", "limited", "--ulimit", "nofile=123:123", "-", stdin=dockerfile)
    assert docker(place, "run", "--rm", "limited") == "123\n"


def test_the_client_ends_with_the_code_of_the_command_that_failed(place: Place) -> None:
    said = docker(place, "build", "-", stdin="FROM hello\nRUN exit 3\n", code=3)
    assert "The command '/bin/sh -c exit 3' returned a non-zero code: 3" in said


@pytest.mark.parametrize("flag", ["--memory=64m", "--cpu-shares=10", "--isolation=hyperv"])
def test_a_parameter_that_capas_does_not_have_is_refused_by_name(place: Place, flag: str) -> None:
    name = flag.partition("=")[0].removeprefix("--").replace("-", "")
    assert f"the build parameter {name} is not supported" in docker(
        place, "build", flag, "-", stdin="FROM hello\n", code=1
    )


def test_a_dockerfile_is_fetched_from_an_address(place: Place, served: tuple[Path, str]) -> None:
    folder, address = served
    (folder / "Dockerfile").write_text("FROM hello\nLABEL from=afar\n")
    ask = ["curl", "-sS", "--unix-socket", place.environ["DOCKER_HOST"].removeprefix("unix://"), "-X", "POST"]
    query = f"remote={address}/Dockerfile&t=afar"
    done = subprocess.run([*ask, f"http://docker/v1.45/build?{query}"], capture_output=True, text=True, timeout=60)
    assert "Successfully tagged afar:latest" in done.stdout, done.stdout
    assert docker(place, "inspect", "-f", "{{.Config.Labels.from}}", "afar") == "afar\n"


def test_every_instruction_has_its_line_as_dockers_has(place: Place, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM hello AS made\nARG WHO=you\nRUN echo $WHO\n"
        'FROM scratch\nENV A=1\nCOPY --from=made /etc/passwd /\nCMD ["x"]\n'
    )
    said = docker(place, "build", "--no-cache", str(tmp_path)).splitlines()
    assert [line for line in said if line.startswith("Step ")] == [
        "Step 1/7 : FROM scratch",
        "Step 2/7 : ENV A=1",
        "Step 3/7 : FROM hello AS made",
        "Step 4/7 : ARG WHO=you",
        "Step 5/7 : RUN echo $WHO",
        "Step 6/7 : COPY --from=made /etc/passwd /",
        'Step 7/7 : CMD ["x"]',
    ]
    assert said.index("you") > said.index("Step 5/7 : RUN echo $WHO")


def test_a_build_without_steps_has_the_lines_of_its_settings(place: Place) -> None:
    said = docker(place, "build", "-", stdin="FROM hello\nENV A=1\nLABEL b=c\n").splitlines()
    assert [line for line in said if line.startswith("Step ")] == [
        "Step 1/3 : FROM hello", "Step 2/3 : ENV A=1", "Step 3/3 : LABEL b=c",
    ]  # fmt: skip
