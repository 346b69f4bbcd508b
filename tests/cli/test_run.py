"""`capas run` and `capas create`, as docker's users type them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.terminal import PROGRAM, Terminal

pytestmark = [pytest.mark.root, pytest.mark.peer("crun")]


def run(capas: Terminal, *words: str, stdin: bytes | None = None, **environ: str) -> str:
    return capas.ok("run", "--rm", *words, stdin=stdin, **environ).strip()


def test_a_command_prints_and_its_container_is_gone(capas: Terminal) -> None:
    assert run(capas, "busybox", "echo", "hello") == "hello"
    assert capas.ok("ps", "-aq") == ""


def test_streams_stay_apart(capas: Terminal) -> None:
    done = capas.run("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["busybox", "sh", "-c", "exit 7"], 7),
        (["busybox", "sh", "-c", "(sleep 1; :) & kill -9 $!; wait $!"], 137),
        (["busybox", "no-such-command"], 127),
        (["busybox", "/etc/passwd"], 126),
        (["--pull", "never", "no-such-image", "true"], 125),
        (["--no-such-flag", "busybox"], 125),
        (["-m", "much", "busybox", "true"], 125),
        (["--restart", "sometimes", "busybox", "true"], 125),
        (["--network", "nowhere", "busybox", "true"], 125),
        (["-v", "/a:/b:/c:/d", "busybox", "true"], 125),
        (["Upper/Case", "true"], 125),
    ],
)
def test_exit_codes_are_docker_s_and_nothing_is_left(capas: Terminal, words: list[str], code: int) -> None:
    done = capas.run("run", "--rm", *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert capas.ok("ps", "-aq") == ""


def test_options_end_at_the_image(capas: Terminal) -> None:
    assert run(capas, "busybox", "echo", "-e", "--rm", "-d") == "--rm -d"


def test_variables_come_from_flags_files_here_and_the_image(capas: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment\nA=from file\nB=file\nHERE\n\n")
    words = ["--env-file", str(file), "-e", "B=flag", "-e", "NOT_SET", "busybox"]
    out = run(capas, *words, "sh", "-c", "echo $A/$B/$HERE/$FROM_IMAGE/${NOT_SET-unset}", HERE="here")
    assert out == "from file/flag/here/yes/unset"


def test_user_directory_host_name_and_group_are_set(capas: Terminal) -> None:
    words = ["-u", "nobody:daemon", "-w", "/made/for/it", "-h", "hal", "--group-add", "mail", "busybox"]
    assert run(capas, *words, "sh", "-c", "id -un; id -G; pwd; hostname").split() == [
        "nobody", "1", "8", "/made/for/it", "hal",
    ]  # fmt: skip


def test_the_entrypoint_can_be_replaced_and_takes_the_image_s_command_with_it(capas: Terminal) -> None:
    assert run(capas, "--entrypoint", "echo", "busybox", "a", "b") == "a b"
    done = capas.run("run", "--rm", "--entrypoint", "", "busybox")
    assert (done.returncode, "no command" in done.stderr) == (125, True)


def test_standard_input_is_read_with_i_only(capas: Terminal) -> None:
    assert run(capas, "-i", "busybox", "cat", stdin=b"given") == "given"
    assert run(capas, "busybox", "cat", stdin=b"given") == ""


def test_a_terminal_is_refused_where_there_is_none(capas: Terminal) -> None:
    done = capas.run("run", "--rm", "-it", "busybox", "true")
    assert done.returncode == 1
    assert "not a terminal" in done.stderr


def test_mounts_are_seen_and_written_through(capas: Terminal, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("from here")
    words = ["-v", f"{tmp_path}:/data", "-v", "kept:/keep", "--tmpfs", "/scratch:size=1m", "--mount",
             f"type=bind,source={tmp_path},target=/again,readonly"]  # fmt: skip
    script = "cat /data/in; echo out > /data/out; echo k > /keep/k; touch /scratch/s; touch /again/x || echo refused"
    done = capas.run("run", "--rm", *words, "busybox", "sh", "-c", script)
    assert done.stdout == "from hererefused\n"
    assert (tmp_path / "out").read_text() == "out\n"
    assert run(capas, "-v", "kept:/keep", "busybox", "cat", "/keep/k") == "k"


def test_a_relative_path_is_mounted_from_where_one_stands(capas: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    command = [PROGRAM, "run", "--rm", "-v", "./file:/file", "busybox", "cat", "/file"]
    environ = {"PATH": os.environ["PATH"], "CAPAS_ROOT": f"{capas.root}/store", "CAPAS_RUN_ROOT": f"{capas.root}/run"}
    assert subprocess.check_output(command, cwd=tmp_path, env=environ) == b"here"


def test_a_read_only_tree_cannot_be_written(capas: Terminal) -> None:
    assert run(capas, "--read-only", "busybox", "sh", "-c", "touch /x 2>/dev/null || echo no") == "no"


def test_limits_are_set(capas: Terminal) -> None:
    script = "ulimit -n; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true"
    words = ["-m", "32m", "--ulimit", "nofile=100:200", "--pids-limit", "50", "--cpus", "0.5", "busybox"]
    assert run(capas, *words, "sh", "-c", script).split() == ["100", str(32 * 1024 * 1024)]


def test_hosts_and_name_servers_are_given(capas: Terminal) -> None:
    words = ["--add-host", "far:10.1.2.3", "--dns", "10.9.8.7", "busybox", "cat", "/etc/hosts", "/etc/resolv.conf"]
    out = run(capas, *words)
    assert "10.1.2.3\tfar" in out
    assert "nameserver 10.9.8.7" in out


def test_no_network_has_loopback_only(capas: Terminal) -> None:
    assert run(capas, "--network", "none", "busybox", "ls", "/sys/class/net") == "lo"


def test_a_name_is_taken_once(capas: Terminal) -> None:
    first = capas.ok("create", "--name", "mine", "busybox", "true").strip()
    done = capas.run("create", "--name", "mine", "busybox", "true")
    assert (done.returncode, "in use" in done.stderr) == (1, True)
    assert capas.ok("ps", "-aq", "--no-trunc").split() == [first]


def test_an_id_file_is_written_and_never_written_over(capas: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "cid"
    container = capas.ok("create", "--cidfile", str(file), "busybox", "true").strip()
    assert file.read_text() == container
    done = capas.run("run", "--cidfile", str(file), "busybox", "true")
    assert (done.returncode, "is there already" in done.stderr) == (125, True)


def test_capabilities_are_docker_s_and_can_be_changed(capas: Terminal) -> None:
    def effective(*words: str) -> int:
        return int(run(capas, *words, "busybox", "grep", "CapEff", "/proc/self/status").split()[1], 16)

    assert effective() == 0xA80425FB
    assert effective("--cap-drop", "all", "--cap-add", "NET_BIND_SERVICE") == 1 << 10


def test_ctrl_c_ends_the_container_and_leaves_nothing(capas: Terminal, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "CAPAS_ROOT": f"{capas.root}/store", "CAPAS_RUN_ROOT": f"{capas.root}/run"}
    command = [
        PROGRAM,
        "run",
        "--rm",
        "busybox",
        "sh",
        "-c",
        "trap 'echo caught; exit 3' INT; echo up; while :; do sleep 0.1; done",
    ]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b"caught\n"
        assert process.wait(30) == 3
        assert b"Traceback" not in process.stderr.read()
    assert capas.ok("ps", "-aq") == ""


def test_a_detached_container_prints_its_id_and_lives_on(capas: Terminal) -> None:
    container = capas.ok("run", "-d", "--name", "on", "busybox", "sleep", "100").strip()
    assert capas.ok("ps", "-q", "--no-trunc").split() == [container]
    assert json.loads(capas.ok("inspect", "on"))[0]["State"]["Running"] is True


def test_a_detached_container_that_is_to_be_removed_goes_by_itself(capas: Terminal) -> None:
    capas.ok("run", "-d", "--rm", "busybox", "true")
    deadline = time.monotonic() + 30
    while capas.ok("ps", "-aq") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert capas.ok("ps", "-aq") == ""


def test_a_published_port_answers(capas: Terminal) -> None:
    from urllib.request import urlopen

    words = ["-d", "--name", "web", "-p", "127.0.0.1:0:80", "busybox"]
    capas.ok("run", *words, "sh", "-c", "mkdir /www; echo served > /www/index.html; httpd -f -h /www -p 80")
    ports = json.loads(capas.ok("inspect", "-f", "{{json .NetworkSettings.Ports}}", "web"))
    port = ports["80/tcp"][0]["HostPort"]
    assert f"127.0.0.1:{port}->80/tcp" in capas.ok("ps")
    deadline = time.monotonic() + 20
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                assert answer.read() == b"served\n"
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_hot_path_loads_nothing_heavy(capas: Terminal) -> None:
    program = (
        "import sys; sys.argv = ['capas', 'run', '--rm', 'busybox', 'true']\n"
        "from capas.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as left:\n    assert left.code == 0\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    environ = {"PATH": os.environ["PATH"], "CAPAS_ROOT": f"{capas.root}/store", "CAPAS_RUN_ROOT": f"{capas.root}/run"}
    done = subprocess.run([PROGRAM.with_name("python"), "-c", program], env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not {"rich", "urllib3", "ssl", "asyncio", "msgspec", "http.client", "tarfile"} & set(done.stderr.split())
