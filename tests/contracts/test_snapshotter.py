"""What every snapshot driver promises, over each of them."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import AlreadyExists, Conflict, Corrupt, NotFound
from capas.layer.files import layer_files
from capas.layer.writer import TarWriter
from capas.oci.digest import ChainID, DiffID, chain_id
from capas.snapshot.changes import list_changes, write_changes
from capas.snapshot.choose import DRIVERS, open_driver
from capas.snapshot.contract import Snapshotter
from capas.snapshot.mounting import mounted
from support.changesets import Member, changeset, directory, file, hardlink, symlink
from support.disks import disk_directory

pytestmark = pytest.mark.root


@pytest.fixture
def place() -> Iterator[Path]:
    with disk_directory() as path:
        yield path


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def snapshotter(driver: str, place: Path) -> Snapshotter:
    return open_driver(place, driver)


def add(snapshotter: Snapshotter, *members: Member) -> DiffID:
    tar = changeset(*members)
    diff_id = DiffID.of(tar)
    snapshotter.add_layer(diff_id, io.BytesIO(tar))
    return diff_id


def base(snapshotter: Snapshotter) -> ChainID:
    return snapshotter.stack([add(snapshotter, directory("etc"), file("etc/motd", b"hello"), file("etc/gone", b"x"))])


def changeset_of(snapshotter: Snapshotter, key: str) -> bytes:
    out = io.BytesIO()
    tar = TarWriter(out.write)
    write_changes(snapshotter, key, tar)
    tar.finish()
    return out.getvalue()


def change(snapshotter: Snapshotter, key: str, parent: ChainID | None) -> None:
    snapshotter.prepare(key, parent)
    with mounted(snapshotter, key) as tree:
        (tree / "etc/motd").write_bytes(b"changed")
        (tree / "etc/gone").unlink()
        (tree / "new").mkdir()
        (tree / "new/file").write_bytes(b"1")


def commit(snapshotter: Snapshotter, key: str) -> ChainID:
    tar = changeset_of(snapshotter, key)
    return snapshotter.commit(key, DiffID.of(tar))


def test_a_layer_is_here_once_it_was_added(snapshotter: Snapshotter) -> None:
    diff_id = add(snapshotter, file("a"))
    assert snapshotter.has_layer(diff_id)
    assert not snapshotter.has_layer(DiffID.of(b"another"))


def test_a_layer_that_is_here_is_still_read_to_its_end(snapshotter: Snapshotter) -> None:
    tar = changeset(file("a", b"x" * 5000))
    for _ in range(2):
        stream = io.BytesIO(tar + bytes(20480))
        snapshotter.add_layer(DiffID.of(tar + bytes(20480)), stream)
        assert stream.read() == b""


@pytest.mark.parametrize("tar", [b"not a tar" * 100, changeset(file("a"))[:700], changeset(file("other"))])
def test_bytes_that_are_not_the_layers_leave_nothing(
    snapshotter: Snapshotter, driver: str, place: Path, tar: bytes
) -> None:
    diff_id = DiffID.of(changeset(file("a")))
    with pytest.raises(Corrupt):
        snapshotter.add_layer(diff_id, io.BytesIO(tar))
    assert not snapshotter.has_layer(diff_id)
    assert not any(under_way(driver, place, name) for name in ("layers", "ingest", "trash", "locks"))
    assert list(layer_files(place).iterate()) == []


def test_the_changeset_of_a_new_directory_is_the_same_whatever_the_driver(snapshotter: Snapshotter) -> None:
    snapshotter.prepare("work", base(snapshotter))
    with mounted(snapshotter, "work") as tree:
        (tree / "etc/new").mkdir()
        (tree / "etc/new/file").write_bytes(b"1")
    with tarfile.open(fileobj=io.BytesIO(changeset_of(snapshotter, "work"))) as tar:
        assert [name for name in tar.getnames() if name not in (".", "etc")] == ["etc/new", "etc/new/file"]


def test_a_view_shows_the_layers_one_upon_the_other(snapshotter: Snapshotter) -> None:
    first = add(snapshotter, file("same", b"old"), file("kept", b"1"), file("gone"))
    second = add(snapshotter, file(".wh.gone"), file("same", b"new"))
    snapshotter.prepare("view", snapshotter.stack([first, second]), writable=False)
    with mounted(snapshotter, "view") as tree:
        assert sorted(os.listdir(tree)) == ["kept", "same"]
        assert (tree / "same").read_bytes() == b"new"


def test_a_view_cannot_be_written_on(snapshotter: Snapshotter) -> None:
    snapshotter.prepare("view", base(snapshotter), writable=False)
    with mounted(snapshotter, "view") as tree, pytest.raises(OSError, match="Read-only"):
        (tree / "etc/motd").write_bytes(b"")


def test_a_stack_is_committed_on_what_is_below_it(snapshotter: Snapshotter) -> None:
    names = [add(snapshotter, file("a")), add(snapshotter, file("b"))]
    chain = snapshotter.stack(names)
    assert chain == snapshotter.stack(names) == chain_id(names)
    info = snapshotter.stat(chain)
    assert info is not None
    assert (info.kind, info.parent) == ("committed", chain_id(names[:1]))
    assert chain in {found.name for found in snapshotter.iterate()}


def test_a_stack_needs_its_layers(snapshotter: Snapshotter) -> None:
    with pytest.raises(NotFound):
        snapshotter.stack([DiffID.of(b"nowhere")])


def test_a_layer_may_be_in_a_stack_twice(snapshotter: Snapshotter) -> None:
    empty, other = add(snapshotter), add(snapshotter, file("a", b"1"))
    snapshotter.prepare("view", snapshotter.stack([empty, other, empty, other]), writable=False)
    with mounted(snapshotter, "view") as tree:
        assert (tree / "a").read_bytes() == b"1"


def test_a_whiteout_of_nothing_is_not_seen(snapshotter: Snapshotter) -> None:
    only = add(snapshotter, directory("d"), file("d/.wh.nothing"), file("d/a"))
    snapshotter.prepare("view", snapshotter.stack([only]), writable=False)
    with mounted(snapshotter, "view") as tree:
        assert os.listdir(tree / "d") == ["a"]


def test_an_opaque_directory_hides_what_is_below(snapshotter: Snapshotter) -> None:
    first = add(snapshotter, directory("d"), file("d/old"), directory("d/sub"), file("d/sub/old"))
    second = add(snapshotter, directory("d"), file("d/.wh..wh..opq"), file("d/new"))
    snapshotter.prepare("view", snapshotter.stack([first, second]), writable=False)
    with mounted(snapshotter, "view") as tree:
        assert os.listdir(tree / "d") == ["new"]


def test_a_directory_that_a_layer_does_not_list_stays_as_it_was(snapshotter: Snapshotter) -> None:
    first = add(snapshotter, directory("d", 0o1770, uid=7, gid=8, mtime_ns=5_000_000_000))
    second = add(snapshotter, file("d/new"))
    snapshotter.prepare("view", snapshotter.stack([first, second]), writable=False)
    with mounted(snapshotter, "view") as tree:
        seen = (tree / "d").stat()
        assert (stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid) == (0o1770, 7, 8)
        assert seen.st_mtime_ns == 5_000_000_000


def test_the_root_is_what_a_layer_last_said_of_it(snapshotter: Snapshotter) -> None:
    first = add(snapshotter, directory("", 0o750, uid=3), file("a"))
    chain = snapshotter.stack([first, add(snapshotter, file("b"))])
    for key, writable in (("view", False), ("active", True)):
        snapshotter.prepare(key, chain, writable=writable)
        with mounted(snapshotter, key) as tree:
            assert (stat.S_IMODE(tree.stat().st_mode), tree.stat().st_uid) == (0o750, 3)


def test_a_link_below_leads_what_a_layer_has_beneath_it(snapshotter: Snapshotter) -> None:
    first = add(snapshotter, directory("usr"), directory("usr/lib"), symlink("lib", "usr/lib"))
    second = add(snapshotter, file("lib/new", b"1"))
    snapshotter.prepare("view", snapshotter.stack([first, second]), writable=False)
    with mounted(snapshotter, "view") as tree:
        assert os.readlink(tree / "lib") == "usr/lib"
        assert (tree / "usr/lib/new").read_bytes() == b"1"


def test_a_hard_link_into_a_lower_layer_is_the_same_file(snapshotter: Snapshotter) -> None:
    first, second = add(snapshotter, file("a", b"1", mode=0o640)), add(snapshotter, hardlink("b", "a"))
    snapshotter.prepare("active", snapshotter.stack([first, second]), writable=False)
    with mounted(snapshotter, "active") as tree:
        assert (tree / "b").read_bytes() == b"1"
        assert (tree / "a").stat().st_ino == (tree / "b").stat().st_ino
        assert (tree / "a").stat().st_nlink == 2


def test_a_hard_link_to_nothing_is_no_layer(snapshotter: Snapshotter) -> None:
    diff_id = add(snapshotter, hardlink("b", "a"))
    with pytest.raises(Corrupt):
        snapshotter.stack([diff_id])
    assert snapshotter.stat(diff_id) is None


def test_many_layers_stack(snapshotter: Snapshotter, driver: str) -> None:
    names = [
        add(snapshotter, file(f"f{n}"), file("d/last", b"%d" % n)) for n in range(128 if driver == "overlay" else 8)
    ]
    snapshotter.prepare("view", snapshotter.stack(names), writable=False)
    with mounted(snapshotter, "view") as tree:
        assert len(os.listdir(tree)) == len(names) + 1
        assert (tree / "d/last").read_bytes() == b"%d" % (len(names) - 1)


def test_an_active_on_nothing_is_empty(snapshotter: Snapshotter) -> None:
    snapshotter.prepare("new", None)
    with mounted(snapshotter, "new") as tree:
        assert os.listdir(tree) == []
        (tree / "a").write_bytes(b"1")
    assert [(c.kind, c.path) for c in list_changes(snapshotter, "new")] == [("A", b"/a")]


def test_writing_on_an_active_leaves_its_parent_as_it_is(snapshotter: Snapshotter) -> None:
    chain = base(snapshotter)
    change(snapshotter, "work", chain)
    snapshotter.prepare("view", chain, writable=False)
    with mounted(snapshotter, "view") as tree:
        assert (tree / "etc/motd").read_bytes() == b"hello"
        assert (tree / "etc/gone").exists()


def test_what_was_changed_is_told(snapshotter: Snapshotter) -> None:
    change(snapshotter, "work", base(snapshotter))
    found = {(found.kind, found.path) for found in list_changes(snapshotter, "work")}
    assert found >= {("C", b"/etc/motd"), ("D", b"/etc/gone"), ("A", b"/new"), ("A", b"/new/file")}


def test_a_commit_shows_what_the_active_showed(snapshotter: Snapshotter) -> None:
    change(snapshotter, "work", base(snapshotter))
    chain = commit(snapshotter, "work")
    assert snapshotter.stat("work") is None
    snapshotter.prepare("view", chain, writable=False)
    with mounted(snapshotter, "view") as tree:
        assert sorted(os.listdir(tree)) == ["etc", "new"]
        assert os.listdir(tree / "etc") == ["motd"]
        assert (tree / "etc/motd").read_bytes() == b"changed"


def test_a_committed_layer_unpacked_elsewhere_is_the_same(snapshotter: Snapshotter, place: Path, driver: str) -> None:
    first = add(snapshotter, directory("etc"), file("etc/motd", b"hello"), file("etc/gone"))
    change(snapshotter, "work", snapshotter.stack([first]))
    tar = changeset_of(snapshotter, "work")
    (place / "other").mkdir()
    other = open_driver(place / "other", driver)
    add(other, directory("etc"), file("etc/motd", b"hello"), file("etc/gone"))
    other.add_layer(DiffID.of(tar), io.BytesIO(tar))
    other.prepare("view", other.stack([first, DiffID.of(tar)]), writable=False)
    with mounted(other, "view") as tree:
        assert os.listdir(tree / "etc") == ["motd"]
        assert (tree / "new/file").read_bytes() == b"1"


def test_a_committed_tree_has_the_times_that_its_layer_tells(snapshotter: Snapshotter) -> None:
    change(snapshotter, "work", base(snapshotter))
    out = io.BytesIO()
    tar = TarWriter(out.write)
    write_changes(snapshotter, "work", tar, clamp_ns=1_000_000_000)
    tar.finish()
    chain = snapshotter.commit("work", DiffID.of(out.getvalue()))
    snapshotter.prepare("view", chain, writable=False)
    with mounted(snapshotter, "view") as tree:
        times = [(tree / name).stat().st_mtime_ns for name in ("etc/motd", "new", "new/file")]
    assert times == [1_000_000_000] * 3


def test_a_key_is_taken_once(snapshotter: Snapshotter) -> None:
    snapshotter.prepare("key", None)
    with pytest.raises(AlreadyExists):
        snapshotter.prepare("key", None)


def test_nothing_stands_on_what_is_not_here(snapshotter: Snapshotter) -> None:
    with pytest.raises(NotFound):
        snapshotter.prepare("key", ChainID.of(b"nowhere"))
    assert snapshotter.stat("key") is None
    with pytest.raises(NotFound):
        snapshotter.mounts("key")


def test_what_something_stands_on_is_not_removed(snapshotter: Snapshotter) -> None:
    chain = base(snapshotter)
    snapshotter.prepare("work", chain)
    with pytest.raises(Conflict):
        snapshotter.remove(chain)
    snapshotter.remove("work")
    snapshotter.remove(chain)
    assert snapshotter.stat(chain) is None


def test_a_layer_is_removed_once_no_stack_has_it(snapshotter: Snapshotter, driver: str, place: Path) -> None:
    first, second = add(snapshotter, file("a")), add(snapshotter, file("b"))
    chain = snapshotter.stack([first, second])
    with pytest.raises(Conflict):
        snapshotter.remove(second)
    for name in (chain, second, first, first):
        snapshotter.remove(name)
    assert not snapshotter.has_layer(first)
    assert not snapshotter.has_layer(second)
    assert not under_way(driver, place, "trash")


def test_removing_is_idempotent(snapshotter: Snapshotter) -> None:
    snapshotter.remove("nothing")
    snapshotter.remove(ChainID.of(b"nothing"))


def test_usage_counts_what_is_written(snapshotter: Snapshotter) -> None:
    snapshotter.prepare("work", None)
    with mounted(snapshotter, "work") as tree:
        (tree / "a").write_bytes(bytes(1 << 20))
    usage = snapshotter.usage("work")
    assert usage.size >= 1 << 20
    assert usage.inodes == 1


ADD = """
import io, sys
from pathlib import Path
from capas.oci.digest import DiffID
from capas.snapshot.choose import open_driver
class Slow(io.BytesIO):
    def read(self, size=-1):
        {before}
        return super().read(min(size, 65536) if size > 0 else 65536)
