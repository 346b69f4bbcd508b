"""A person at a container's terminal: joins it, leaves it by keys, comes back; what happens when the terminal goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from capas.run.pump import set_size
from support.containers import parent_of
from support.pty import Person
from support.terminal import PROGRAM, Terminal

pytestmark = [pytest.mark.root, pytest.mark.peer("crun")]
KEYS = "\x10\x11"


def person(capas: Terminal, *words: str, size: tuple[int, int] = (24, 80)) -> Person:
    return Person([str(PROGRAM), *words], environ_of(capas), size)


def environ_of(capas: Terminal) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "HOME": str(capas.root / "home"), "CAPAS_ROOT": str(capas.root / "store"),
        "CAPAS_RUN_ROOT": str(capas.root / "run"), "CAPAS_CONFIG": str(capas.root / "config.toml"),
    }  # fmt: skip


def shell(capas: Terminal, name: str, *words: str) -> None:
    """A shell with a terminal that nobody is at."""
    capas.ok("run", "-dit", "--name", name, "--network", "none", *words, "busybox", "sh")


def is_running(capas: Terminal, name: str) -> bool:
    return capas.ok("inspect", "-f", "{{.State.Running}}", name).strip() == "true"


def until(test: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not test():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_who_leaves_by_the_keys_can_come_back_to_what_they_left(capas: Terminal) -> None:
    with person(capas, "run", "-it", "--name", "left", "--network", "none", "busybox", "sh") as first:
        first.read_until("/ #")
        first.type("here=still\r")
        first.read_until("/ #")
        first.type(KEYS)
        assert first.wait() == 0
        assert first.is_as_before
    with person(capas, "attach", "left") as second:
        second.type("echo $here there\r")
        second.read_until("still there")
        second.type("exit 7\r")
        assert second.wait() == 7


def test_who_leaves_an_attach_is_told_so_as_by_docker(capas: Terminal) -> None:
    shell(capas, "stays")
    with person(capas, "attach", "--detach-keys", "ctrl-x,q", "stays") as one:
        one.type("\r")
        one.read_until("/ #")
        one.type("\x18q")
        assert one.wait() == 1
        assert "read escape sequence" in one.seen
    assert is_running(capas, "stays")


def test_the_keys_are_those_of_dockers_config(capas: Terminal, tmp_path: Path) -> None:
    config = capas.root / "home/.docker/config.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps({"detachKeys": "ctrl-a,d"}))
    shell(capas, "mine")
    try:
        with person(capas, "exec", "-it", "mine", "sh") as one:
            one.read_until("/ #")
            one.type("\x01d")
            assert one.wait() == 1
    finally:
        config.unlink()


def test_keys_that_are_none_are_refused(capas: Terminal) -> None:
    shell(capas, "any")
    assert "invalid detach keys (xyz)" in capas.fails("attach", "--detach-keys", "xyz", "any")


def test_a_started_terminal_can_be_left_too(capas: Terminal) -> None:
    capas.ok("create", "-it", "--name", "made", "--network", "none", "busybox", "sh")
    with person(capas, "start", "-ai", "made", size=(33, 99)) as one:
        one.read_until("/ #")
        one.type("stty size\r")
        one.read_until("33 99")
        one.type(KEYS)
        assert one.wait() == 0
    assert is_running(capas, "made")


def test_the_size_follows_whoever_is_attached(capas: Terminal) -> None:
    shell(capas, "sized")
    with person(capas, "attach", "sized", size=(31, 101)) as one:
        one.type('until test "$(stty size)" = "31 101"; do :; done; echo fol""lowed\r')
        one.read_until("followed")
        set_size(one.fd, (40, 120))
        one.type('until test "$(stty size)" = "40 120"; do :; done; echo a""gain\r')
        one.read_until("again")
        one.type(KEYS)
        one.wait()


@pytest.mark.parametrize("verb", ["run", "attach"])
def test_a_client_that_is_killed_leaves_the_container_running(capas: Terminal, verb: str) -> None:
    words = (
        ["run", "-it", "--name", "torn", "--network", "none", "busybox", "sh"] if verb == "run" else ["attach", "torn"]
    )
    if verb == "attach":
        shell(capas, "torn")
    with person(capas, *words) as one:
        one.type("\r")
        one.read_until("/ #")
        one.process.kill()
        one.process.wait()
    assert is_running(capas, "torn")
    with person(capas, "attach", "torn") as other:
        other.type("echo al''ive\r")
        other.read_until("alive")
        other.type("exit\r")
        assert other.wait() == 0


def test_a_terminal_that_is_closed_is_a_hangup_inside(capas: Terminal) -> None:
    script = "trap 'exit 5' HUP; echo up; while :; do sleep 0.05; done"
    with person(capas, "run", "-it", "--name", "hung", "--network", "none", "busybox", "sh", "-c", script) as one:
        one.read_until("up")
        one.process.send_signal(signal.SIGHUP)  # what the kernel sends when a terminal is closed
        assert one.wait() == 5


def test_nothing_spins_once_the_terminal_is_gone(capas: Terminal) -> None:
    with person(capas, "run", "-it", "--name", "quiet", "--network", "none", "busybox", "sh") as one:
        one.read_until("/ #")
        one.process.kill()
    pid = int(capas.ok("inspect", "-f", "{{.State.Pid}}", "quiet"))
    runtime = parent_of(pid)
    watched = (pid, runtime, parent_of(runtime))
    before = [spent(each) for each in watched]
    time.sleep(1)
    assert [spent(each) - start < 0.3 for each, start in zip(watched, before, strict=True)] == [True] * 3


def spent(pid: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_what_is_not_attached_is_not_shown(capas: Terminal) -> None:
    words = ["run", "-it", "-a", "stdin", "--name", "mute", "--network", "none", "busybox", "echo", "said"]
    with person(capas, *words) as one:
        assert one.wait() == 0
        assert "said" not in one.seen
    assert capas.ok("logs", "mute") == "said\r\n"


def test_pipes_can_be_attached_to(capas: Terminal) -> None:
    capas.ok("run", "-di", "--name", "cat", "--network", "none", "busybox", "cat")
    done = subprocess.Popen(
        [PROGRAM, "attach", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ_of(capas)
    )
    assert done.stdin is not None and done.stdout is not None
    done.stdin.write(b"through\n")
    done.stdin.flush()
    assert done.stdout.readline() == b"through\n"
    capas.ok("kill", "cat")
    assert done.wait(30) == 137
    done.stdin.close()
    done.stdout.close()


def test_one_that_does_not_run_cannot_be_attached_to(capas: Terminal) -> None:
    capas.ok("create", "--name", "still", "busybox", "sh")
    assert "still" in capas.fails("attach", "still")
    shell(capas, "held")
    capas.ok("pause", "held")
    assert "unpause" in capas.fails("attach", "held")


def test_the_foreground_stays_over_restarts_to_the_last_end(capas: Terminal) -> None:
    script = "echo run; exit 3"
    done = capas.run(
        "run", "--name", "again", "--restart", "on-failure:2", "--network", "none", "busybox", "sh", "-c", script
    )
    assert (done.returncode, done.stdout) == (3, "run\nrun\nrun\n")
    assert capas.ok("inspect", "-f", "{{.RestartCount}}", "again").strip() == "2"
