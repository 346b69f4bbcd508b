"""A layer file, mounted, is what unpacking the layer by itself gives; its table of contents is the tar's."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from capas.errors import CapasError
from capas.layer.applied import Applied
from capas.layer.apply import apply
from capas.layer.contents import Contents, read_contents
from capas.layer.files import LayerFiles
from capas.layer.tree import Tree
from capas.layer.writer import TarWriter
from capas.oci.digest import DiffID
from capas.snapshot.layer_mounts import mount_layer
from capas.snapshot.namespaces import in_private_mounts
from support import plain_layers
from support.any_layers import layers
from support.changesets import Member, changeset
from support.disks import disk_directory
from support.trees import Seen, look

PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


def unpacked(tar: bytes, target: Path) -> tuple[dict[bytes, Seen], Applied]:
    """The tree that `apply` writes, and its notes."""
    target.mkdir()
    applied = apply(io.BytesIO(tar), target, style="overlay")
    return look_at(target), applied


def look_at(tree: Path) -> dict[bytes, Seen]:
    """As `look`, with the marks of overlayfs. When a mark was made does not matter."""
    seen = {
        path: found._replace(mtime_ns=0) if stat.S_ISCHR(found.mode) and found.device == (0, 0) else found
        for path, found in look(tree).items()
    }
    for path, found in seen.items():
        place = os.path.join(os.fsencode(tree), path)
        marks = [n for n in os.listxattr(place, follow_symlinks=False) if n.startswith("trusted.overlay")]
        if marks:
            seen[path] = found._replace(xattrs=(*found.xattrs, (marks[0], b"y")))
    return seen


def mounted(files: LayerFiles, diff_id: DiffID, place: Path) -> dict[bytes, Seen]:
    def work() -> dict[bytes, Seen]:
        mount_layer(files.path(diff_id), place)
        return look_at(place)

    place.mkdir()
    return in_private_mounts(work)


def in_any_order(applied: Applied) -> Applied:
    sets = {
        name: tuple(sorted(getattr(applied, name))) for name in ("whiteouts", "opaques", "implicit", "bare", "links")
    }
    return applied._replace(skipped=(), **sets)  # type: ignore[arg-type]


@pytest.mark.root
@settings(max_examples=300, deadline=None, phases=PHASES)
@given(layers)
def test_what_is_mounted_is_what_is_unpacked(layer: list[Member]) -> None:
    tar = changeset(*layer)
    with disk_directory() as place:
        files, diff_id = LayerFiles(place / "files"), DiffID.of(tar)
        try:
            expected, notes = unpacked(tar, place / "plain")
        except CapasError as error:
            with pytest.raises(type(error)):
                files.add(diff_id, io.BytesIO(tar))
            assert list(files.iterate()) == []
            return
        files.add(diff_id, io.BytesIO(tar))
        assert mounted(files, diff_id, place / "shown") == expected
        with files.open(diff_id) as layer_file:
            layer_file.verify()
            assert in_any_order(layer_file.notes()) == in_any_order(notes)
            assert layer_file.open_tar().read() == tar


@settings(max_examples=200, deadline=None, phases=PHASES)
@given(plain_layers.bottoms, st.lists(plain_layers.layers, max_size=2))
def test_the_table_of_contents_shows_the_tree_that_the_tars_show(
    bottom: list[Member], rest: list[list[Member]]
) -> None:
    assume(plain_layers.is_plain_stack(bottom, rest))
    tars = [changeset(*plain_layers.in_order(layer)) for layer in (bottom, *rest)]
    with disk_directory() as place:
        files = LayerFiles(place)
        try:
            expected = seen_in([read_contents(io.BytesIO(tar)) for tar in tars], tars)
            for tar in tars:
                files.add(DiffID.of(tar), io.BytesIO(tar))
        except CapasError:
            assume(False)
        found = []
        for tar in tars:
            with files.open(DiffID.of(tar)) as layer_file:
                found.append(Contents.of(layer_file.entries()))
        assert seen_in(found, tars) == expected


def seen_in(contents: list[Contents], tars: list[bytes]) -> list[tuple[object, ...]]:
    tree = Tree(contents, lambda number: io.BytesIO(tars[number]))
    seen: list[tuple[object, ...]] = []
    for entry in tree.iter():
        data = tree.open(entry.path).read() if entry.kind == b"0" else b""
        seen.append((entry._replace(offset=-1), data))
    return seen


@settings(max_examples=100, deadline=None, phases=PHASES)
@given(layers)
def test_a_layer_that_is_built_is_the_file_that_a_pull_writes(layer: list[Member]) -> None:
    tar = changeset(*layer)
    with disk_directory() as place:
        pulled, built = LayerFiles(place / "pulled"), LayerFiles(place / "built")
        try:
            pulled.add(DiffID.of(tar), io.BytesIO(tar))
        except CapasError:
            assume(False)
        with built.begin() as writer:
            out = TarWriter(writer.write, writer.add)
            for entry, data in layer:
                out.add(entry, io.BytesIO(data))
            out.finish()
            diff_id = writer.commit()
        assert built.path(diff_id).read_bytes() == pulled.path(diff_id).read_bytes()
