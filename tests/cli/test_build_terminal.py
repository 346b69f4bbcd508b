"""`capas build` at a real terminal: a shell where a command failed, and Ctrl-C that leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.building import write_files
from support.pty import Person
from support.terminal import PROGRAM, Terminal

pytestmark = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.peer("busybox")]

FAILING = """\
FROM busybox
RUN echo before > /state
WORKDIR /work
ENV COLOR=green
USER nobody
RUN --mount=type=tmpfs,target=/mnt --mount=type=bind,target=/here echo one; echo two >&2; touch /tmp/half; exit 7
"""


def person(capas: Terminal, *words: str, size: tuple[int, int] = (24, 80)) -> Person:
    environ = {
        "PATH": os.environ["PATH"], "TERM": "xterm", "HOME": str(capas.root / "home"),
        "CAPAS_ROOT": str(capas.root / "store"), "CAPAS_RUN_ROOT": str(capas.root / "run"),
        "CAPAS_CONFIG": str(capas.root / "config.toml"), **capas.environ,
    }  # fmt: skip
    return Person([str(PROGRAM), *words], environ, size)


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_a_shell_opens_in_the_state_before_the_step(capas: Terminal, tmp_path: Path, runtime: str) -> None:
    write_files(tmp_path, {"Dockerfile": FAILING, "of-the-context": "x"})
    capas_of = capas._replace(environ={"CAPAS_RUNTIME": runtime})
    with person(capas_of, "build", "--on-error=shell", str(tmp_path)) as me:
        me.read_until("leave it with `exit`")
        me.read_until("$ ")
        me.type("echo :$(id -un),$PWD,$COLOR,$(cat /state),$(ls /tmp),$(ls /here),$(grep -c ' /mnt ' /proc/mounts):\n")
        me.read_until(":nobody,/work,green,before,,Dockerfile of-the-context,1:")
        me.type("stty size; tty -s && echo at-a''-terminal\n")
        me.read_until("24 80")
        me.read_until("at-a-terminal")
        me.type("exit\n")
        assert me.wait() == 7
        assert "failed with exit code 7" in me.seen
        assert me.is_as_before
    assert not list((capas.root / "run" / "steps").glob("build-*"))
    assert not list((capas.root / "store" / "snapshots").glob("*/active/build-*"))


def test_a_shell_needs_a_terminal(capas: Terminal, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": FAILING})
    assert "needs a terminal" in capas.fails("build", "--on-error=shell", str(tmp_path))


def test_an_image_without_a_shell_says_so(capas: Terminal, tmp_path: Path) -> None:
    text = 'FROM busybox AS b\nFROM scratch\nCOPY --from=b /bin/busybox /busybox\nRUN ["/busybox", "false"]\n'
    write_files(tmp_path, {"Dockerfile": text})
    with person(capas, "build", "--on-error=shell", str(tmp_path)) as me:
        assert me.wait() != 0
        assert "There is no shell" in me.seen
        assert "/busybox false failed with exit code 1" in me.seen or 'RUN ["/busybox", "false"]' in me.seen
        assert "Traceback" not in me.seen
        assert me.is_as_before


def test_the_last_lines_of_a_failed_step_are_shown_with_its_place(capas: Terminal, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN for i in $(seq 30); do echo line $i; done; exit 3\n"})
    said = capas.fails("build", "-q", str(tmp_path), code=3)
    assert "  │ line 30\n" in said
    assert "line 20\n" not in said
    assert "Dockerfile:2:1: RUN for i in" in said
    assert "failed with exit code 3\n2 | RUN for i" in said
    assert "\n  | ^^^" in said


def test_ctrl_c_ends_a_build_and_leaves_nothing(capas: Terminal, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN echo begun && sleep 4711\n"})
    with person(capas, "build", str(tmp_path)) as me:
        me.read_until("begun")
        me.type("\x03")
        assert me.wait() == 130
        assert "interrupted" in me.seen
        assert "Traceback" not in me.seen
        assert me.seen.count("\x1b[?25h") >= me.seen.count("\x1b[?25l")  # the cursor is back
        assert "^C" not in me.seen
        assert me.is_as_before
    assert subprocess.run(["pgrep", "-f", "sleep 4711"], capture_output=True).returncode == 1
    assert not list((capas.root / "run" / "steps").glob("build-*"))


def test_a_picture_is_drawn_at_a_terminal_and_its_last_state_stays(capas: Terminal, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN touch /made-at-a-terminal\n"})
    with person(capas, "build", str(tmp_path), size=(24, 60)) as me:
        assert me.wait() == 0
        last = me.seen[me.seen.rindex("[+] Building") :]
    assert "(2/2)" in last
    assert "=> [2/2] RUN touch /made-at-a-terminal" in last


def test_the_mode_comes_from_the_setting_where_no_flag_says_it(capas: Terminal, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN true\n"})
    done = capas.run("build", "--no-cache", str(tmp_path), CAPAS_PROGRESS="rawjson")
    assert done.stderr.startswith('{"vertexes":[{"digest":"sha256:')
    assert capas.run("build", "--no-cache", str(tmp_path), CAPAS_PROGRESS="quiet").stderr == ""
