"""gc never takes what someone relies on, however pulls and gc interleave."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from capas.oci import media
from capas.oci.digest import Digest, ImageID
from capas.oci.platform import Platform
from capas.store.lease import Lease
from capas.store.put import put
from capas.store.records import ImageRecord
from capas.store.store import Store

NUMBERS = st.integers(0, 5)


def blob(number: int) -> bytes:
    return b"blob %d" % number


def record_of(number: int, digests: tuple[Digest, ...]) -> ImageRecord:
    return ImageRecord(
        ImageID.of(b"image %d" % number), digests[0], media.OCI_MANIFEST, 0, 0, Platform(), {}, None, digests,
    )  # fmt: skip


class Pulls(RuleBasedStateMachine):
    """Leases bring blobs or find them, turn them into images and end or die; gc comes at any time."""

    leases: Bundle[Lease] = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.store = Store(self.root)
        self.relied: dict[Lease, set[Digest]] = {}
        self.asked: dict[Lease, set[Digest]] = {}  # held, whether they were there or not
        self.images: dict[int, tuple[Digest, ...]] = {}

    def teardown(self) -> None:
        for lease in self.relied:
            lease.release()
        self.store.close()
        shutil.rmtree(self.root)

    @rule(target=leases)
    def begin(self) -> Lease:
        lease = self.store.lease()
        self.relied[lease] = set()
        self.asked[lease] = set()
        return lease

    @rule(lease=leases, number=NUMBERS)
    def bring(self, lease: Lease, number: int) -> None:
        self.relied[lease].add(put(lease.blobs, blob(number)))

    @rule(lease=leases, number=NUMBERS)
    def find(self, lease: Lease, number: int) -> None:
        digest = Digest.of(blob(number))
        self.asked[lease].add(digest)
        if lease.blobs.contains(digest):
            self.relied[lease].add(digest)

    @rule(lease=consumes(leases), number=NUMBERS)
    def finish(self, lease: Lease, number: int) -> None:
        digests = tuple(sorted(self.relied.pop(lease)))
        self.asked.pop(lease)
        if digests:
            self.store.records.put_image(record_of(number, digests))
            self.images[number] = digests
        lease.release()

    @rule(lease=consumes(leases))
    def fail(self, lease: Lease) -> None:
        self.relied.pop(lease)
        self.asked.pop(lease)
        lease.release()
        self.store.discard(lease.brought)

    @rule(number=NUMBERS)
    def remove_image(self, number: int) -> None:
        self.store.records.delete_image(ImageID.of(b"image %d" % number))
        self.images.pop(number, None)

    @rule()
    def collect(self) -> None:
        self.store.collect()
        kept = {digest for digest, _ in self.store.blobs.iterate()}
        assert self.needed() <= kept <= self.needed().union(*self.asked.values())

    @invariant()
    def nothing_needed_is_gone(self) -> None:
        assert all(self.store.blobs.contains(digest) for digest in self.needed())

    def needed(self) -> set[Digest]:
        return set().union(*self.relied.values(), *self.images.values())


Pulls.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestPulls = Pulls.TestCase


def test_gc_beside_pulls_in_threads_never_takes_what_they_rely_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stop = threading.Event()
    lost: list[object] = []

    def collect() -> None:
        while not stop.is_set():
            store.collect()

    def pull(number: int) -> None:
        try:
            for turn in range(25):
                with store.lease() as lease:
                    digests = tuple(put(lease.blobs, blob((number + turn + part) % 4)) for part in range(3))
                    lost.extend(digest for digest in digests if not store.blobs.contains(digest))
                    store.records.put_image(record_of(number, digests))
                lost.extend(digest for digest in digests if not store.blobs.contains(digest))
                store.records.delete_image(ImageID.of(b"image %d" % number))
        except BaseException as error:
            lost.append(error)

    pulls = [threading.Thread(target=pull, args=(number,)) for number in range(3)]
    collector = threading.Thread(target=collect)
    for thread in (*pulls, collector):
        thread.start()
    for thread in pulls:
        thread.join()
    stop.set()
    collector.join()
    assert lost == []
