"""The verbs on containers, as docker's users type them."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from support.terminal import Terminal

pytestmark = [pytest.mark.root, pytest.mark.peer("crun")]


def sleeper(capas: Terminal, name: str, *words: str) -> str:
    return capas.ok("run", "-d", "--name", name, *words, "busybox", "sleep", "1000").strip()


def ended(capas: Terminal, name: str, script: str, *words: str) -> str:
    capas.run("run", "--name", name, *words, "busybox", "sh", "-c", script)
    return name


def names(capas: Terminal, *words: str) -> list[str]:
    return capas.ok("ps", "--format", "{{.Names}}", *words).split()


# ps


def test_ps_has_docker_s_columns(capas: Terminal) -> None:
    container = sleeper(capas, "one")
    heading, row = capas.ok("ps").splitlines()
    assert re.split(r"\s{2,}", heading) == ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    cells = re.split(r"\s{2,}", row)
    assert cells[:3] == [container[:12], "busybox", '"sleep 1000"']
    assert cells[4].startswith(("Up ", "Less"))
    assert cells[-2:] == ["80/tcp", "one"]


def test_ps_shows_what_ended_only_when_asked(capas: Terminal) -> None:
    ended(capas, "over", "exit 5")
    assert names(capas) == []
    assert names(capas, "-a") == names(capas, "-l") == names(capas, "-n", "3") == ["over"]
    assert capas.ok("ps", "-a", "--format", "{{.Status}}").startswith("Exited (5) ")


def test_ps_filters_as_docker_does(capas: Terminal) -> None:
    ended(capas, "over", "exit 5", "-l", "kind=old")
    capas.ok("create", "--name", "fresh", "-v", "box:/box", "busybox", "true")
    running = sleeper(capas, "alive", "-l", "kind=new", "--network", "none")
    for words, expected in {
        ("name=^ali",): ["alive"], ("status=exited",): ["over"], ("status=created", "status=exited"): ["fresh", "over"],
        ("exited=5",): ["over"], ("exited=0",): [], ("label=kind",): ["alive", "over"], ("label=kind=old",): ["over"],
        ("volume=box",): ["fresh"], ("volume=/box",): ["fresh"], ("network=none",): ["alive"],
        (f"id={running[:12]}",): ["alive"], ("before=fresh",): ["over"], ("since=over",): ["alive", "fresh"],
        ("ancestor=busybox", "status=running"): ["alive"],
    }.items():  # fmt: skip
        filters = [part for word in words for part in ("--filter", word)]
        assert names(capas, "-a", *filters) == expected, words


def test_a_filter_that_is_none_says_which_there_are(capas: Terminal) -> None:
    ended(capas, "over", "true")
    done = capas.run("ps", "--filter", "colour=red")
    assert (done.returncode, "filters are: ancestor" in done.stderr) == (1, True)


def test_ps_prints_ids_json_and_sizes(capas: Terminal) -> None:
    ended(capas, "over", "dd if=/dev/zero of=/big bs=1024 count=100")
    container = capas.ok("ps", "-aq").strip()
    row = json.loads(capas.ok("ps", "-a", "--format", "json"))
    assert (row["ID"], row["Names"], row["State"], row["Image"]) == (container, "over", "exited", "busybox")
    assert "SIZE" in capas.ok("ps", "-as").splitlines()[0]
    assert capas.ok("ps", "-a", "--format", "{{.Size}}").strip().endswith("kB")


# to life and to an end


def test_stop_uses_the_stop_signal_and_start_starts_again(capas: Terminal) -> None:
    script = "trap 'exit 4' USR1; echo up; while :; do sleep 0.05; done"
    capas.ok("run", "-d", "--name", "one", "--stop-signal", "USR1", "busybox", "sh", "-c", script)
    while "up" not in capas.ok("logs", "one"):
        pass
    assert capas.ok("stop", "one") == "one\n"
    assert capas.ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "one") == "exited 4\n"
    assert capas.ok("start", "one") == "one\n"
    assert names(capas) == ["one"]


def test_stop_loses_patience(capas: Terminal) -> None:
    capas.ok("run", "-d", "--name", "one", "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    capas.ok("stop", "-t", "0", "one")
    assert capas.ok("wait", "one") == "137\n"


def test_kill_and_wait(capas: Terminal) -> None:
    sleeper(capas, "one")
    assert capas.ok("kill", "one") == "one\n"
    assert capas.ok("wait", "one") == "137\n"
    done = capas.run("kill", "one")
    assert (done.returncode, "not running" in done.stderr) == (1, True)


def test_start_attached_passes_output_and_exit_code_on(capas: Terminal) -> None:
    capas.ok("create", "--name", "one", "-i", "busybox", "sh", "-c", "cat; exit 6")
    done = capas.run("start", "-ai", "one", stdin=b"through")
    assert (done.returncode, done.stdout) == (6, "through")


def test_rename(capas: Terminal) -> None:
    capas.ok("create", "--name", "one", "busybox", "true")
    capas.ok("rename", "one", "two")
    assert names(capas, "-a") == ["two"]


def test_rm_goes_on_after_what_cannot_go(capas: Terminal) -> None:
    sleeper(capas, "busy")
    ended(capas, "over", "true")
    done = capas.run("rm", "busy", "nobody", "over")
    assert (done.returncode, done.stdout) == (1, "over\n")
    assert "is running" in done.stderr and "no such container: nobody" in done.stderr
    assert capas.ok("rm", "-f", "busy") == "busy\n"


def test_prune_leaves_what_runs_and_what_the_filter_spares(capas: Terminal) -> None:
    sleeper(capas, "busy")
    ended(capas, "spared", "true", "-l", "keep")
    ended(capas, "over", "true")
    out = capas.ok("container", "prune", "-f", "--filter", "label!=keep")
    assert out.startswith("Deleted Containers:\n")
    assert "Total reclaimed space: " in out
    assert names(capas, "-a") == ["spared", "busy"]
    assert capas.run("container", "prune").returncode == 1


def test_an_id_s_beginning_is_enough(capas: Terminal) -> None:
    container = capas.ok("create", "busybox", "true").strip()
    assert json.loads(capas.ok("container", "inspect", container[:7]))[0]["Id"] == container


def test_an_image_in_use_is_not_removed(capas: Terminal) -> None:
    sleeper(capas, "busy")
    done = capas.run("rmi", "-f", "busybox")
    assert (done.returncode, "running container" in done.stderr) == (1, True)


# logs, exec


def test_logs_have_tail_times_and_streams(capas: Terminal) -> None:
    ended(capas, "over", "echo 1; echo 2; sleep 0.2; echo 3 >&2")
    done = capas.run("logs", "over")
    assert (done.stdout, done.stderr) == ("1\n2\n", "3\n")
    assert capas.run("logs", "-n", "2", "over").stdout == "2\n"
    stamped = capas.ok("logs", "-t", "over")
    assert re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z \d\n){2}", stamped)
    assert capas.ok("logs", "--since", "1h", "over") == "1\n2\n"
    assert capas.ok("logs", "--until", "1h", "over") == ""
    assert capas.run("logs", "--since", "soon", "over").returncode == 1


def test_logs_are_followed_to_the_end(capas: Terminal) -> None:
    capas.ok("run", "-d", "--name", "one", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done")
    assert capas.ok("logs", "-f", "one") == "1\n2\n3\n"


def test_exec_has_the_container_s_world_and_its_own(capas: Terminal) -> None:
    sleeper(capas, "one", "-e", "A=1", "-w", "/tmp")
    assert capas.ok("exec", "one", "sh", "-c", "echo $A $FROM_IMAGE; pwd; id -u") == "1 yes\n/tmp\n0\n"
    words = ["-e", "B=2", "-u", "nobody", "-w", "/", "one"]
    assert capas.ok("exec", *words, "sh", "-c", "echo $A $B; pwd; id -un") == "1 2\n/\nnobody\n"
    assert capas.ok("exec", "-i", "one", "cat", stdin=b"given") == "given"


@pytest.mark.parametrize(("words", "code"), [(["sh", "-c", "exit 9"], 9), (["no-such"], 127), (["/etc/passwd"], 126)])
def test_exec_passes_exit_codes_on(capas: Terminal, words: list[str], code: int) -> None:
    sleeper(capas, "one")
    done = capas.run("exec", "one", *words)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def test_exec_needs_a_running_container(capas: Terminal) -> None:
    ended(capas, "over", "true")
    done = capas.run("exec", "over", "true")
    assert (done.returncode, "not running" in done.stderr) == (1, True)


# inspect


def test_inspect_shows_the_image_s_defaults_and_what_was_changed(capas: Terminal) -> None:
    capas.ok("create", "--name", "one", "-e", "A=1", "-m", "32m", "-l", "x=y", "-v", "box:/box", "busybox", "true", "x")
    document = json.loads(capas.ok("inspect", "one"))[0]
    assert (document["Name"], document["Path"], document["Args"]) == ("/one", "true", ["x"])
    assert document["Config"]["Labels"] == {"made": "here", "x": "y"}
    assert {"A=1", "FROM_IMAGE=yes"} <= set(document["Config"]["Env"])
    assert document["HostConfig"]["Memory"] == 32 * 1024 * 1024
    assert document["Mounts"][0]["Destination"] == "/box"
    assert document["State"]["Status"] == "created"
    assert document["Image"] == json.loads(capas.ok("image", "inspect", "busybox"))[0]["Id"]


# files


def test_diff_names_what_was_added_changed_and_deleted(capas: Terminal) -> None:
    ended(capas, "over", "touch /new; echo x >> /etc/passwd; rm /etc/group", "-v", "box:/box")
    assert capas.ok("diff", "over").splitlines() == ["C /etc", "D /etc/group", "C /etc/passwd", "A /new"]


def test_commit_makes_an_image_that_runs(capas: Terminal) -> None:
    ended(capas, "over", "echo kept > /kept", "-e", "A=1")
    words = ["-m", "why", "-a", "who", "-c", "CMD cat /kept", "-c", "LABEL more=1"]
    image = capas.ok("commit", *words, "over", "me/kept:1").strip()
    assert capas.ok("run", "--rm", "me/kept:1") == "kept\n"
    document = json.loads(capas.ok("image", "inspect", image))[0]
    assert (document["Author"], document["Config"]["Labels"]) == ("who", {"made": "here", "more": "1"})
    assert "A=1" in document["Config"]["Env"]
    assert len(document["RootFS"]["Layers"]) == 2
    assert capas.ok("history", "--format", "{{.Comment}}", "me/kept:1").splitlines()[0] == "why"


def test_a_commit_without_changes_adds_no_layer(capas: Terminal) -> None:
    capas.ok("create", "--name", "one", "busybox", "true")
    capas.ok("commit", "one", "me/same")
    assert len(json.loads(capas.ok("image", "inspect", "me/same"))[0]["RootFS"]["Layers"]) == 1


@pytest.mark.parametrize("state", ["running", "created"])
def test_cp_goes_both_ways(capas: Terminal, tmp_path: Path, state: str) -> None:
    if state == "running":
        sleeper(capas, "one")
    else:
        capas.ok("create", "--name", "one", "busybox", "true")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_text("there and back")
    capas.ok("cp", str(tmp_path / "tree"), "one:/opt")
    capas.ok("cp", "one:/opt/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "there and back"
    capas.ok("cp", str(tmp_path / "back"), "one:/tmp")
    capas.ok("cp", "one:tmp/.", str(tmp_path / "all"))
    assert (tmp_path / "all/back").read_text() == "there and back"


def test_cp_speaks_tar_on_the_standard_streams(capas: Terminal) -> None:
    capas.ok("create", "--name", "one", "busybox", "true")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        member = tarfile.TarInfo("d/f")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"data"))
    capas.ok("cp", "-", "one:/tmp", stdin=tar.getvalue())
    capas.ok("cp", "one:/tmp/d", "-")
    capas.ok("start", "one")
    assert "A /tmp/d/f" in capas.ok("diff", "one")


def test_cp_follows_a_link_when_told_to(capas: Terminal, tmp_path: Path) -> None:
    ended(capas, "over", "echo text > /file; ln -s ../file /tmp/link")
    capas.ok("cp", "over:/tmp/link", str(tmp_path / "link"))
    capas.ok("cp", "-L", "over:/tmp/link", str(tmp_path / "file"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text\n"


@pytest.mark.parametrize(
    "words", [("one:/a", "one:/b"), ("a", "b"), ("one:/nothing", "x"), ("nobody:/a", "x"), ("/nothing", "one:/")]
)
def test_cp_says_what_cannot_be(capas: Terminal, words: tuple[str, str]) -> None:
    capas.ok("create", "--name", "one", "busybox", "true")
    done = capas.run("cp", *words)
    assert done.returncode == 1
    assert done.stderr.startswith("capas: ")
    assert "Traceback" not in done.stderr


def test_export_is_the_whole_tree(capas: Terminal, tmp_path: Path) -> None:
    ended(capas, "over", "echo x > /new; rm /etc/group")
    capas.ok("export", "-o", str(tmp_path / "tree.tar"), "over")
    with tarfile.open(tmp_path / "tree.tar") as tar:
        members = set(tar.getnames())
    assert {"new", "bin/busybox", "etc/passwd"} <= members
    assert "etc/group" not in members
