"""Changesets that try to leave the root, or to delete outside it: whatever happens, nothing outside changes.

After the cases of containerd's TestBreakouts and umoci's tests, with payloads of our own.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from capas.errors import CapasError, Corrupt
from capas.layer.apply import apply
from capas.layer.entry import Entry
from capas.layer.files import LayerFiles
from capas.oci.digest import DiffID
from capas.snapshot.layer_mounts import mount_layer
from capas.snapshot.namespaces import in_private_mounts
from support.changesets import Member, changeset, directory, file, hardlink, symlink
from support.disks import disk_directory
from support.trees import Seen, look

BAD = b"bad"
DEEP_CHAIN = [symlink(f"l{n}", f"l{n - 1}/" + "x/../" * 300) for n in range(1, 60)]
CASES: dict[str, list[Member]] = {
    "SymlinkAbsolute": [symlink("out", "/"), file("out/victim", BAD)],
    "SymlinkAbsoluteOutside": [symlink("out", "{outside}"), file("out/victim", BAD)],
    "SymlinkUpAndOut": [symlink("out", "../outside"), file("out/victim", BAD)],
    "SymlinkUpAndOutDeep": [directory("a/b"), symlink("a/b/out", "../../../outside"), file("a/b/out/victim", BAD)],
    "SymlinkToSymlink": [symlink("a", "b"), symlink("b", "../outside"), file("a/victim", BAD)],
    "SymlinkParentDirectory": [symlink("up", ".."), file("up/outside/victim", BAD)],
    "SymlinkChainToParent": [symlink("a", ".."), symlink("b", "a/.."), file("b/outside/victim", BAD)],
    "SymlinkEmptyFilename": [symlink("out", "../outside"), file("out", BAD)],
    "SymlinkOverride": [symlink("f", "../outside/victim"), file("f", BAD)],
    "SymlinkOverrideAbsolute": [symlink("f", "{outside}/victim"), file("f", BAD)],
    "DirectoryOverrideSymlink": [symlink("d", "../outside"), directory("d", 0o777), file("d/victim", BAD)],
    "SymlinkOverrideDirectory": [directory("d"), symlink("d", "../outside"), file("d/victim", BAD)],
    "HardlinkUpAndOut": [hardlink("h", "x/../../outside/victim"), file("h", BAD)],
    "HardlinkAbsolute": [hardlink("h", "{outside}/victim"), file("h", BAD)],
    "HardlinkThroughSymlink": [symlink("out", "../outside"), hardlink("h", "out/victim"), file("h", BAD)],
    "HardlinkToSymlink": [symlink("s", "../outside/victim"), hardlink("h", "s"), file("h", BAD)],
    "HardlinkSymlinkChmod": [symlink("s", "../outside/victim"), hardlink("h", "s", mode=0o777)],
    "HardlinkSymlinkChown": [symlink("s", "{outside}/victim"), hardlink("h", "s", uid=1, gid=1)],
    "HardlinkSymlinkBeforeCreateTarget": [symlink("s", "../outside/new"), hardlink("h", "s"), file("h/x", BAD)],
    "HardlinkIntoSymlinkParent": [symlink("out", "../outside"), file("f", BAD), hardlink("out/victim", "f")],
    "HardlinkToHost": [hardlink("h", "etc/passwd"), file("h", BAD)],
    "DeviceThroughSymlink": [symlink("out", "../outside"), (Entry(b"out/p", b"6"), b"")],
    "WhiteoutRoot": [file(".wh.", b"")],
    "WhiteoutRootParent": [file(".wh...", b"")],
    "WhiteoutCurrentDirectory": [file("a/.wh..", b"")],
    "WhiteoutParent": [directory("a"), file("a/.wh...", b"")],
    "WhiteoutSymlink": [symlink("s", "../outside/victim"), file(".wh.s")],
    "WhiteoutSymlinkPath": [symlink("out", "../outside"), file("out/.wh.victim")],
    "WhiteoutSymlinkPathAbsolute": [symlink("out", "{outside}"), file("out/.wh.victim")],
    "WhiteoutSymlinkParent": [symlink("out", ".."), file("out/outside/.wh.victim"), file("out/.wh.outside")],
    "WhiteoutDirectoryName": [directory(".wh.d"), file(".wh.d/victim", BAD)],
    "WhiteoutDeadSymlinkParent": [symlink("out", "../nowhere"), file("out/.wh.victim")],
    "WhiteoutRelativePath": [file("x/../.wh.victim"), file("./a/./../.wh.b")],
    "OpaqueThroughSymlink": [symlink("out", "../outside"), file("out/.wh..wh..opq")],
    "OpaqueRoot": [file(".wh..wh..opq")],
    "AufsPlink": [directory(".wh..wh.plnk"), file(".wh..wh.plnk/1.2", BAD), hardlink("h", ".wh..wh.plnk/1.2")],
    "NameUpAndOut": [(Entry(b"../outside/victim", size=3), BAD)],
    "NameAbsolute": [(Entry(b"/outside/victim", size=3), BAD)],
    "NameUpInside": [(Entry(b"a/../../outside/victim", size=3), BAD)],
    "RootIsASymlink": [symlink(".", "../outside"), file("victim", BAD)],
    "SymlinkSelf": [symlink("s", "s"), file("s/victim", BAD)],
    "SymlinkLoop": [symlink("a", "b"), symlink("b", "a"), file("a/victim", BAD)],
    "SymlinkSlashes": [symlink("out", "//..//../outside"), file("out/victim", BAD)],
    "SymlinkChainOfPathMax": [symlink("l0", "."), *DEEP_CHAIN, file("l59/../outside/victim", BAD)],
    "NonDirectoryParent": [file("f", b"1"), file("f/g", b"2")],
    "ProcSelf": [symlink("cwd", "/proc/self/cwd"), symlink("fd", "/proc/self/fd/0"), file("cwd/victim", BAD)],
}


@pytest.mark.parametrize("style", ["plain", "notes", "overlay"])
@pytest.mark.parametrize("case", CASES)
def test_nothing_outside_the_root_changes(tmp_path: Path, case: str, style: str) -> None:
    if style == "overlay" and os.geteuid() != 0:
        pytest.skip("overlayfs' marks need root")
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    root.mkdir()
    (outside / "victim").write_bytes(b"good")
    before = _seen(outside)
    try:
        apply(io.BytesIO(changeset(*_placed(CASES[case], outside))), root, style=style, lenient=True)  # type: ignore[arg-type]
    except CapasError as error:
        assert str(error)
    assert _seen(outside) == before
    assert sorted(os.listdir(tmp_path)) == ["outside", "root"]


@pytest.mark.parametrize("case", ["WhiteoutRoot", "WhiteoutParent", "NameUpAndOut", "SymlinkLoop", "RootIsASymlink"])
def test_what_makes_no_sense_is_refused(tmp_path: Path, case: str) -> None:
    with pytest.raises(Corrupt):
        apply(io.BytesIO(changeset(*CASES[case])), tmp_path, style="plain", lenient=True)


def test_links_are_followed_inside_the_root(tmp_path: Path) -> None:
    members = [directory("real"), symlink("abs", "/real"), symlink("up", "../../../real"), file("abs/a"), file("up/b")]
    apply(io.BytesIO(changeset(*members)), tmp_path, style="plain")
    assert sorted(os.listdir(tmp_path / "real")) == ["a", "b"]


def test_whiteout_names_never_show(tmp_path: Path) -> None:
    members = [file("a/.wh.b"), file("a/.wh..wh..opq"), file(".wh..wh.aufs"), directory(".wh..wh.orph"), file("a/c")]
    apply(io.BytesIO(changeset(*members)), tmp_path, style="notes")
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "c"]


@pytest.mark.root
@pytest.mark.parametrize("case", CASES)
def test_a_layer_file_shows_what_unpacking_gives_or_is_refused_as_well(case: str) -> None:
    with disk_directory() as place:
        tar = changeset(*_placed(CASES[case], place / "outside"))
        files, diff_id = LayerFiles(place / "files"), DiffID.of(tar)
        (place / "plain").mkdir()
        (place / "shown").mkdir()
        try:
            apply(io.BytesIO(tar), place / "plain", style="overlay")
        except CapasError as error:
            with pytest.raises(type(error)):
                files.add(diff_id, io.BytesIO(tar))
            assert list(files.iterate()) == []
            return
        files.add(diff_id, io.BytesIO(tar))

        def work() -> dict[bytes, Seen]:
            mount_layer(files.path(diff_id), place / "shown")
            return look(place / "shown", times=False)

        assert in_private_mounts(work) == look(place / "plain", times=False)


def _placed(members: list[Member], outside: Path) -> list[Member]:
    place = os.fsencode(outside)
    return [(entry._replace(target=entry.target.replace(b"{outside}", place)), data) for entry, data in members]


def _seen(folder: Path) -> list[object]:
    paths = sorted([folder, *folder.rglob("*")])
    return [(path, s.st_mode, s.st_uid, s.st_nlink, s.st_mtime_ns, s.st_size) for path in paths if (s := path.lstat())]
