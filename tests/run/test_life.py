"""The life of containers: started, watched, entered, stopped, removed."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from capas.errors import AlreadyExists, Conflict, Denied, Invalid, NotFound
from capas.run.claims import claim
from capas.run.containers import Containers
from capas.run.ending import kill, prune, remove, stop, wait
from capas.run.inspection import inspect
from capas.run.limits import Limits
from capas.run.log_reader import iter_log
from capas.run.mounts import parse_mount, parse_tmpfs, parse_volume
from capas.run.ports import parse_ports
from capas.run.record import Record
from capas.run.starting import start_detached
from support.containers import Lab, children_of, groups_of
from support.registry_peer import free_port

pytestmark = [pytest.mark.root, pytest.mark.peer("crun")]

_LOOP = ("sh", "-c", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done")


def until_logged(lab: Lab, record: Record, text: str) -> None:
    path = lab.containers.folder(record.id) / f"{record.id}-json.log"
    for line in iter_log(path, alive=lambda: lab.containers.get(record.id).running):
        if text in line.text:
            return
    raise AssertionError(f"{text!r} was never logged")


def test_output_errors_and_the_exit_code_come_through(lab: Lab) -> None:
    assert lab.run("sh", "-c", "echo out; echo err >&2; exit 9") == (9, "out\n", "err\n")


def test_what_a_container_said_is_in_its_log(lab: Lab) -> None:
    record = lab.start("sh", "-c", "echo one; echo two >&2")
    wait(lab.containers, record.id)
    assert sorted(lab.log(record).split()) == ["one", "two"]


def test_standard_input_reaches_it(lab: Lab) -> None:
    assert lab.run("cat", stdin=b"hello") == (0, "hello", "")


def test_without_interactive_there_is_nothing_to_read(lab: Lab) -> None:
    assert lab.run("cat") == (0, "", "")


def test_a_container_to_be_removed_leaves_nothing(lab: Lab, ground: Path) -> None:
    assert lab.run("true", auto_remove=True)[0] == 0
    assert list(lab.containers.iterate()) == []
    assert children_of(ground / "root/containers") == ["names"]
    assert children_of(ground / "run/containers") == [".guard"]
    assert children_of(ground / "run/runtime") == []


def test_a_detached_container_to_be_removed_goes_by_itself(lab: Lab) -> None:
    until_gone(lab, lab.start("sh", "-c", "exit 6", auto_remove=True))


def until_gone(lab: Lab, record: Record) -> None:
    for _ in range(1000):
        if lab.containers.find(record.id) is None:
            return
        time.sleep(0.01)
    raise AssertionError("it is still there")


def test_waiting_gives_the_exit_code_even_where_it_is_removed(lab: Lab) -> None:
    record = lab.start("sh", "-c", "sleep 0.2; exit 6", auto_remove=True)
    assert wait(lab.containers, record.id) == 6
    until_gone(lab, record)  # or whoever clears up after the test would meet the keeper at it


def test_the_stop_signal_is_sent_and_waited_for(lab: Lab) -> None:
    record = lab.start(*_LOOP, stop_signal="SIGTERM")
    until_logged(lab, record, "up")
    stop(lab.containers, record.id)
    assert lab.containers.get(record.id).state.exit_code == 3
    assert lab.log(record) == "up\nbye\n"


def test_who_does_not_stop_is_killed(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    stop(lab.containers, record.id, timeout=0)
    assert lab.containers.get(record.id).state.exit_code == 137


def test_killing_sends_any_signal(lab: Lab) -> None:
    record = lab.start("sh", "-c", "trap 'exit 4' USR1; echo up; while :; do sleep 0.05; done")
    until_logged(lab, record, "up")
    kill(lab.containers, record.id, "usr1")
    assert wait(lab.containers, record.id) == 4


def test_a_running_container_is_not_removed_without_force(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    with pytest.raises(Conflict, match="is running"):
        remove(lab.containers, record.id)
    remove(lab.containers, record.id, force=True)
    assert lab.containers.find(record.id) is None


def test_it_can_be_started_again_and_keeps_its_files(lab: Lab) -> None:
    record = lab.start("sh", "-c", "echo x >> /kept; wc -l < /kept")
    wait(lab.containers, record.id)
    from capas.run.starting import start_detached

    start_detached(lab.containers, record.id)
    wait(lab.containers, record.id)
    assert lab.log(record).split() == ["1", "2"]


def test_names_are_taken_once_and_free_again_after_removal(lab: Lab) -> None:
    lab.create("true", name="web")
    with pytest.raises(AlreadyExists, match="name web is in use"):
        lab.create("true", name="web")
    remove(lab.containers, "web")
    lab.create("true", name="web")


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "a/b", "x" * 200])
def test_names_that_cannot_be_are_refused(lab: Lab, name: str) -> None:
    if name:
        with pytest.raises(Invalid):
            lab.create("true", name=name)
    assert lab.containers.find(name) is None


def test_the_beginning_of_an_id_is_enough_if_it_is_one(lab: Lab) -> None:
    record = lab.create("true")
    assert lab.containers.get(record.id[:6]).record.id == record.id
    lab.create("true")
    with pytest.raises((Conflict, NotFound)):
        lab.containers.get("")


def test_renaming_moves_the_name(lab: Lab) -> None:
    record = lab.create("true", name="old")
    lab.containers.rename("old", "new")
    assert lab.containers.get("new").record.id == record.id
    assert lab.containers.find("old") is None


def test_pruning_takes_what_does_not_run(lab: Lab) -> None:
    dead, alive = lab.create("true"), lab.start("sleep", "1000")
    assert prune(lab.containers) == [dead.id]
    assert [each.record.id for each in lab.containers.iterate()] == [alive.id]


def test_exec_runs_beside_with_its_own_user_and_environment(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    code, out, _ = lab.execute(
        record, "sh", "-c", "id -u; echo $A; pwd; exit 8", env=("A=b",), user="ana", workdir="/tmp"
    )
    assert (code, out) == (8, "1000\nb\n/tmp\n")


def test_exec_in_a_terminal_has_one(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    code, out, _ = lab.execute(
        record, "sh", "-c", "tty; sleep 1", tty=True
    )  # crun 1.8 may lose the words of who ends at once
    assert (code, out) == (0, "/dev/pts/0\r\n")


def test_exec_of_what_is_not_there_is_not_found(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    with pytest.raises(NotFound) as caught:
        lab.execute(record, "nosuch")
    assert "command" in caught.value.facts


def test_exec_needs_a_running_container(lab: Lab) -> None:
    with pytest.raises(Conflict, match="not running"):
        lab.execute(lab.create("true"), "true")


def test_a_command_that_is_not_there_leaves_the_reason(lab: Lab) -> None:
    record = lab.create("nosuch")
    from capas.run.starting import start_detached

    with pytest.raises(NotFound):
        start_detached(lab.containers, record.id)
    state = lab.containers.get(record.id).state
    assert (state.status, state.exit_code) == ("created", 127)


def test_a_file_that_cannot_run_is_denied(lab: Lab) -> None:
    with pytest.raises(Denied):
        lab.run("/etc/passwd")


def test_a_terminal_is_given_and_logged(lab: Lab) -> None:
    record = lab.start("sh", "-c", "tty && echo yes", tty=True)
    wait(lab.containers, record.id)
    assert "yes" in lab.log(record)


def test_bind_mounts_volumes_and_tmpfs_are_there(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("host\n")
    mounts = (
        parse_volume(f"{tmp_path}:/bind:ro"), parse_volume("named:/etc"), parse_tmpfs("/t:size=1m"),
        parse_mount(f"type=bind,src={tmp_path},dst=/rw"),
    )  # fmt: skip
    code, out, _ = lab.run(
        "sh", "-c", "cat /bind/f; touch /bind/x; touch /rw/y; grep ana /etc/passwd; df /t", mounts=mounts
    )
    assert code in (0, 127)
    assert out.startswith("host\nana:x:1000")
    assert sorted(os.listdir(tmp_path)) == ["f", "y"]


def test_a_volume_is_filled_from_the_image_once(lab: Lab) -> None:
    mounts = (parse_volume("v:/etc"),)
    lab.run("sh", "-c", "rm /etc/group; echo changed > /etc/passwd", mounts=mounts)
    assert lab.run("sh", "-c", "cat /etc/passwd; ls /etc/group", mounts=mounts)[1] == "changed\n"


def test_a_volume_that_points_out_of_the_image_copies_nothing_of_the_host(lab: Lab) -> None:
    _, out, _ = lab.run("sh", "-c", "cat /etc/passwd", mounts=(parse_volume("v2:/../../etc"),))
    assert "ana:x:1000" in out  # the image's, not the host's


def test_anonymous_volumes_go_with_their_container(lab: Lab) -> None:
    record = lab.create("true", mounts=(parse_volume("/data"),))
    assert len(lab.containers.volumes.list()) == 1
    remove(lab.containers, record.id)
    assert lab.containers.volumes.list() == []


def test_a_bind_source_that_is_not_there_is_named(lab: Lab) -> None:
    with pytest.raises(NotFound, match="/no/such/place"):
        lab.run("true", mounts=(parse_mount("type=bind,src=/no/such/place,dst=/x"),))


def test_a_read_only_tree_cannot_be_written(lab: Lab) -> None:
    assert lab.run("touch", "/x", read_only=True)[0] == 1


def test_limits_reach_the_cgroup(lab: Lab) -> None:
    record = lab.start("sleep", "1000", limits=Limits(memory=64 << 20, pids=50))
    pid = lab.containers.get(record.id).state.pid
    group = Path(f"/proc/{pid}/cgroup").read_text()
    assert f"/capas/{record.id}" in group
    places = [place for group in groups_of(record.id) if (place := group / "pids.max").exists()]
    assert [place.read_text().strip() for place in places] == ["50"]


def test_capabilities_are_added_and_dropped(lab: Lab) -> None:
    def effective(**options: object) -> str:
        return lab.run("sh", "-c", "grep CapEff /proc/self/status | tail -c 17", **options)[1].strip()

    assert effective() == "00000000a80425fb"
    assert effective(cap_drop=("ALL",)) == "0000000000000000"
    assert effective(cap_drop=("ALL",), cap_add=("chown",)) == "0000000000000001"


def test_the_bridge_gives_an_address_and_ports_answer_on_loopback(lab: Lab) -> None:
    record = lab.start(
        "httpd", "-f", "-p", "80", "-h", "/etc", network="bridge", ports=tuple(parse_ports("127.0.0.1::80"))
    )
    state = lab.containers.get(record.id).state
    assert state.joined[0].address.startswith("10.86.")
    address = f"http://127.0.0.1:{state.ports[0][3]}/group"
    for _ in range(200):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                assert b"ana" in answer.read()
            return
        except OSError:
            time.sleep(0.01)
    raise AssertionError("nobody answers")


def test_a_port_in_use_is_said_before_anything_starts(lab: Lab) -> None:
    port = free_port()
    lab.start("sleep", "1000", network="bridge", ports=tuple(parse_ports(f"127.0.0.1:{port}:80")))
    with pytest.raises(Conflict, match=str(port)):
        lab.start("sleep", "1000", network="bridge", ports=tuple(parse_ports(f"127.0.0.1:{port}:81")))


def test_the_hosts_file_knows_the_container(lab: Lab) -> None:
    _, out, _ = lab.run("sh", "-c", "hostname; cat /etc/hosts", hostname="shop", add_hosts=("db:10.0.0.9",))
    assert out.startswith("shop\n")
    assert "10.0.0.9\tdb" in out


def test_inspecting_shows_dockers_fields(lab: Lab) -> None:
    record = lab.create(
        "sh", "-c", "true", name="seen", labels={"a": "b"})  # fmt: skip
    shown = inspect(lab.containers, record.id)
    assert shown["Name"] == "/seen"
    assert (shown["Path"], shown["Args"]) == ("sh", ["-c", "true"])
    assert shown["Config"]["Labels"] == {"a": "b"}
    assert shown["State"]["Status"] == "created"


def test_a_log_is_followed_to_its_end(lab: Lab) -> None:
    record = lab.start("sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.05; done")
    path = lab.containers.folder(record.id) / f"{record.id}-json.log"
    lines = [line.text for line in iter_log(path, alive=lambda: lab.containers.get(record.id).running)]
    assert lines == ["1\n", "2\n", "3\n"]


def test_signals_to_the_foreground_are_passed_on(lab: Lab) -> None:
    record = lab.create("sh", "-c", "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done")
    from capas.run.attending import start_attached
    from capas.run.streams import Attached

    def terminate() -> None:
        while not lab.containers.get(record.id).running:
            time.sleep(0.01)
        until_logged(lab, record, "up")
        os.kill(os.getpid(), signal.SIGTERM)

    helper = threading.Thread(target=terminate)
    helper.start()
    code = start_attached(lab.containers, record.id, Attached())
    helper.join()
    assert code == 5


@pytest.mark.parametrize("then", [remove, start_detached])
def test_one_that_ended_a_moment_ago_waits_for_its_keeper_to_clear_up(
    lab: Lab, then: Callable[[Containers, str], None]
) -> None:
    record = lab.start("true")
    wait(lab.containers, record.id)
    held = claim(lab.containers.run_root / "containers", record.id)
    keeper = threading.Timer(0.1, held.release)
    keeper.start()
    then(lab.containers, record.id)
    keeper.join()