tar = Path(sys.argv[3]).read_bytes()
open_driver(Path(sys.argv[1]), sys.argv[2]).add_layer(DiffID.of(tar), Slow(tar))
"""


def adding(driver: str, place: Path, tar: Path, before: str = "pass") -> subprocess.Popen[bytes]:
    program = [sys.executable, "-c", ADD.format(before=before), place, driver, tar]
    return subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def under_way(driver: str, place: Path, folder: str = "ingest") -> list[str]:
    """The trees that are being made, or deleted; layer files under way have no name."""
    return os.listdir(place / "snapshots" / ("copy" if driver == "copy" else "overlay") / folder)


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    path = tmp_path / "tar"
    path.write_bytes(changeset(*(file(f"f{n}", b"%d" % n * 500) for n in range(500))))
    return path


def test_processes_that_add_the_same_layer_do_not_disturb_each_other(driver: str, place: Path, tar: Path) -> None:
    crowd = [adding(driver, place, tar) for _ in range(4)]
    for process in crowd:
        process.communicate()
    assert [process.returncode for process in crowd] == [0] * 4
    snapshotter = open_driver(place, driver)
    assert snapshotter.has_layer(DiffID.of(tar.read_bytes()))
    assert not under_way(driver, place)


def test_a_process_killed_while_adding_leaves_nothing_and_the_next_succeeds(
    driver: str, place: Path, tar: Path
) -> None:
    before = "if self.tell() > 200000: print(flush=True); sys.stdin.read()"
    process = adding(driver, place, tar, before)
    assert process.stdout is not None
    process.stdout.readline()
    diff_id = DiffID.of(tar.read_bytes())
    assert not open_driver(place, driver).has_layer(diff_id)
    assert under_way(driver, place) or driver == "erofs", "another living process's work is left alone"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = open_driver(place, driver)
    assert not under_way(driver, place)
    again.add_layer(diff_id, io.BytesIO(tar.read_bytes()))
    assert again.has_layer(diff_id)


def test_many_threads_prepare_and_remove_at_once(snapshotter: Snapshotter) -> None:
    chain = base(snapshotter)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                snapshotter.prepare(f"{number}-{turn}", chain)
                list(snapshotter.iterate())
                snapshotter.remove(f"{number}-{turn}")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
