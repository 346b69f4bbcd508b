"""The store under kill -9, full disks and crowds."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import Exhausted
from capas.image.archive import load, save
from capas.image.validate import validate
from capas.oci.digest import Digest
from capas.reference import Reference
from capas.store.memory import MemoryBlobs
from capas.store.put import put
from capas.store.store import Store
from support.images import make_image

DATA = bytes(range(256)) * 4096  # 1 MiB
DIGEST = Digest.of(DATA)
SETTLE = """
import os, signal, sys
from pathlib import Path
from capas.oci.digest import Digest
from capas.store.store import Store
store = Store(Path(sys.argv[1]))
DATA = bytes(range(256)) * 4096
"""
KILLED_AT = """
left = int(sys.argv[2])
def counted(call):
    def made(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return made
for name in ("open", "write", "fchmod", "fsync", "rename", "mkdir", "unlink", "close"):
    setattr(os, name, counted(getattr(os, name)))
"""


def run(program: str, *args: object) -> int:
    source = SETTLE + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", source, *map(str, args)]).returncode


def test_a_killed_ingest_is_resumed_where_it_stopped(tmp_path: Path) -> None:
    program = """
    ingest = store.blobs.ingest("pull")
    ingest.write(DATA[:100_000])
    os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run(program, tmp_path) == -9
    store = Store(tmp_path)
    assert list(store.blobs.iterate()) == []
    with store.blobs.ingest("pull") as ingest:
        assert ingest.offset == 100_000
        ingest.write(DATA[ingest.offset :])
        ingest.commit(DIGEST, len(DATA))
    assert store.check() == []


def test_a_kill_at_any_write_point_leaves_the_whole_blob_or_none(tmp_path: Path) -> None:
    program = KILLED_AT + textwrap.dedent("""
    with store.lease() as lease, lease.blobs.ingest("pull") as ingest:
        ingest.write(DATA[ingest.offset:])
        ingest.commit(Digest.of(DATA))
    """)
    for point in range(1, 100):
        ended = run(program, tmp_path / str(point), point)
        store = Store(tmp_path / str(point))
        assert list(store.blobs.iterate()) in ([], [(DIGEST, len(DATA))])
        assert store.check() == []
        with store.blobs.ingest("pull") as ingest:
            ingest.write(DATA[ingest.offset :])
            ingest.commit(DIGEST, len(DATA))
        assert store.collect().blobs == 1
        assert list(store.root.glob("leases/*")) == []
        if ended == 0:
            break
        assert ended == -9
    assert point > 10


def test_a_kill_at_any_point_of_gc_leaves_a_sound_store(tmp_path: Path) -> None:
    for point in range(1, 100):
        store = Store(tmp_path / str(point))
        for number in range(3):
            put(store.blobs, b"garbage %d" % number)
        ended = run(KILLED_AT + "\nstore.collect()", store.root, point)
        assert store.check() == []
        store.collect()
        assert list(store.blobs.iterate()) == []
        assert os.listdir(store.root / "trash") == []
        if ended == 0:
            break
    assert point > 5


def test_records_survive_a_kill(tmp_path: Path) -> None:
    program = """
    from capas.oci.digest import DiffID
    from capas.store.records import LayerRecord
    for number in range(10):
        digest = Digest.of(b"%d" % number)
        store.records.put_layer(LayerRecord(DiffID(digest), digest, "x", 1, 1))
    with store.records.transaction():
        store.records.put_layer(LayerRecord(DiffID.of(b"half"), digest, "x", 1, 1))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run(program, tmp_path) == -9
    assert len(list(Store(tmp_path).records.iter_layers())) == 10


def test_a_crowd_opens_new_records_at_once(tmp_path: Path) -> None:
    program = SETTLE + "store.records.add_source(Digest.of(sys.argv[2].encode()), 'hub', sys.argv[2])"
    crowd = [subprocess.Popen([sys.executable, "-c", program, tmp_path, str(number)]) for number in range(6)]
    assert [process.wait(60) for process in crowd] == [0] * 6
    records = Store(tmp_path).records
    assert all(records.list_sources(Digest.of(b"%d" % number)) for number in range(6))


def test_a_crowd_that_brings_one_blob_writes_it_once(tmp_path: Path) -> None:
    program = SETTLE + textwrap.dedent("""
    from capas.store.put import take_turn
    ingest = take_turn(store.blobs, Digest.of(DATA), len(DATA))
    if ingest is not None:
        with ingest:
            for start in range(ingest.offset, len(DATA), 4096):
                ingest.write(DATA[start:start + 4096])
            ingest.commit(Digest.of(DATA), len(DATA))
        print("wrote it")
    """)
    crowd = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    said = [process.communicate(timeout=60)[0] for process in crowd]
    assert [process.returncode for process in crowd] == [0] * 6
    assert "".join(said) == "wrote it\n"
    assert Store(tmp_path).check() == []


def test_the_turn_of_a_killed_writer_is_handed_over(tmp_path: Path) -> None:
    program = """
    from capas.store.put import take_turn
    ingest = take_turn(store.blobs, Digest.of(DATA), len(DATA))
    ingest.write(DATA[:5000])
    sys.stdout.write("here\\n"); sys.stdout.flush()
    sys.stdin.read()
    """
    writer = subprocess.Popen(
        [sys.executable, "-c", SETTLE + textwrap.dedent(program), tmp_path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert writer.stdout is not None and writer.stdin is not None
    assert writer.stdout.readline() == b"here\n"
    from capas.store.put import take_turn

    ingest = take_turn(Store(tmp_path).blobs, DIGEST, len(DATA), check=writer.kill)
    writer.communicate()
    assert ingest is not None
    with ingest:
        assert ingest.offset == 5000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one mebibyte."""
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@pytest.mark.root
def test_a_full_disk_is_said_and_leaves_nothing(small_disk: Path) -> None:
    store = Store(small_disk)
    with pytest.raises(Exhausted, match="no space left") as caught, store.lease() as lease:
        ingest = lease.blobs.ingest("big")
        ingest.write(DATA)
        ingest.write(DATA)
    assert "free some space" in caught.value.hint
    assert os.listdir(small_disk / "ingest") == []
    assert list(store.blobs.iterate()) == []


@pytest.mark.root
def test_an_archive_that_fills_the_disk_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    image = make_image(MemoryBlobs(), {"big": os.urandom(300_000)}, {"bigger": os.urandom(900_000)})
    with (tmp_path / "archive").open("wb") as out:
        save(out, [(image, [Reference.parse("app:1")])])
    store = Store(small_disk)
    with (tmp_path / "archive").open("rb") as stream, pytest.raises(Exhausted):
        load(stream, store)
    assert list(store.blobs.iterate()) == []
    assert os.listdir(small_disk / "ingest") == []
    assert list(store.records.iter_images()) == []


@pytest.mark.root
def test_full_records_are_said_and_stay_sound(small_disk: Path) -> None:
    store = Store(small_disk)
    store.records.add_source(DIGEST, "hub", "first")
    filler = small_disk / "filler"
    with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    with pytest.raises(Exhausted):
        for number in range(1000):
            store.records.add_source(DIGEST, "hub", f"{number}" * 100)
    filler.unlink()
    assert ("hub", "first") in store.records.list_sources(DIGEST)
    store.records.add_source(DIGEST, "hub", "last")


def test_an_image_with_a_damaged_blob_is_healed_by_loading_it_again(tmp_path: Path) -> None:
    image = make_image(MemoryBlobs(), {"file": b"x" * 1000})
    with (tmp_path / "archive").open("wb") as out:
        save(out, [(image, [Reference.parse("app:1")])])
    store = Store(tmp_path / "store")
    layer = image.layers[0].descriptor
    for damage in (b"", b"short", bytes(layer.size)):
        with (tmp_path / "archive").open("rb") as stream:
            load(stream, store)
        validate(store.blobs, image.digest)
        store.blobs.path(layer.digest).unlink()
        store.blobs.path(layer.digest).write_bytes(damage)
        assert [finding.repaired for finding in store.check(repair=True)] == [True]
