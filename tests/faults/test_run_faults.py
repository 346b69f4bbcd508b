"""Keepers and builds that are killed, crowds of containers: nothing is left behind, nothing waits for long."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from capas import chance, clock
from capas.parallel import Nursery
from capas.run.containers import Containers
from capas.run.ending import remove
from capas.run.leases import PLACE
from capas.run.runtime import find_runtime
from capas.run.starting import start_detached
from capas.run.step import StepSpec, run_step
from capas.snapshot.choose import open_snapshotter
from support.busybox import stack_tree
from support.containers import PLACES, Lab, children_of, groups_of, kill_keeper

pytestmark = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.xdist_group("run-faults")]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    snapshotter, _ = open_snapshotter(tmp_path / "root", wanted=None)
    containers = Containers(
        tmp_path / "root", tmp_path / "run", lambda: snapshotter, runtime=lambda: find_runtime(None, PLACES),
        now=clock.now_ns, token=chance.token,
    )  # fmt: skip
    yield Lab(containers, stack_tree(snapshotter, tmp_path / "busybox"))
    for container in containers.iterate():
        remove(containers, container.record.id, force=True)


def holds_an_address(ident: str) -> bool:
    """Whether a lease on the default bridge is the container's. Other tests take and drop theirs meanwhile."""
    for path in (PLACE / "capas0").iterdir():
        with suppress(FileNotFoundError):
            if ident in path.read_text():
                return True
    return False


def is_gone(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_a_killed_keeper_is_noticed_and_cleared_up(lab: Lab) -> None:
    record = lab.start("sleep", "1000", network="bridge")
    assert holds_an_address(record.id)
    assert groups_of(record.id)
    state = lab.containers.get(record.id).state
    kill_keeper(state)
    after = lab.containers.get(record.id).state
    assert (after.status, after.exit_code) == ("exited", 137)
    assert is_gone(state.pid)
    assert children_of(lab.containers.run_root / "containers") == [".guard"]
    assert children_of(lab.containers.run_root / "runtime") == []
    assert not holds_an_address(record.id)
    assert not groups_of(record.id)


def test_a_container_whose_keeper_was_killed_starts_again(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    kill_keeper(lab.containers.get(record.id).state)
    start_detached(lab.containers, record.id)
    assert lab.containers.get(record.id).running


def test_a_container_whose_keeper_was_killed_can_be_removed(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    kill_keeper(lab.containers.get(record.id).state)
    remove(lab.containers, record.id, force=True)
    assert lab.containers.find(record.id) is None


def test_a_killed_build_leaves_nothing_once_the_next_step_runs(lab: Lab) -> None:
    containers = lab.containers
    containers.snapshotter.prepare("tree", lab.base)
    script = (
        "import sys; from pathlib import Path\n"
        "from capas.run.step import *; from capas.run.runtime import find_runtime\n"
        "from capas.snapshot.choose import open_snapshotter\n"
        "root = Path(sys.argv[1]); snapshotter, _ = open_snapshotter(root / 'root', wanted=None)\n"
        "spec = StepSpec('killed', ('sh', '-c', 'echo up; exec sleep 1000'), snapshotter.mounts('tree'))\n"
        f"run_step(spec, find_runtime(None, {PLACES!r}), run_root=root / 'run',"
        " report=lambda event: (sys.stdout.write('up\\n'), sys.stdout.flush()))\n"
    )
    source = str(Path(__file__).parents[2] / "src")
    build = subprocess.Popen(
        [sys.executable, "-c", script, str(containers.root.parent)], stdout=subprocess.PIPE, env={"PYTHONPATH": source}
    )
    assert build.stdout is not None
    build.stdout.readline()
    pid = int((containers.run_root / "steps/killed/pid").read_text())
    build.kill()
    build.wait()
    build.stdout.close()
    code = run_step(
        StepSpec("next", ("true",), containers.snapshotter.mounts("tree")), find_runtime(None, PLACES),
        run_root=containers.run_root,
    )  # fmt: skip
    assert code == 0
    assert is_gone(pid)
    assert children_of(containers.run_root / "steps") == [".guard"]
    assert children_of(containers.run_root / "runtime") == []


def test_a_name_whose_container_was_never_made_is_free(lab: Lab) -> None:
    record = lab.create("true", name="web")
    names = lab.containers.root / "containers/names"
    (names / "web").write_text("0" * 64)
    assert lab.create("true", name="web").id != record.id


def test_a_record_cut_short_is_listed_and_can_be_removed(lab: Lab) -> None:
    record = lab.create("true")
    (lab.containers.folder(record.id) / "container.json").write_text('{"id": "')
    assert [container.state.status for container in lab.containers.iterate()] == ["dead"]
    remove(lab.containers, record.id, force=True)
    assert list(lab.containers.iterate()) == []


def test_a_crowd_of_containers_runs_at_once(lab: Lab) -> None:
    began = time.monotonic()
    with Nursery(16) as nursery:
        tasks = [nursery.start(lab.run, "sh", "-c", f"exit {number}", auto_remove=True) for number in range(32)]
    assert [task.wait()[0] for task in tasks] == list(range(32))
    assert time.monotonic() - began < 60
    assert list(lab.containers.iterate()) == []
    assert children_of(lab.containers.run_root / "runtime") == []


def test_listing_never_fails_while_containers_come_and_go(lab: Lab) -> None:
    with Nursery(4) as nursery:
        tasks = [nursery.start(lab.run, "true", auto_remove=True) for _ in range(8)]
        while not all(task.done for task in tasks):
            list(lab.containers.iterate())
