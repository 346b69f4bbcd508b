"""Containers to test with: a busybox tree, a store on a disk, both runtimes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.oci.digest import ChainID
from capas.run.runtime import Runtime, find_runtime
from capas.snapshot.choose import open_snapshotter
from capas.snapshot.contract import Snapshotter
from support.busybox import stack_tree
from support.containers import PLACES, Lab, opened_lab
from support.disks import disk_directory


@pytest.fixture
def ground() -> Iterator[Path]:
    """A short-lived directory where every driver works that this machine has."""
    with disk_directory() as path:
        yield path


@pytest.fixture(params=["crun", "runc"])
def runtime(request: pytest.FixtureRequest) -> Runtime:
    """Each runtime in turn."""
    if shutil.which(request.param, path=PLACES) is None:
        pytest.fail(f"the peer {request.param} is not installed: `make test` installs it")
    return find_runtime(request.param, PLACES)


@pytest.fixture
def snapshotter(ground: Path) -> Snapshotter:
    """The driver that Capas chooses here."""
    return open_snapshotter(ground / "root", wanted=None)[0]


@pytest.fixture
def base(ground: Path, snapshotter: Snapshotter) -> ChainID:
    """The busybox tree, stacked."""
    return stack_tree(snapshotter, ground / "busybox")


@pytest.fixture
def lab(ground: Path, snapshotter: Snapshotter, base: ChainID) -> Iterator[Lab]:
    """Containers on busybox under the quicker runtime."""
    with opened_lab(ground, snapshotter, base, find_runtime(None, PLACES)) as lab:
        yield lab


@pytest.fixture
def each_lab(ground: Path, snapshotter: Snapshotter, base: ChainID, runtime: Runtime) -> Iterator[Lab]:
    """Containers on busybox under each runtime in turn."""
    with opened_lab(ground, snapshotter, base, runtime) as lab:
        yield lab
