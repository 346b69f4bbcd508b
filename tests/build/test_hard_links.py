"""Hard links that COPY and ADD meet: names of one file, coming by one source, are one file in the layer too."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capas.build.placement import Placement
from capas.build.selection import content_key, pick
from capas.build.sources.digests import FileDigests
from capas.build.sources.directory import DirectoryFiles
from capas.layer.entry import FILE, HARDLINK, Entry
from support.building import Workshop, write_files


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context in which d/a, d/b and d/sub/c are one file, and e/a and e/b another, x.txt and y.txt a third."""
    root = write_files(tmp_path / "context", {"d/a": "shared", "d/sub/own": "own", "e/a": "e", "x.txt": "x"})
    os.link(root / "d/a", root / "d/b")
    os.link(root / "d/a", root / "d/sub/c")
    os.link(root / "e/a", root / "e/b")
    os.link(root / "x.txt", root / "y.txt")
    return root


def links(workshop: Workshop, context: str | Path, lines: str, **wishes: object) -> dict[str, str]:
    """The hard links in the last layer of a build: name → the name of the file."""
    built = workshop.build(context, dockerfile_text=f"FROM base\n{lines}", **wishes)
    entries = workshop.layer_entries(built.image)
    return {os.fsdecode(one.path): os.fsdecode(one.target) for one in entries if one.kind == HARDLINK}


def test_names_of_one_file_in_a_directory_stay_one_file(workshop: Workshop, context: Path) -> None:
    assert links(workshop, context, "COPY d /d") == {"d/b": "d/a", "d/sub/c": "d/a"}


def test_all_names_read_the_same(workshop: Workshop, context: Path) -> None:
    image = workshop.build(context, dockerfile_text="FROM base\nCOPY d /d").image
    assert {workshop.read(image, name) for name in ("d/a", "d/b", "d/sub/c")} == {b"shared"}


def test_the_first_name_in_byte_order_is_the_file(workshop: Workshop, context: Path) -> None:
    os.link(context / "d/sub/c", context / "d/sub.c")  # a walk comes to sub/ first
    (context / "d/a").unlink()
    (context / "d/b").unlink()
    assert links(workshop, context, "COPY d /d") == {"d/sub/c": "d/sub.c"}


def test_a_link_is_kept_with_link_as_well(workshop: Workshop, context: Path) -> None:
    assert links(workshop, context, "COPY --link e /e") == {"e/b": "e/a"}


@pytest.mark.parametrize("line", ["COPY x.txt y.txt /t/", "COPY *.txt /t/", "COPY d/a d/sub /t/"])
def test_names_that_come_by_different_sources_are_files_of_their_own(
    workshop: Workshop, context: Path, line: str
) -> None:
    assert links(workshop, context, line) == {}


def test_all_that_one_pattern_of_parents_names_is_one_source(workshop: Workshop, context: Path) -> None:
    assert links(workshop, context, "COPY --parents *.txt /t/") == {"t/y.txt": "t/x.txt"}


def test_a_file_whose_other_names_are_not_copied_is_a_file(workshop: Workshop, context: Path) -> None:
    assert links(workshop, context, "COPY d/sub /sub") == {}


def test_an_excluded_name_is_no_target(workshop: Workshop, context: Path) -> None:
    assert links(workshop, context, "COPY --exclude=a d /d") == {"d/sub/c": "d/b"}


def test_a_name_that_a_later_source_takes_is_no_target(workshop: Workshop, context: Path) -> None:
    assert links(workshop, context, "COPY d e /t/") == {"t/b": "t/a"}  # both of e; sub/c is all that is left of d


def test_flags_dress_the_one_file(workshop: Workshop, context: Path) -> None:
    built = workshop.build(context, dockerfile_text="FROM base\nCOPY --chown=5:6 --chmod=600 e /e")
    entries = [one for one in workshop.layer_entries(built.image) if one.kind in (FILE, HARDLINK)]
    assert [(one.mode, one.uid, one.gid) for one in entries] == [(0o600, 5, 6)] * 2


def test_links_of_a_stage_are_kept(workshop: Workshop, context: Path) -> None:
    lines = "COPY d /d\nFROM base\nCOPY --from=0 /d /got"
    assert links(workshop, context, lines) == {"got/b": "got/a", "got/sub/c": "got/a"}


def test_a_name_that_a_later_layer_of_a_stage_has_anew_is_a_file_of_its_own(workshop: Workshop, context: Path) -> None:
    lines = "COPY e /e\nCOPY x.txt /e/b\nFROM base\nCOPY --from=0 /e /got"
    assert links(workshop, context, lines) == {}


