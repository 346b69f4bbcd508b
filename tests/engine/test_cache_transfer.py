"""Cache mounts carried from one machine to another, by a directory and by a registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.build.cache_mounts import CacheKind, CacheMounts
from capas.engine.engine import Engine
from capas.engine.platforms import host_platform
from capas.errors import Conflict, Corrupt, Invalid, NotFound
from capas.events import Event, Finished
from capas.image.edit import assemble
from capas.image.layout import Layout
from capas.oci.config import Config
from capas.reference import Reference
from capas.registry.push import push
from capas.settings import load_settings
from support.hub import running_hub

pytestmark = pytest.mark.root


class Machine:
    """An engine with cache mounts."""

    def __init__(self, root: Path) -> None:
        environ = {"CAPAS_ROOT": str(root / "store"), "CAPAS_RUN_ROOT": str(root / "run"), "HOME": str(root)}
        self.engine = Engine(load_settings(environ))
        self.mounts = CacheMounts(root / "store" / "cache" / "mounts", lambda: 5)
        self.events: list[Event] = []

    def fill(self, name: str, **files: str) -> Path:
        """A cache with these files, owned by somebody."""
        with self.mounts.held(CacheKind(name, uid=7, mode=0o750), "locked") as tree:
            for path, text in files.items():
                (tree / path).write_text(text)
                os.utime(tree / path, ns=(1_700_000_000_000_000_001, 1_700_000_000_000_000_001))
            (tree / "link").unlink(missing_ok=True)
            (tree / "link").symlink_to("/etc/passwd")
        return tree

    def tree(self, name: str) -> Path:
        return next(one.path / "fs" for one in self.mounts.iterate() if one.kind.id == name)

    def said(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Finished)]


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """A machine with the caches `go` and `pip`."""
    machine = Machine(tmp_path / "here")
    machine.fill("go", a="one", b="two" * 1000)
    machine.fill("pip", c="three")
    return machine


@pytest.fixture
def there(tmp_path: Path) -> Machine:
    """A machine without any."""
    return Machine(tmp_path / "there")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A registry."""
    with running_hub(tmp_path / "hub") as found:
        yield found


@pytest.fixture(params=["layout", "registry"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where caches can lie in between."""
    if request.param == "layout":
        return f"oci-layout://{tmp_path}/out"
    return f"{request.getfixturevalue('address')}/team/caches:main"


def test_caches_arrive_as_they_were(here: Machine, there: Machine, place: str) -> None:
    here.engine.builder.export_mounts(place)
    assert sorted(kind.id for kind in there.engine.builder.import_mounts(place)) == ["go", "pip"]
    for name in ("go", "pip"):
        ours, theirs = here.tree(name), there.tree(name)
        assert sorted(os.listdir(theirs)) == sorted(os.listdir(ours))
        assert (theirs.stat().st_uid, theirs.stat().st_mode) == (ours.stat().st_uid, ours.stat().st_mode)
        assert os.readlink(theirs / "link") == "/etc/passwd"
    assert (there.tree("go") / "a").stat().st_mtime_ns == 1_700_000_000_000_000_001
    assert {one.kind for one in there.mounts.iterate()} == {one.kind for one in here.mounts.iterate()}


def test_a_cache_that_did_not_change_is_not_sent_again(here: Machine, address: str) -> None:
    place = f"{address}/team/caches:main"
    first = here.engine.builder.export_mounts(place)
    here.mounts.remove(next(one.name for one in here.mounts.iterate() if one.kind.id == "pip"))
    here.fill("pip", c="changed")
    second = here.engine.builder.export_mounts(place, report=here.events.append)
    assert first != second
    assert sorted(text for text in here.said() if text != "Packed") == ["Layer already exists", "Pushed"]


def test_the_same_caches_are_the_same_bytes_anywhere(here: Machine, there: Machine, place: str) -> None:
    digest = here.engine.builder.export_mounts(place)
    there.engine.builder.import_mounts(place)
    assert there.engine.builder.export_mounts(place) == digest


def test_nothing_of_an_export_stays_in_the_store(here: Machine, place: str) -> None:
    here.engine.builder.export_mounts(place)
    assert list(here.engine.store.blobs.iterate()) == []
    assert list(here.engine.store.records.iter_images()) == []


def test_what_is_here_stays_unless_it_is_to_be_replaced(here: Machine, there: Machine, place: str) -> None:
    here.engine.builder.export_mounts(place)
    there.fill("go", a="mine", mine="too")
    assert [kind.id for kind in there.engine.builder.import_mounts(place)] == ["pip"]
    assert (there.tree("go") / "a").read_text() == "mine"
    assert len(there.engine.builder.import_mounts(place, over=True)) == 2
    assert (there.tree("go") / "a").read_text() == "one"
    assert not (there.tree("go") / "mine").exists()


def test_only_the_caches_asked_for_are_sent(here: Machine, there: Machine, place: str) -> None:
    here.engine.builder.export_mounts(place, ids=["pip"])
    assert [kind.id for kind in there.engine.builder.import_mounts(place)] == ["pip"]
    with pytest.raises(NotFound, match="no cache mount nosuch"):
        here.engine.builder.export_mounts(place, ids=["nosuch"])
    with pytest.raises(NotFound, match="there are no cache mounts here"):
        Machine(here.engine.settings.root / "other").engine.builder.export_mounts(place)


def test_a_cache_in_use_is_not_replaced(here: Machine, there: Machine, place: str) -> None:
    here.engine.builder.export_mounts(place)
    there.fill("go", a="mine")
    with there.mounts.held(CacheKind("go", uid=7, mode=0o750), "shared"), pytest.raises(Conflict, match="is in use"):
        there.engine.builder.import_mounts(place, over=True)
    assert (there.tree("go") / "a").read_text() == "mine"


def test_bytes_that_are_not_the_caches_make_none(here: Machine, there: Machine, tmp_path: Path) -> None:
    place = f"oci-layout://{tmp_path}/out"
    here.engine.builder.export_mounts(place, ids=["pip"])
    (layer,) = Layout(tmp_path / "out").find(host_platform()).manifest.layers
    path = tmp_path / "out/blobs/sha256" / layer.digest.hex
    path.chmod(0o600)
    here.engine.builder.export_mounts(f"oci-layout://{tmp_path}/other", ids=["go"])
    other = Layout(tmp_path / "other").find(host_platform()).manifest.layers[0]
    path.write_bytes((tmp_path / "other/blobs/sha256" / other.digest.hex).read_bytes())
    with pytest.raises(Corrupt):
        there.engine.builder.import_mounts(place)
    assert list(there.mounts.iterate()) == []


def test_an_image_of_something_else_is_no_cache(here: Machine, there: Machine, address: str) -> None:
    image = assemble(there.engine.store.blobs, Config(architecture="amd64", os="linux"), [])
    push(there.engine.client, Reference.parse(f"{address}/a/image:1"), image)
    with pytest.raises(Invalid, match="holds no cache mounts"):
        here.engine.builder.import_mounts(f"{address}/a/image:1")


def test_a_directory_must_be_named(here: Machine) -> None:
    with pytest.raises(Invalid, match="names no directory"):
        here.engine.builder.export_mounts("oci-layout://")
