"""docker's buildx builds on our graph: its files, secrets and words reach the steps, and it draws what they say."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.buildkitd import Buildx, start_long_step, write
from support.processes import is_running

pytestmark = pytest.mark.root
ASK = "--output=type=image,name={}"


def test_the_builder_says_what_it_is_and_what_it_builds_for(buildx: Buildx) -> None:
    told = buildx.ok("inspect", "capas")
    assert "Status:           running" in told
    assert "BuildKit version: capas-" in told
    assert "linux/amd64" in told


def test_a_directory_is_built_without_what_its_ignore_file_leaves_out(buildx: Buildx, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub", kept_txt="kept", left_log="left")
    (tmp_path / "año.txt").write_text("not ASCII")
    told = buildx.build(
        tmp_path, Dockerfile="FROM busybox\nCOPY . /c\nRUN cd /c; find . -type f | sort | tr '\\n' ' '",
        _dockerignore="**/*.log\naño.txt\n",
    )  # fmt: skip
    assert "./.dockerignore ./Dockerfile ./sub/kept.txt" in told
    assert "[3/3] RUN cd /c" in told


def test_arguments_targets_and_labels_are_the_builds(buildx: Buildx, tmp_path: Path) -> None:
    dockerfile = "FROM busybox AS one\nARG WHO\nRUN echo for $WHO.\nFROM one\nRUN exit 7\n"
    told = buildx.build(
        tmp_path, "--build-arg=WHO=ana", "--target=one", "--label=made=here", ASK.format("words"), Dockerfile=dockerfile
    )
    assert " for ana." in told
    assert buildx.terminal.ok("inspect", "--format", "{{.Config.Labels.made}}", "words") == "here\n"


def test_a_second_build_is_cached(buildx: Buildx, tmp_path: Path) -> None:
    buildx.build(tmp_path, Dockerfile="FROM busybox\nCOPY a.txt /\nRUN cat /a.txt\n", a_txt="one")
    told = buildx.build(tmp_path)
    assert "[2/3] COPY a.txt /\n#" in told
    assert told.count("CACHED") == 2


def test_a_secret_is_asked_for_when_its_step_needs_it(buildx: Buildx, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sesame opens")
    told = buildx.build(
        tmp_path / "c", f"--secret=id=token,src={tmp_path / 'token'}",
        Dockerfile="FROM busybox\nRUN --mount=type=secret,id=token wc -c /run/secrets/token; cat /run/secrets/token\n",
    )  # fmt: skip
    assert "12 /run/secrets/token" in told
    assert "sesame opens" not in told


def test_a_step_gets_a_socket_for_the_agent_of_the_client(buildx: Buildx, tmp_path: Path) -> None:
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", tmp_path / "agent"], stdout=subprocess.DEVNULL)
    try:
        told = buildx.build(
            tmp_path / "c", f"--ssh=default={tmp_path / 'agent'}",
            Dockerfile="FROM busybox\nRUN --mount=type=ssh test -S $SSH_AUTH_SOCK && echo there it is\n",
        )  # fmt: skip
    finally:
        agent.terminate()
        agent.wait()
    assert " there it is" in told


def test_other_directories_and_images_stand_for_names(buildx: Buildx, tmp_path: Path) -> None:
    write(tmp_path / "more", word_txt="from elsewhere")
    told = buildx.build(
        tmp_path / "c", f"--build-context=more={tmp_path / 'more'}", "--build-context=base=docker-image://busybox",
        Dockerfile="FROM base\nCOPY --from=more word.txt /\nRUN cat /word.txt\n",
    )  # fmt: skip
    assert "from elsewhere" in told


def test_a_failing_step_is_drawn_with_its_output_and_its_place(buildx: Buildx, tmp_path: Path) -> None:
    told = buildx.fails_to_build(tmp_path, Dockerfile="FROM busybox\n\nRUN echo so far; exit 3\n")
    assert "ERROR: RUN echo so far; exit 3 failed with exit code 3" in told
    assert "> [2/2] RUN echo so far; exit 3:" in told
    assert "Dockerfile:3\n--------------------" in told
    assert "   3 | >>> RUN echo so far; exit 3" in told
    assert told.rstrip().endswith("failed to solve: RUN echo so far; exit 3 failed with exit code 3")


def test_a_mistake_in_a_dockerfile_is_drawn_at_its_line(buildx: Buildx, tmp_path: Path) -> None:
    told = buildx.fails_to_build(tmp_path, Dockerfile="FROM busybox\nRUNN true\n")
    assert "   2 | >>> RUNN true" in told
    assert "unknown instruction: RUNN (did you mean RUN?)" in told


def test_a_dockerfile_that_is_not_there_is_said_as_docker_says_it(buildx: Buildx, tmp_path: Path) -> None:
    told = buildx.fails("build", "-f", str(tmp_path / "Other"), str(tmp_path))
    assert "failed to read dockerfile: open Other: no such file or directory" in told


def test_docker_s_build_checks_are_warnings_at_the_end(buildx: Buildx, tmp_path: Path) -> None:
    told = buildx.build(tmp_path, Dockerfile="FROM busybox as base\nRUN true\n")
    assert "1 warning found" in told
    assert "FromAsCasing" in told


def test_two_builds_at_once_hear_each_its_own_story(buildx: Buildx, tmp_path: Path) -> None:
    def build(word: str) -> str:
        return buildx.build(tmp_path / word, Dockerfile=f"FROM busybox\nRUN echo I am {word}; sleep 0.2\n")

    with ThreadPoolExecutor(2) as both:
        left, right = both.map(build, ("left", "right"))
    assert "I am left" in left and "I am right" not in left
    assert "I am right" in right and "I am left" not in right


def test_a_build_that_is_interrupted_ends_with_its_step(buildx: Buildx, tmp_path: Path) -> None:
    with start_long_step(buildx, tmp_path, "54321") as client:
        client.send_signal(signal.SIGINT)
        assert client.stderr is not None
        assert "context canceled" in client.stderr.read()
        assert client.wait(30) != 0
    assert not is_running("54321")


def test_the_step_of_a_client_that_was_killed_ends(buildx: Buildx, tmp_path: Path) -> None:
    with start_long_step(buildx, tmp_path, "65432") as client:
        client.kill()
    deadline = time.monotonic() + 20
    while is_running("65432"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_builds_leave_no_descriptors_behind(buildx: Buildx, tmp_path: Path) -> None:
    def count() -> int:
        return len(os.listdir(f"/proc/{buildx.server.pid}/fd"))

    buildx.build(tmp_path, Dockerfile="FROM busybox\nCOPY Dockerfile /\n")
    before = count()
    for _ in range(3):
        buildx.build(tmp_path, f"--output={tmp_path / 'out'}")
    assert count() <= before
