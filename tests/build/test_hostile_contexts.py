"""Contexts of strangers: pipes, sockets, devices, odd names, links that lead out, files that change meanwhile."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from capas.build.sources.digests import FileDigests
from capas.build.sources.directory import DirectoryFiles
from capas.errors import CapasError, Conflict, Corrupt, Denied, Invalid, NotFound
from capas.layer.entry import CHARACTER, FIFO, SYMLINK, Entry
from support.building import Workshop, write_files

COPY_ALL = "FROM base\nCOPY . /app/\n"


def entries(workshop: Workshop, context: Path, text: str = COPY_ALL) -> dict[bytes, Entry]:
    built = workshop.build(context, dockerfile_text=text)
    return {entry.path.removeprefix(b"app/"): entry for entry in workshop.layer_entries(built.image)}


def test_a_pipe_is_copied_as_a_pipe_and_never_waited_for(workshop: Workshop, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert entries(workshop, tmp_path)[b"pipe"].kind == FIFO
    workshop.build(tmp_path, dockerfile_text="FROM base\nADD pipe /x\n")


def test_a_pipe_cannot_be_the_dockerfile(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"a": ""})
    os.mkfifo(tmp_path / "Dockerfile")
    with pytest.raises(CapasError, match="Dockerfile"):
        workshop.build(tmp_path)


def test_a_pipe_cannot_be_the_ignore_file(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": COPY_ALL})
    os.mkfifo(tmp_path / ".dockerignore")
    with pytest.raises(CapasError, match="dockerignore"):
        workshop.build(tmp_path)


def test_a_socket_named_by_itself_is_not_there(workshop: Workshop, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "door"))
        with pytest.raises(NotFound, match="door is not in the build context"):
            workshop.build(tmp_path, dockerfile_text="FROM base\nCOPY door /x\n")


@pytest.mark.root
def test_a_device_is_never_opened(workshop: Workshop, tmp_path: Path) -> None:
    os.mknod(tmp_path / "tape", 0o600 | 0o020000, os.makedev(9, 128))  # opening a tape has effects
    found = entries(workshop, tmp_path)[b"tape"]
    assert (found.kind, found.device) == (CHARACTER, (9, 128))


@pytest.mark.parametrize(
    "name", [b"new\nline", b"tab\t", b" blank ", b"-rf", b"\x1b[31m", b"\xff\xfe", "ü".encode(), b"a" * 255]
)
def test_names_are_kept_byte_for_byte(workshop: Workshop, tmp_path: Path, name: bytes) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(b"x")
    assert name in entries(workshop, tmp_path)


def test_a_name_cannot_command_the_terminal_that_an_error_is_shown_on(tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": "FROM scratch\nCOPY evil /\n", "\x1b]0;evil\x07": ""})
    env = {**os.environ, "CAPAS_ROOT": str(tmp_path / ".capas"), "CAPAS_RUN_ROOT": str(tmp_path / ".run")}
    command = [sys.executable, "-m", "capas", "build", str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"did you mean" in done.stderr
    assert not {b"\x1b", b"\x07"} & {bytes([byte]) for byte in done.stderr}


@pytest.mark.parametrize("target", ["/etc", "../../../../../../../../etc", "/proc/self/root/etc"])
def test_a_link_to_a_directory_of_the_host_leads_nowhere(workshop: Workshop, tmp_path: Path, target: str) -> None:
    write_files(tmp_path / "c", {"a": ""})
    (tmp_path / "c" / "out").symlink_to(target)
    with pytest.raises(NotFound, match="out/hostname is not in the build context"):
        workshop.build(tmp_path / "c", dockerfile_text="FROM base\nCOPY out/hostname /x\n")
    with pytest.raises(NotFound):
        workshop.build(tmp_path / "c", dockerfile_text="FROM base\nCOPY out/* out /x/\n")
    assert entries(workshop, tmp_path / "c")[b"out"].kind == SYMLINK


def test_a_link_as_a_folder_of_a_wildcard_is_not_walked_through(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"secret/key": "s", "c/a/key": "ours"})
    (tmp_path / "c" / "b").symlink_to("../secret")
    found = entries(workshop, tmp_path / "c", "FROM base\nCOPY */key /app/\n")
    assert found[b"key"].size == 4


def swap(path: Path, outside: Path) -> None:
    """Put a link in a directory's place."""
    path.rename(path.with_name("moved"))
    path.symlink_to(outside)


