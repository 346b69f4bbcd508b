"""Layer files before judges from outside: Debian's fsck.erofs, and the trees that GNU tar and fsck.erofs unpack."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings

from capas.errors import CapasError
from capas.layer.diff import iter_tree, write_changes
from capas.layer.erofs.file import LayerFile
from capas.layer.files import LayerFiles
from capas.layer.writer import TarWriter
from capas.oci.digest import DiffID
from capas.snapshot.layer_mounts import mount_layer
from capas.snapshot.namespaces import in_private_mounts
from support import erofs_utils
from support.any_layers import layers
from support.busybox import make_tree
from support.changesets import Member, changeset, directory
from support.disks import disk_directory
from support.odd_layers import ACL, odd_tar, sparse_tar
from support.trees import Seen, look

LAYERS = {
    "of everything": odd_tar, "of files with holes": sparse_tar, "empty": lambda: bytes(1024),
    "without a byte": lambda: b"", "the root alone": lambda: changeset(directory("", 0o711)),
}  # fmt: skip


@pytest.fixture
def place() -> Iterator[Path]:
    with disk_directory() as path:
        yield path


def added(folder: Path, tar: bytes) -> Path:
    files = LayerFiles(folder)
    files.add(DiffID.of(tar), io.BytesIO(tar))
    return files.path(DiffID.of(tar))


@pytest.mark.parametrize("layer", LAYERS)
def test_fsck_has_nothing_to_say_of_a_layer(layer: str, tmp_path: Path) -> None:
    assert erofs_utils.complaints(added(tmp_path, LAYERS[layer]())) == ""


def test_fsck_has_nothing_to_say_of_an_image_that_runs(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with LayerFiles(tmp_path / "files").begin() as file:
        tar = TarWriter(file.write, file.add)
        write_changes(iter_tree(make_tree(tmp_path / "tree")), tar)
        tar.finish()
        path = tmp_path / "files" / file.commit().hex
    assert erofs_utils.complaints(path) == ""


@settings(
    max_examples=100, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(layers)
def test_fsck_has_nothing_to_say_of_any_layer(tmp_path: Path, layer: list[Member]) -> None:
    try:
        path = added(tmp_path, changeset(*layer))
    except CapasError:
        assume(False)
    assert erofs_utils.complaints(path) == ""


def test_fsck_complains_of_a_file_that_is_damaged(tmp_path: Path) -> None:
    path = added(tmp_path, odd_tar())
    with LayerFile(path) as layer:
        metadata = layer.record.metadata
    (tmp_path / "damaged").write_bytes(path.read_bytes()[:metadata].ljust(path.stat().st_size, b"\0"))
    assert erofs_utils.complaints(tmp_path / "damaged")


def test_the_superblock_says_what_it_is(tmp_path: Path) -> None:
    said = erofs_utils.describe(added(tmp_path, odd_tar()))
    assert "blocksize:                         512" in said
    assert f"{DiffID.of(odd_tar()).hex[:8]}-" in said


@pytest.mark.root
@pytest.mark.peer("tar")
def test_a_mounted_layer_is_what_gnu_tar_unpacks(place: Path) -> None:
    theirs, ours = by_tar(odd_tar(), place / "tar"), by_mount(added(place / "files", odd_tar()), place / "shown")
    assert sorted(theirs) == sorted(ours)
    assert ours[b"d/acl"].xattrs == (("system.posix_acl_access", ACL),)
    for path in (b"holes", b"many", b"unlisted", b"unlisted/deep", b"unlisted/deep/down"):
        assert ours[path].mtime_ns == 0  # the layer does not list it: tar gives it the time of the unpacking
        theirs[path] = theirs[path]._replace(mtime_ns=0)
    assert different(ours, theirs) == {}


@pytest.mark.root
def test_a_mounted_layer_is_what_fsck_extracts(place: Path) -> None:
    path = added(place / "files", odd_tar())
    erofs_utils.extract(path, place / "fsck")
    theirs, ours = look(place / "fsck"), by_mount(path, place / "shown")
    assert sorted(theirs) == sorted(ours)
    theirs[b"d/capable"] = theirs[b"d/capable"]._replace(xattrs=ours[b"d/capable"].xattrs)  # its chown comes too late
    assert different(ours, theirs) == {}


def by_tar(tar: bytes, target: Path) -> dict[bytes, Seen]:
    target.mkdir()
    flags = ["--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-owner", "--delay-directory-restore"]
    subprocess.run(["tar", "-xp", *flags, "-C", target], input=tar, check=True, stderr=subprocess.DEVNULL)
    return look(target)


def by_mount(file: Path, target: Path) -> dict[bytes, Seen]:
    def work() -> dict[bytes, Seen]:
        mount_layer(file, target)
        return look(target)

    target.mkdir()
    return in_private_mounts(work)


def different(ours: dict[bytes, Seen], theirs: dict[bytes, Seen]) -> dict[bytes, tuple[Seen, Seen]]:
    return {path: (ours[path], theirs[path]) for path in ours if ours[path] != theirs[path]}
