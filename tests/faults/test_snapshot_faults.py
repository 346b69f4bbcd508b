"""Snapshots on a disk that is full."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from capas.errors import Exhausted
from capas.oci.digest import DiffID
from capas.snapshot.contract import Snapshotter
from capas.snapshot.copying import CopySnapshotter
from capas.snapshot.namespaces import in_private_mounts
from capas.snapshot.overlay import OverlaySnapshotter
from capas.snapshot.syscalls import mount
from support.changesets import changeset, file

pytestmark = pytest.mark.root


@pytest.mark.parametrize("driver", [OverlaySnapshotter, CopySnapshotter])
def test_a_full_disk_is_said_and_nothing_is_left_of_the_layer(driver: Callable[[Path], Snapshotter]) -> None:
    tar = changeset(*(file(f"f{n}", bytes(100_000)) for n in range(30)))
    small = changeset(file("a"))

    def work() -> None:
        mount(b"none", os.fsencode(place), type=b"tmpfs", data=b"size=1m")
        snapshotter = driver(Path(place))
        with pytest.raises(Exhausted):
            snapshotter.add_layer(DiffID.of(tar), io.BytesIO(tar))
        assert not snapshotter.has_layer(DiffID.of(tar))
        assert not os.listdir(f"{place}/ingest")
        assert not os.listdir(f"{place}/trash")
        snapshotter.add_layer(DiffID.of(small), io.BytesIO(small))
        assert snapshotter.has_layer(DiffID.of(small))

    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        in_private_mounts(work)