def forget_descriptors(files: DirectoryFiles) -> None:
    """As in a context of so many directories that not all are held open."""
    held = files._directories._open
    while held:
        os.close(held.popitem()[1])


CHANGES: list[tuple[Callable[[Path, Path], object], type[CapasError]]] = [
    (lambda context, outside: (context / "d" / "f").unlink(), NotFound),
    (lambda context, outside: (context / "d" / "f").write_text("much longer than before"), Corrupt),
    (lambda context, outside: (context / "d" / "f").write_text(""), Corrupt),
    (
        lambda context, outside: ((context / "d" / "f").unlink(), (context / "d" / "f").symlink_to(outside / "f")),
        Conflict,
    ),
    (lambda context, outside: ((context / "d" / "f").unlink(), (context / "d" / "f").mkdir()), Conflict),
    (lambda context, outside: ((context / "d" / "f").unlink(), os.mkfifo(context / "d" / "f")), Corrupt),
    (lambda context, outside: swap(context / "d", outside), Conflict),
]


@pytest.mark.parametrize(("change", "kind"), CHANGES)
def test_what_changes_between_the_look_and_the_reading_is_an_error_and_leaves_no_layer(
    workshop: Workshop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path, Path], object],
    kind: type[CapasError],
) -> None:
    outside = write_files(tmp_path / "outside", {"f": "secret"})
    context = write_files(tmp_path / "c", {"d/f": "public"})
    whole = DirectoryFiles.open

    def late(self: DirectoryFiles, entry: Entry) -> object:
        monkeypatch.setattr(DirectoryFiles, "open", whole)
        forget_descriptors(self)
        change(context, outside)
        return whole(self, entry)

    monkeypatch.setattr(DirectoryFiles, "open", late)
    before = set(workshop.store.blobs.iterate())
    with pytest.raises(kind):
        workshop.build(context, dockerfile_text="FROM base\nCOPY d/f /x\n")
    assert set(workshop.store.blobs.iterate()) == before


def test_a_folder_that_becomes_a_link_as_it_is_listed_is_not_followed(tmp_path: Path) -> None:
    outside = write_files(tmp_path / "outside", {"f": "secret"})
    context = write_files(tmp_path / "c", {"d/f": "public"})
    files = DirectoryFiles(context, ignore=None, digests=FileDigests(None, lambda: 0), mtime_ns=0)
    assert files.find(b"d") is not None
    swap(context / "d", outside)
    with pytest.raises(Denied):
        files.list(b"d")
    files.close()


def test_links_that_go_round_end(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "self").symlink_to("self/self")
    for name in ("a", "self", "self/x"):
        with pytest.raises(Invalid, match="too many symbolic links"):
            workshop.build(tmp_path, dockerfile_text=f"FROM base\nCOPY {name} /x\n")
    assert set(entries(workshop, tmp_path)) >= {b"a", b"b", b"self"}


def test_a_sparse_giant_is_read_as_far_as_it_must_be(workshop: Workshop, tmp_path: Path) -> None:
    with (tmp_path / "giant").open("wb") as file:
        file.truncate(200 << 20)
    built = workshop.build(tmp_path, dockerfile_text="FROM base\nCOPY giant /x\n")
    (entry,) = workshop.layer_entries(built.image)
    assert entry.size == 200 << 20
    assert built.image.layers[-1].descriptor.size < 1 << 20
