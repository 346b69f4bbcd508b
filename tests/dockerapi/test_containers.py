"""docker's own client makes, runs, looks at and ends containers of Capas."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from support.docker import Docker, Server
from support.docker_load import ask

pytestmark = pytest.mark.root


def test_run_prints_what_the_container_prints_and_ends_with_its_code(docker: Docker) -> None:
    done = docker.run("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    assert docker.ok("ps", "-aq") == ""


def test_input_goes_in_until_it_ends(docker: Docker) -> None:
    assert docker.ok("run", "--rm", "-i", "busybox", "cat", stdin=b"one\ntwo\n") == "one\ntwo\n"


def test_large_output_arrives_whole(docker: Docker) -> None:
    out = docker.ok("run", "--rm", "busybox", "seq", "1", "200000")
    assert out == "".join(f"{number}\n" for number in range(1, 200_001))


def test_a_command_that_is_not_there_is_127(docker: Docker) -> None:
    done = docker.run("run", "--rm", "busybox", "nosuch")
    assert done.returncode == 127
    assert "nosuch" in done.stderr


def test_options_reach_the_container(docker: Docker) -> None:
    options = ["-e", "COLOUR=red", "-w", "/tmp", "-u", "1", "--hostname", "box", "--read-only", "--cap-drop", "ALL"]
    out = docker.ok(
        "run", "--rm", *options, "busybox", "sh", "-c", "echo $COLOUR $(pwd) $(id -u) $(hostname); touch /x || true"
    )
    assert out == "red /tmp 1 box\n"


def test_a_field_that_capas_does_not_have_is_refused_by_name(docker: Docker) -> None:
    done = docker.run("run", "--rm", "--blkio-weight", "300", "busybox", "true")
    assert done.returncode == 125
    assert "HostConfig.BlkioWeight" in done.stderr


def test_an_image_that_is_not_here_is_a_404_and_then_a_pull(docker: Docker) -> None:
    done = docker.run("run", "--rm", "127.0.0.1:1/nowhere", "true")
    assert done.returncode == 125
    assert "Unable to find image" in done.stderr


def test_exec_runs_beside_the_first_process(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sleep", "100")
    assert docker.ok("exec", "-e", "A=1", "box", "sh", "-c", "echo $A") == "1\n"
    assert docker.ok("exec", "-i", "box", "cat", stdin=b"through\n") == "through\n"
    assert docker.run("exec", "box", "sh", "-c", "exit 5").returncode == 5
    missing = docker.run("exec", "box", "nosuch")
    assert missing.returncode == 126 and "nosuch" in missing.stdout  # as docker: it has begun to answer by then


def test_exec_with_a_terminal_has_one(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sleep", "100")
    assert docker.ok("exec", "-t", "box", "tty").startswith("/dev/pts/")


def test_logs_are_kept_followed_and_cut(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.2; done")
    assert docker.ok("logs", "-f", "box") == "line 1\nline 2\nline 3\n"
    assert docker.ok("logs", "--tail", "1", "box") == "line 3\n"
    stamp, _, text = docker.ok("logs", "-t", "--tail", "1", "box").partition(" ")
    assert text == "line 3\n" and stamp.startswith("20")


def test_a_name_in_use_is_a_conflict(docker: Docker) -> None:
    docker.ok("create", "--name", "box", "busybox", "true")
    assert "in use" in docker.fails("create", "--name", "box", "busybox", "true")


def test_ps_lists_filters_and_formats(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "on", "--label", "kind=test", "busybox", "sleep", "100")
    docker.ok("run", "--name", "off", "busybox", "true")
    assert docker.ok("ps", "--format", "{{.Names}}") == "on\n"
    assert docker.ok("ps", "-a", "--filter", "status=exited", "--format", "{{.Names}} {{.State}}") == "off exited\n"
    assert docker.ok("ps", "--filter", "label=kind=test", "-q") != ""


def test_stop_kill_restart_wait_and_rename_do_what_they_say(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sleep", "100")
    docker.ok("restart", "-t", "0", "box")
    assert docker.ok("inspect", "-f", "{{.State.Running}}", "box") == "true\n"
    docker.ok("kill", "box")
    assert docker.ok("wait", "box") == "137\n"
    docker.ok("start", "box")
    docker.ok("stop", "-t", "0", "box")
    docker.ok("rename", "box", "other")
    assert docker.ok("inspect", "-f", "{{.Name}} {{.State.Status}}", "other") == "/other exited\n"


def test_a_restart_keeps_one_that_is_removed_with_its_end(docker: Docker) -> None:
    docker.ok("run", "-d", "--rm", "--name", "box", "busybox", "sh", "-c", "echo begun; exec sleep 100")
    docker.ok("restart", "-t", "0", "box")
    docker.ok("restart", "-t", "0", "box")
    assert docker.ok("inspect", "-f", "{{.State.Running}} {{.HostConfig.AutoRemove}}", "box") == "true true\n"
    assert docker.ok("logs", "box").splitlines() == ["begun"] * 3
    docker.ok("kill", "box")
    deadline = time.monotonic() + 60
    while docker.ok("ps", "-aq"):
        assert time.monotonic() < deadline


def test_pause_holds_and_unpause_lets_go(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", "while sleep 0.05; do echo tick; done")
    docker.ok("pause", "box")
    assert docker.ok("ps", "--format", "{{.State}}") == "paused\n"
    held = docker.ok("logs", "box")
    assert docker.ok("logs", "box") == held
    docker.ok("unpause", "box")
    assert docker.ok("inspect", "-f", "{{.State.Paused}}", "box") == "false\n"


def test_top_and_stats_show_what_runs(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "box", "-m", "64m", "busybox", "sleep", "100")
    assert "sleep 100" in docker.ok("top", "box")
    found = json.loads(docker.ok("stats", "--no-stream", "--format", "json", "box"))
    assert found["Name"] == "box" and found["PIDs"] == "1" and found["MemUsage"].endswith("/ 64MiB")


def test_update_changes_a_running_containers_limit(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sleep", "100")
    docker.ok("update", "-m", "32m", "--memory-swap", "32m", "box")
    assert docker.ok("stats", "--no-stream", "--format", "{{.MemUsage}}", "box").endswith("/ 32MiB\n")


def test_files_go_in_and_out(docker: Docker, tmp_path: Path) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sleep", "100")
    (tmp_path / "in").write_text("carried")
    docker.ok("cp", str(tmp_path / "in"), "box:/tmp/in")
    assert docker.ok("exec", "box", "cat", "/tmp/in") == "carried"
    docker.ok("cp", "box:/tmp/in", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "carried"
    assert "A /tmp/in" in docker.ok("diff", "box")


def test_commit_makes_an_image_of_it(docker: Docker) -> None:
    docker.ok("run", "--name", "box", "busybox", "sh", "-c", "echo kept > /kept")
    docker.ok("commit", "-c", "CMD cat /kept", "box", "kept:1")
    assert docker.ok("run", "--rm", "kept:1") == "kept\n"


def test_a_published_port_answers(docker: Docker) -> None:
    script = "mkdir -p /www && echo served > /www/index.html && httpd -f -p 80 -h /www"
    docker.ok("run", "-d", "--name", "box", "-p", "127.0.0.1::80", "busybox", "sh", "-c", script)
    address = docker.ok("port", "box", "80").strip()
    deadline = time.monotonic() + 20
    import urllib.error
    import urllib.request

    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
                assert answer.read() == b"served\n"
            return
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_volumes_are_made_used_listed_and_removed(docker: Docker) -> None:
    docker.ok("volume", "create", "kept")
    docker.ok("run", "--rm", "-v", "kept:/data", "busybox", "sh", "-c", "echo there > /data/f")
    assert docker.ok("run", "--rm", "-v", "kept:/data:ro", "busybox", "cat", "/data/f") == "there\n"
    assert docker.ok("volume", "ls", "-q") == "kept\n"
    docker.ok("volume", "rm", "kept")
    assert "no such volume" in docker.fails("volume", "inspect", "kept")


def test_events_tell_a_life(docker: Docker) -> None:
    docker.ok("run", "--name", "box", "busybox", "true")
    docker.ok("rm", "box")
    soon = str(int(time.time()) + 1)
    told = docker.ok(
        "events", "--since", "30s", "--until", soon, "--filter", "container=box", "--format", "{{.Action}}"
    )
    assert told.split()[-5:] == ["create", "attach", "start", "die", "destroy"]


def test_containers_outlive_the_server_and_are_found_again(docker: Docker, server: Server) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", "while sleep 0.05; do echo tick; done")
    server.stop(signal.SIGKILL)
    server.start()
    assert docker.ok("inspect", "-f", "{{.State.Running}}", "box") == "true\n"
    docker.ok("rm", "-f", "box")


def test_the_socket_is_for_its_owner_and_group(docker: Docker) -> None:
    assert os.stat(docker.socket).st_mode & 0o777 == 0o660


def test_a_client_that_is_attached_sees_what_comes(docker: Docker) -> None:
    docker.ok("run", "-d", "-i", "--name", "box", "busybox", "sh", "-c", "read line; echo got $line")
    client = docker.popen("attach", "box")
    out, _ = client.communicate(b"hello\n", timeout=30)
    assert b"got hello" in out
    assert docker.ok("wait", "box") == "0\n"


def test_create_start_and_attach_take_up_one_another(docker: Docker) -> None:
    docker.ok("create", "-i", "--name", "box", "busybox", "cat")
    client = docker.popen("start", "-a", "-i", "box")
    out, _ = client.communicate(b"echoed\n", timeout=30)
    assert out == b"echoed\n"
    assert client.returncode == 0


def test_a_restart_policy_brings_it_back(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "box", "--restart", "on-failure:2", "busybox", "sh", "-c", "echo run; exit 1")
    deadline = time.monotonic() + 30
    while docker.ok("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "box") != "2 exited\n":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert docker.ok("logs", "box") == "run\nrun\nrun\n"


def test_a_health_check_is_run_and_shown(docker: Docker) -> None:
    check = ["--health-cmd", "true", "--health-interval", "100ms", "--health-start-interval", "100ms"]
    docker.ok("run", "-d", "--name", "box", *check, "busybox", "sleep", "100")
    deadline = time.monotonic() + 30
    while "(healthy)" not in docker.ok("ps", "--format", "{{.Status}}"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert docker.ok("inspect", "-f", "{{.State.Health.Status}}", "box") == "healthy\n"


def test_a_network_is_made_joined_and_removed(docker: Docker) -> None:
    docker.ok("network", "create", "--label", "a=b", "team")
    docker.ok("run", "-d", "--name", "box", "--network", "team", "--network-alias", "db", "busybox", "sleep", "100")
    assert "1 packets received" in docker.ok("run", "--rm", "--network", "team", "busybox", "ping", "-c", "1", "db")
    assert docker.ok("network", "ls", "--filter", "label=a=b", "--format", "{{.Name}} {{.Driver}}") == "team bridge\n"
    assert "has active endpoints" in docker.fails("network", "rm", "team")
    docker.ok("rm", "-f", "box")
    docker.ok("network", "rm", "team")


def test_stats_tell_a_busy_container_from_an_idle_one(docker: Docker, server: Server) -> None:
    docker.ok(
        "run", "-d", "--name", "busy", "-m", "64m", "--network", "host", "busybox", "sh", "-c", "while :; do :; done"
    )
    docker.ok("run", "-d", "--name", "idle", "--pids-limit", "7", "busybox", "sleep", "100")
    form = "{{.Name}} {{.CPUPerc}} {{.PIDs}} {{.NetIO}}"
    shown = dict(line.split(" ", 1) for line in docker.ok("stats", "--no-stream", "--format", form).splitlines())
    percent, processes, network = shown["busy"].split(" ", 2)
    assert float(percent.rstrip("%")) > 5 > float(shown["idle"].split("%")[0])
    assert (processes, network) == ("1", "0B / 0B")  # the host's network is not its own
    busy, idle = (
        json.loads(ask(server.socket, "GET", f"/containers/{name}/stats?stream=0&one-shot=1").body)
        for name in ("busy", "idle")
    )
    spent = busy["cpu_stats"]["cpu_usage"]
    assert 0 < spent["usage_in_usermode"] <= spent["total_usage"] * 1.1
    assert busy["memory_stats"]["limit"] == 64 << 20
    assert (busy["pids_stats"], idle["pids_stats"]) == ({"current": 1}, {"current": 1, "limit": 7})
