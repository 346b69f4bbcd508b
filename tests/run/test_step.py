"""A build's step: what it prints, how it ends, and that it leaves nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capas.chance import token
from capas.errors import CapasError, Denied, Interrupted, Invalid, NotFound, Unsupported
from capas.events import Event, Said
from capas.oci.digest import ChainID
from capas.run.runtime import Runtime, find_runtime
from capas.run.step import CA_VARIABLES, StepSpec, run_step
from capas.run.step_mounts import Bind, Memory
from capas.snapshot.changes import list_changes
from capas.snapshot.contract import Snapshotter
from support.containers import PLACES, children_of

pytestmark = pytest.mark.root


class Steps:
    """Runs steps on one writable tree."""

    def __init__(self, ground: Path, snapshotter: Snapshotter, runtime: Runtime) -> None:
        self.ground, self.snapshotter, self.runtime = ground, snapshotter, runtime
        self.events: list[Event] = []

    def run(self, *args: str, cancelled: threading.Event | None = None, **options: Any) -> int:
        spec = StepSpec(f"step-{token()[:12]}", args, self.snapshotter.mounts("tree"), **options)
        return run_step(
            spec, self.runtime, run_root=self.ground / "run", cancelled=cancelled, report=self.events.append
        )

    def text(self, stream: str = "out") -> str:
        return "\n".join(e.text for e in self.events if isinstance(e, Said) and e.stream == stream)

    def changes(self) -> list[bytes]:
        return [change.path for change in list_changes(self.snapshotter, "tree")]


@pytest.fixture
def steps(ground: Path, snapshotter: Snapshotter, base: ChainID, runtime: Runtime) -> Iterator[Steps]:
    snapshotter.prepare("tree", base)
    made = Steps(ground, snapshotter, runtime)
    yield made
    assert children_of(ground / "run/steps") == [".guard"]
    assert children_of(ground / "run/runtime") == []


def test_output_comes_as_lines_and_the_exit_code_is_passed_on(steps: Steps) -> None:
    assert steps.run("sh", "-c", "echo one; printf two; echo three >&2; exit 7") == 7
    assert steps.text() == "one\ntwo"
    assert steps.text("err") == "three"


def test_only_what_the_step_wrote_is_left(steps: Steps) -> None:
    assert steps.run("sh", "-c", "echo x > /made; cat /etc/resolv.conf /etc/hosts > /dev/null") == 0
    assert steps.changes() == [b"/made"]


def test_environment_user_and_directory_are_those_asked_for(steps: Steps) -> None:
    assert steps.run("sh", "-c", "id -u; id -G; pwd; echo $A $HOME", env={"A": "b"}, user="ana", cwd="/w/x") == 0
    assert steps.text() == "1000\n1000 29 44\n/w/x\nb /home/ana"


def test_a_heredoc_is_read_from_standard_input(steps: Steps) -> None:
    assert steps.run("sh", stdin=b"echo from here\n") == 0
    assert steps.text() == "from here"


def test_the_ca_bundle_is_shown_with_its_variables_and_not_left(steps: Steps, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    checks = " && ".join(f'test "$(cat ${name})" = certificates' for name in CA_VARIABLES)
    assert steps.run("sh", "-c", checks, ca_bundle=bundle) == 0
    assert steps.changes() == []


def test_binds_are_read_only_unless_asked(steps: Steps, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("data")
    code = steps.run("sh", "-c", "cat /in/f; touch /in/g; touch /out/h", shown=[
        Bind(tmp_path, "/in"), Bind(tmp_path, "/out", read_only=False)])  # fmt: skip
    assert code == 0
    assert steps.text() == "data"
    assert sorted(os.listdir(tmp_path)) == ["f", "h"]


def test_without_a_network_there_is_only_loopback(steps: Steps) -> None:
    assert steps.run("ls", "/sys/class/net", network="none") == 0
    assert steps.text() == "lo"


def test_capabilities_are_dockers_fourteen_and_seccomp_is_on(steps: Steps) -> None:
    assert steps.run("grep", "-E", "CapEff|Seccomp:", "/proc/self/status") == 0
    assert "00000000a80425fb" in steps.text()
    assert "Seccomp:\t2" in steps.text()


def test_new_user_namespaces_are_refused(steps: Steps) -> None:
    steps.run("sh", "-c", "mount -t tmpfs none /tmp || echo refused")
    assert steps.text() == "refused"


def test_a_link_planted_over_a_mount_point_is_not_followed(steps: Steps, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    steps.run("sh", "-c", f"ln -s {tmp_path} /planted", shown=[Bind(tmp_path, "/mnt/a")])
    steps.run("true", shown=[Memory("/planted/empty")])
    assert (tmp_path / "empty").is_dir()


@pytest.mark.parametrize("number", [3, 7, 20])
def test_a_working_directory_behind_a_descriptor_is_refused(steps: Steps, number: int) -> None:
    with pytest.raises(Invalid, match="working directory"):
        steps.run("true", cwd=f"/proc/self/fd/{number}")


def test_no_descriptor_leaks_in(steps: Steps, tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(fd, True)
    try:
        steps.run("sh", "-c", "for fd in /proc/$$/fd/*; do readlink $fd; done")
    finally:
        os.close(fd)
    assert str(tmp_path) not in steps.text()


def test_a_command_that_is_not_there_is_not_found(steps: Steps) -> None:
    with pytest.raises(NotFound) as caught:
        steps.run("nosuch")
    assert "command" in caught.value.facts


def test_a_file_that_is_no_program_is_denied(steps: Steps) -> None:
    with pytest.raises(Denied):
        steps.run("/etc/passwd")


@pytest.mark.parametrize("user", ["ghost", "4294967296", "-1", "ana:ghosts"])
def test_a_user_that_cannot_be_is_an_error(steps: Steps, user: str) -> None:
    with pytest.raises((NotFound, Invalid)):
        steps.run("true", user=user)


def test_cancelling_kills_it_and_leaves_nothing(steps: Steps) -> None:
    cancelled = threading.Event()

    def stop_once_running(event: Event) -> None:
        cancelled.set()

    spec = StepSpec(f"step-{token()[:12]}", ("sh", "-c", "echo up; sleep 1000"), steps.snapshotter.mounts("tree"))
    began = time.monotonic()
    with pytest.raises(Interrupted):
        run_step(spec, steps.runtime, run_root=steps.ground / "run", cancelled=cancelled, report=stop_once_running)
    assert time.monotonic() - began < 10


def test_a_missing_runtime_is_one_clear_error() -> None:
    with pytest.raises(Unsupported, match="neither crun nor runc") as caught:
        find_runtime(None, "/nonexistent")
    assert "apt-get install crun" in caught.value.hint


def test_a_wanted_runtime_that_is_missing_is_named() -> None:
    with pytest.raises(CapasError, match="kata is not on PATH"):
        find_runtime("kata", PLACES)