def test_links_of_an_archive_that_is_unpacked_are_kept(workshop: Workshop, tmp_path: Path) -> None:
    context = write_files(tmp_path / "c", {"a.tar": tar_of({"p/x": b"1", "p/z": b"1"}, {"p/y": "p/x", "empty": "p/z"})})
    assert links(workshop, context, "ADD a.tar /o/") == {"o/p/y": "o/p/x", "o/p/z": "o/empty"}


def test_links_of_two_archives_are_kept_apart(workshop: Workshop, tmp_path: Path) -> None:
    archives = {"1.tar": tar_of({"a": b"1"}, {"b": "a"}), "2.tar": tar_of({"c": b"2"}, {"d": "c"})}
    context = write_files(tmp_path / "c", archives)
    assert links(workshop, context, "ADD 1.tar 2.tar /o/") == {"o/b": "o/a", "o/d": "o/c"}


def test_links_of_a_context_that_is_a_tar_are_kept(workshop: Workshop) -> None:
    data = tar_of({"Dockerfile": b"", "d/x": b"1"}, {"d/y": "d/x"})
    assert links(workshop, "-", "COPY d /o", stdin=io.BytesIO(data)) == {"o/y": "o/x"}


def test_going_back_to_the_link_finds_the_older_result(workshop: Workshop, context: Path) -> None:
    first = links(workshop, context, "COPY e /e")
    apart(context / "e/b")
    assert links(workshop, context, "COPY e /e") == {}
    (context / "e/b").unlink()
    os.link(context / "e/a", context / "e/b")
    assert links(workshop, context, "COPY e /e") == first
    assert workshop.cached()["2/2"]


def test_a_link_from_outside_what_is_copied_changes_nothing(workshop: Workshop, context: Path) -> None:
    first = workshop.build(context, dockerfile_text="FROM base\nCOPY d/sub /s").image.id
    for name in ("own", "c"):
        os.link(context / "d/sub" / name, context / f"more-{name}")
    assert workshop.build(context, dockerfile_text="FROM base\nCOPY d/sub /s").image.id == first
    assert workshop.cached()["2/2"]


def test_which_names_are_one_file_tells_keys_apart(tmp_path: Path) -> None:
    one = write_files(tmp_path / "1", {"a": "same", "b": "same"})
    two = write_files(tmp_path / "2", {"a": "same", "b": "same"})
    os.link(one / "a", one / "c")
    os.link(two / "b", two / "c")
    assert key_of(one) != key_of(two)


def test_a_file_is_read_once_however_many_names_it_has(
    workshop: Workshop, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []
    whole = DirectoryFiles.open

    def watched(files: DirectoryFiles, entry: Entry) -> BinaryIO:
        opened.append(entry.path)
        return whole(files, entry)

    monkeypatch.setattr(DirectoryFiles, "open", watched)
    workshop.build(context, dockerfile_text="FROM base\nCOPY d /d")
    assert sorted(opened) == [b"d/a", b"d/sub/own"]


@given(st.dictionaries(st.text("ab.", min_size=1, max_size=3).filter(lambda name: name.strip(".")), st.integers(0, 3)))
def test_names_are_one_file_exactly_where_they_were(
    tmp_path_factory: pytest.TempPathFactory, names: dict[str, int]
) -> None:
    root = tmp_path_factory.mktemp("c")
    for name, number in names.items():
        (root / name).mkdir()
        file = root.parent / f"{root.name}-{number}"
        file.touch()
        os.link(file, root / name / "f")
    files = DirectoryFiles(root, ignore=None, digests=FileDigests(None, lambda: 0), mtime_ns=0)
    placement = Placement(None)
    placement.put(pick(files, ["."])[0], "/")
    files.close()
    entries = {one.entry.path: one.entry for one in placement.iter_placed()}
    found = {name: entries[f"{name}/f".encode()].target or f"{name}/f".encode() for name in names}
    first = {number: min(f"{name}/f".encode() for name in names if names[name] == number) for number in names.values()}
    assert found == {name: first[number] for name, number in names.items()}


def key_of(root: Path) -> str:
    files = DirectoryFiles(root, ignore=None, digests=FileDigests(None, lambda: 0), mtime_ns=0)
    key = content_key(pick(files, ["."]), fixed_mode=False, keep_owner=True)
    files.close()
    return key


def apart(path: Path) -> None:
    """A file of its own with the same content and mode."""
    data, mode = path.read_bytes(), path.stat().st_mode
    path.unlink()
    path.write_bytes(data)
    path.chmod(mode & 0o7777)


def tar_of(files: dict[str, bytes], links: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, target in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            archive.addfile(member)
    return out.getvalue()
