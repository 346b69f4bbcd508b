"""What is kept of a layer: its packed bytes, its file, or both; what goes comes back to the bit when asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.busybox import make_tree
from support.disks import disk_directory
from support.registry_peer import running_registry
from support.terminal import Terminal

pytestmark = [pytest.mark.root, pytest.mark.peer("docker-registry")]


@pytest.fixture
def place() -> Iterator[Path]:
    with disk_directory() as path:
        yield path


@pytest.fixture
def registry(place: Path) -> Iterator[str]:
    with running_registry(place / "registry") as address:
        yield address


def capas(place: Path, name: str, keep: str = "layer") -> Terminal:
    return Terminal(place / name, {"CAPAS_STORE_KEEP": keep, "CAPAS_SNAPSHOTTER": "erofs"})


def build(capas: Terminal, place: Path, tag: str) -> None:
    context = make_tree(place / "context")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\nRUN echo made > /made\n")
    capas.ok("build", "-q", "--network", "none", "-t", tag, str(context))


def packed(capas: Terminal, image: str) -> dict[str, bool]:
    """The packed layers of an image by digest, and whether each is on disk."""
    manifest = capas.root / "store/blobs/sha256"
    described = json.loads(capas.ok("image", "inspect", image))[0]
    found = {}
    for path in manifest.iterdir():
        document = path.read_bytes()
        if document.startswith(b"{") and described["Id"].encode() in document and b'"layers"' in document:
            for layer in json.loads(document)["layers"]:
                found[layer["digest"]] = (manifest / layer["digest"].removeprefix("sha256:")).exists()
    assert found
    return found


def is_whole(capas: Terminal) -> bool:
    blobs = (capas.root / "store/blobs/sha256").iterdir()
    return all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in blobs)


def test_packed_bytes_of_layers_built_here_are_not_kept_and_a_push_makes_them_again(place: Path, registry: str) -> None:
    here, tag = capas(place, "a"), f"{registry}/me/tools"
    build(here, place, tag)
    assert set(packed(here, tag).values()) == {False}
    assert here.ok("run", "--rm", "--network", "none", tag, "cat", "/made") == "made\n"
    here.ok("push", "-q", tag)
    assert set(packed(here, tag).values()) == {True}
    assert is_whole(here)
    assert capas(place, "b").ok("run", "--rm", "--network", "none", tag, "cat", "/made") == "made\n"


def test_packed_bytes_of_pulled_layers_are_not_kept_and_a_push_elsewhere_fetches_them(
    place: Path, registry: str
) -> None:
    build(capas(place, "a"), place, f"{registry}/me/tools")
    capas(place, "a").ok("push", "-q", f"{registry}/me/tools")
    there = capas(place, "b")
    there.ok("pull", "-q", f"{registry}/me/tools")
    assert set(packed(there, f"{registry}/me/tools").values()) == {False}
    assert there.ok("pull", f"{registry}/me/tools").count("up to date") == 1
    with running_registry(place / "other") as other:
        there.ok("tag", f"{registry}/me/tools", f"{other}/me/tools")
        there.ok("push", "-q", f"{other}/me/tools")
        last = capas(place, "c", "both")
        assert last.ok("run", "--rm", "--network", "none", f"{other}/me/tools", "cat", "/made") == "made\n"
    assert is_whole(there)


def test_where_nobody_has_the_packed_bytes_any_more_the_layer_still_runs_and_the_error_says_why(place: Path) -> None:
    with running_registry(place / "registry") as registry:
        tag = f"{registry}/me/tools"
        build(capas(place, "a"), place, tag)
        capas(place, "a").ok("push", "-q", tag)
        there = capas(place, "b")
        there.ok("pull", "-q", tag)
    assert there.ok("run", "--rm", "--network", "none", tag, "cat", "/made") == "made\n"
    assert "are not kept here, and no registry gives them" in there.fails("save", "-o", str(place / "x.tar"), tag)


def test_system_df_says_what_is_not_kept_and_gc_forgets_it_with_the_image(place: Path) -> None:
    here = capas(place, "a")
    build(here, place, "tools")
    assert "of packed layers are not kept" in here.ok("system", "df")
    here.ok("rmi", "tools")
    here.ok("builder", "prune", "-f", "-a")
    assert "of packed layers are not kept" not in here.ok("system", "df")
    assert list((here.root / "store/layers").iterdir()) == []


def test_with_compressed_no_layer_file_outlives_the_containers_that_need_it(place: Path, registry: str) -> None:
    tag = f"{registry}/me/tools"
    build(capas(place, "a"), place, tag)
    capas(place, "a").ok("push", "-q", tag)
    here = capas(place, "b", "compressed")
    here.ok("pull", "-q", tag)
    assert not (here.root / "store/layers").exists()
    assert here.ok("run", "--name", "one", "--network", "none", tag, "cat", "/made") == "made\n"
    assert list((here.root / "store/layers").iterdir())
    here.ok("rm", "one")
    here.ok("image", "prune", "-f")
    assert list((here.root / "store/layers").iterdir()) == []
    assert here.ok("run", "--rm", "--network", "none", tag, "cat", "/made") == "made\n"


def test_with_compressed_a_layer_file_stays_whose_packed_bytes_were_not_kept(place: Path, registry: str) -> None:
    tag = f"{registry}/me/tools"
    build(capas(place, "a", "layer"), place, tag)
    here = capas(place, "a", "compressed")
    here.ok("builder", "prune", "-f", "-a")
    here.ok("image", "prune", "-f")
    assert here.ok("run", "--rm", "--network", "none", tag, "cat", "/made") == "made\n"
    here.ok("push", "-q", tag)
    here.ok("image", "prune", "-f")
    assert list((here.root / "store/layers").iterdir()) == []
    assert here.ok("run", "--rm", "--network", "none", tag, "cat", "/made") == "made\n"


def test_a_damaged_layer_file_is_found_and_made_again(place: Path) -> None:
    here = capas(place, "a", "both")
    build(here, place, "tools")
    layer = max((here.root / "store/layers").iterdir(), key=lambda path: path.stat().st_size)
    layer.chmod(0o600)
    with layer.open("r+b") as file:
        file.seek(100_000)
        file.write(b"\xff" * 10)
    done = here.run("system", "check")
    assert (done.returncode, f"damaged: sha256:{layer.name}" in done.stdout) == (1, True)
    here.ok("system", "check", "--repair")
    assert not layer.exists()
    assert here.ok("run", "--rm", "--network", "none", "tools", "cat", "/made") == "made\n"
    assert "whole" in here.ok("system", "check")


def test_keep_must_be_one_of_three(place: Path) -> None:
    assert "store.keep cannot be 'all'" in capas(place, "a", "all").fails("images")
