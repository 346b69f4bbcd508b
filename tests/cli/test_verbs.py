"""docker's verbs of a running container: pause, restart, update, port, top, stats."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time

import pytest

from support.pty import Person
from support.terminal import PROGRAM, Terminal

pytestmark = [pytest.mark.root, pytest.mark.peer("crun")]


def sleeper(capas: Terminal, name: str, *words: str) -> None:
    capas.ok("run", "-d", "--name", name, *words, "busybox", "sleep", "1000")


def told(capas: Terminal, name: str, field: str) -> str:
    return capas.ok("inspect", "-f", "{{" + field + "}}", name).strip()


def test_pause_holds_and_unpause_lets_go(capas: Terminal) -> None:
    sleeper(capas, "one", "--network", "none")
    assert capas.ok("pause", "one") == "one\n"
    assert "(Paused)" in capas.ok("ps", "--format", "{{.Status}}")
    assert "already paused" in capas.fails("pause", "one")
    assert capas.ok("unpause", "one") == "one\n"
    assert told(capas, "one", ".State.Paused") == "false"
    assert "not paused" in capas.fails("unpause", "one")


@pytest.mark.parametrize("words", [("rm", "-f"), ("stop", "-t", "1"), ("kill",)])
def test_what_is_paused_can_be_ended(capas: Terminal, words: tuple[str, ...]) -> None:
    sleeper(capas, "held", "--network", "none")
    capas.ok("pause", "held")
    assert capas.ok(*words, "held") == "held\n"
    assert capas.ok("ps", "-q") == ""


def test_restart_is_a_new_start_of_the_same(capas: Terminal) -> None:
    sleeper(capas, "again", "--network", "none")
    before = told(capas, "again", ".State.Pid")
    assert capas.ok("restart", "-t", "0", "again") == "again\n"
    assert told(capas, "again", ".State.Running") == "true"
    assert told(capas, "again", ".State.Pid") != before
    capas.ok("kill", "again")
    capas.ok("container", "restart", "again")
    assert told(capas, "again", ".State.Running") == "true"
    assert "nobody" in capas.fails("restart", "nobody")


def test_one_that_is_removed_with_its_end_outlives_a_restart_and_not_the_next_end(capas: Terminal) -> None:
    sleeper(capas, "again", "--network", "none", "--rm")
    before = told(capas, "again", ".State.Pid")
    for _ in range(3):
        assert capas.ok("restart", "-t", "0", "again") == "again\n"
    assert told(capas, "again", ".State.Running") == "true"
    assert told(capas, "again", ".State.Pid") != before
    capas.ok("stop", "-t", "0", "again")
    deadline = time.monotonic() + 60
    while "again" in capas.ok("ps", "-a"):  # its keeper removes it after the end that we have seen
        assert time.monotonic() < deadline


def test_update_changes_limits_and_the_policy_and_nothing_else(capas: Terminal) -> None:
    sleeper(capas, "grown", "--network", "none", "-m", "32m", "--cpus", "0.5")
    assert capas.ok("update", "-m", "64m", "--restart", "on-failure:2", "grown") == "grown\n"
    assert told(capas, "grown", ".HostConfig.Memory") == str(64 << 20)
    assert told(capas, "grown", ".HostConfig.NanoCpus") == "500000000"
    assert told(capas, "grown", ".HostConfig.RestartPolicy.Name") == "on-failure"
    assert "not a restart policy" in capas.fails("update", "--restart", "sometimes", "grown")


def test_port_shows_what_is_published_as_docker_does(capas: Terminal) -> None:
    sleeper(capas, "open", "-p", "127.0.0.1::80", "-p", "127.0.0.1::53/udp")
    shown = capas.ok("port", "open")
    assert re.fullmatch(r"53/udp -> 127\.0\.0\.1:\d+\n80/tcp -> 127\.0\.0\.1:\d+\n", shown)
    assert shown.endswith(f"80/tcp -> {capas.ok('port', 'open', '80')}")
    assert capas.ok("port", "open", "80/tcp") == capas.ok("port", "open", "80")
    assert "no public port '99'" in capas.fails("port", "open", "99")


def test_top_has_the_columns_of_ps(capas: Terminal) -> None:
    sleeper(capas, "busy", "--network", "none")
    heading, row = capas.ok("top", "busy").splitlines()
    assert heading.split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert row.split()[0] == "root"
    assert row.endswith("sleep 1000")
    assert capas.ok("top", "busy", "-ef").splitlines()[1] == row
    capas.ok("kill", "busy")
    assert "not running" in capas.fails("top", "busy")


def test_stats_have_dockers_columns_and_formats(capas: Terminal) -> None:
    sleeper(capas, "seen", "--network", "none", "-m", "32m")
    capas.ok("create", "--name", "idle", "busybox", "true")
    heading, row = capas.ok("stats", "--no-stream").splitlines()
    columns = ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"]
    assert re.split(r"\s{3,}", heading) == columns
    cells = re.split(r"\s{3,}", row)
    assert cells[1] == "seen"
    assert cells[3].endswith(" / 32MiB")
    assert cells[7] == "1"
    both = [json.loads(line) for line in capas.ok("stats", "-a", "--no-stream", "--format", "json").splitlines()]
    assert {one["Name"]: one["PIDs"] for one in both} == {"seen": "1", "idle": "0"}
    assert capas.ok("stats", "--no-stream", "--format", "{{.Name}}: {{.MemUsage}}", "idle") == "idle: 0B / 0B\n"
    assert "nobody" in capas.fails("stats", "--no-stream", "nobody")


def test_stats_at_a_terminal_are_drawn_over_and_left_by_ctrl_c(capas: Terminal) -> None:
    sleeper(capas, "shown", "--network", "none")
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(capas.root / "home"), "CAPAS_ROOT": str(capas.root / "store"),
        "CAPAS_RUN_ROOT": str(capas.root / "run"), "CAPAS_CONFIG": str(capas.root / "config.toml"),
    }  # fmt: skip
    with Person([str(PROGRAM), "stats"], environ) as one:
        one.read_until("\x1b[HCONTAINER ID")
        one.read_until("shown")
        one.read_until("\x1b[HCONTAINER ID")
        one.type("\x03")
        assert one.wait() == 0


def test_every_verb_of_dockers_containers_is_there(capas: Terminal) -> None:
    said = subprocess.run(["docker", "container", "--help"], capture_output=True, text=True, check=True).stdout
    verbs = set(re.findall(r"^  ([a-z]+) {2,}\S", said.partition("Commands:")[2], re.MULTILINE))
    assert len(verbs) > 20
    ours = capas.ok("container", "--help")
    assert [verb for verb in sorted(verbs) if not re.search(rf"^  {verb} ", ours, re.MULTILINE)] == []
    main = capas.ok("--help")
    assert [verb for verb in sorted(verbs - {"ls", "prune"}) if not re.search(rf"^  {verb} ", main, re.MULTILINE)] == []
