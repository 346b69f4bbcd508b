"""Layer files mounted for containers: shared, cleaned after kill -9, and no trouble for those who remove them."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capas import chance, clock
from capas.errors import Conflict
from capas.layer.files import LayerFiles
from capas.oci.digest import DiffID
from capas.parallel import Nursery
from capas.run.containers import Containers
from capas.run.ending import remove, wait
from capas.run.runtime import find_runtime
from capas.snapshot import syscalls
from capas.snapshot.choose import layer_files, open_driver
from capas.snapshot.layer_mounts import LayerMounts, mount_layer
from capas.snapshot.namespaces import in_private_mounts, in_thread
from support.busybox import stack_tree
from support.changesets import changeset, file
from support.containers import PLACES, Lab, kill_keeper
from support.disks import disk_directory

pytestmark = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.xdist_group("run-faults")]


@pytest.fixture
def place() -> Iterator[Path]:
    with disk_directory() as path:
        yield path


@pytest.fixture
def lab(place: Path) -> Iterator[Lab]:
    snapshotter = open_driver(place / "root", "erofs")
    containers = Containers(
        place / "root", place / "run", lambda: snapshotter, runtime=lambda: find_runtime(None, PLACES),
        now=clock.now_ns, token=chance.token,
    )  # fmt: skip
    yield Lab(containers, stack_tree(snapshotter, place / "busybox"))
    for container in containers.iterate():
        remove(containers, container.record.id, force=True)


def holders(lab: Lab) -> list[str]:
    folder = lab.containers.root / "snapshots/overlay/places/holders"
    return os.listdir(folder) if folder.exists() else []


def filesystems_of(lab: Lab, tables: Iterator[Path]) -> set[str]:
    """The devices of the layer files of this root that are mounted, by these tables of mounts."""
    lines = [line for table in tables for line in lines_of(table) if f"{lab.containers.root}/" in line]
    return {line.split()[2] for line in lines if " - erofs " in line}


def lines_of(table: Path) -> list[str]:
    try:
        return table.read_text().splitlines()
    except OSError:
        return []


def held_by(holder: str) -> Path:
    process, thread = holder.split(".")
    return Path(f"/proc/{process}/task/{thread}/mountinfo")


def mounted_anywhere(lab: Lab) -> set[str]:
    return filesystems_of(lab, Path("/proc").glob("[0-9]*/task/[0-9]*/mountinfo"))


def test_containers_of_one_image_share_what_is_mounted(lab: Lab) -> None:
    lab.start("sleep", "1000")
    lab.start("sleep", "1000")
    assert len(holders(lab)) == 2
    assert len({frozenset(filesystems_of(lab, iter([held_by(holder)]))) for holder in holders(lab)}) == 1
    assert len(mounted_anywhere(lab)) == 1


def test_nothing_stays_mounted_after_the_last_container(lab: Lab) -> None:
    assert lab.run("true")[0] == 0
    assert mounted_anywhere(lab) == set()
    assert holders(lab) == []


def test_nothing_of_a_killed_keeper_stays_once_somebody_looks(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    kill_keeper(lab.containers.get(record.id).state)
    remove(lab.containers, record.id, force=True)
    assert mounted_anywhere(lab) == set()
    assert lab.run("echo", "next")[:2] == (0, "next\n")
    assert holders(lab) == []


def test_a_crowd_starts_and_goes_without_leaving_a_mount(lab: Lab) -> None:
    def one(number: int) -> tuple[int, str]:
        """In the foreground here, or detached with a keeper of its own."""
        words = ("sh", "-c", f"echo {number}; readlink /bin/cat")
        if number % 2:
            return lab.run(*words)[:2]
        record = lab.start(*words)
        return wait(lab.containers, record.id), lab.log(record)

    with Nursery(limit=20) as nursery:
        tasks = [nursery.start(lambda number=number: one(number)) for number in range(20)]
    assert [task.wait() for task in tasks] == [(0, f"{number}\nbusybox\n") for number in range(20)]
    assert mounted_anywhere(lab) == set()
    assert holders(lab) == []


def test_an_image_that_is_in_use_is_not_removed(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    snapshotter = lab.containers.snapshotter
    with pytest.raises(Conflict):
        snapshotter.remove(lab.base)
    assert lab.execute(record, "cat", "/etc/passwd")[0] == 0


def test_a_layer_that_is_removed_while_it_is_mounted_stays_readable(lab: Lab) -> None:
    record = lab.start("sleep", "1000")
    files = layer_files(lab.containers.root)
    for diff_id, _ in list(files.iterate()):
        files.remove(diff_id)
    assert lab.execute(record, "cat", "/etc/passwd")[1].startswith("root:")


def test_nothing_is_left_of_a_layer_that_is_removed(lab: Lab) -> None:
    assert lab.run("true")[0] == 0
    for container in list(lab.containers.iterate()):
        remove(lab.containers, container.record.id, force=True)
    for _ in ("the stack", "its layer"):  # of one layer: its diff_id is its chain id
        lab.containers.snapshotter.remove(lab.base)
    assert list(layer_files(lab.containers.root).iterate()) == []
    assert os.listdir(lab.containers.root / "snapshots/overlay/places") in ([], ["holders"])


def test_in_a_chroot_what_others_have_is_shared_too(lab: Lab, place: Path) -> None:
    lab.start("sleep", "1000")
    (file,) = layer_files(lab.containers.root).folder.iterdir()
    (place / "new").mkdir()
    mounts = LayerMounts(lab.containers.root / "snapshots/overlay/places")

    def work() -> list[str]:
        syscalls.mount(b"/", os.fsencode(place / "new"), flags=syscalls.MS_BIND | syscalls.MS_REC)
        os.chroot(place / "new")
        in_thread(lambda: mounts.show([file]))
        return os.listdir(mounts.place(file) / "etc")

    assert sorted(in_private_mounts(work)) == ["group", "passwd"]


def test_a_holder_whose_namespace_has_no_such_mount_is_passed_over(lab: Lab) -> None:
    first = lab.start("sleep", "1000")
    (holder,) = holders(lab)
    folder = lab.containers.root / "snapshots/overlay/places/holders"
    process = os.getpid()
    names = (folder / holder).read_text()
    with (folder / f"{process}.{process}").open("w") as false:
        false.write(names)
        false.flush()
        fcntl.flock(false, fcntl.LOCK_EX)
        assert lab.run("echo", "on")[:2] == (0, "on\n")
    assert lab.containers.get(first.id).running


def test_where_the_kernel_mounts_devices_alone_a_loop_device_is_taken_and_let_go(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar = changeset(file("a", b"data" * 1000))
    files = LayerFiles(place / "files")
    files.add(DiffID.of(tar), io.BytesIO(tar))
    path = files.path(DiffID.of(tar))
    real, asked = syscalls.mount, []

    def as_before_6_12(source: bytes, target: bytes, **options: object) -> None:
        asked.append(source)
        if os.path.isfile(source):
            raise OSError(errno.ENOTBLK, "Block device required", source)
        real(source, target, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(syscalls, "mount", as_before_6_12)

    def work() -> tuple[bytes, list[str]]:
        mount_layer(path, place / "shown")
        return (place / "shown/a").read_bytes(), loops_of(path)

    (place / "shown").mkdir()
    data, devices = in_private_mounts(work)
    assert data == b"data" * 1000
    assert [re.sub(rb"\d+", b"N", name) for name in asked[1:]] == [b"/dev/loopN"]
    assert len(devices) == 1
    assert gone(lambda: loops_of(path) == [])


def loops_of(path: Path) -> list[str]:
    names = Path("/sys/block").glob("loop*/loop/backing_file")
    return [name.parent.parent.name for name in names if any(str(path) in line for line in lines_of(name))]


def gone(is_so: Callable[[], bool]) -> bool:
    """Whether it comes true: the kernel lets go of a mount a little after its namespace."""
    return any(is_so() or time.sleep(0.02) for _ in range(250))
