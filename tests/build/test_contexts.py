"""Contexts: directories with ignore files, tars, addresses, git."""

from __future__ import annotations

import gzip
import io
import os
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import Invalid, NotFound
from support.building import Workshop, write_files

COPY_ALL = "FROM base\nCOPY . /app\n"


def names(workshop: Workshop, context: str | Path, **wishes: object) -> list[str]:
    """What a COPY of everything puts in /app."""
    built = workshop.build(context, **wishes)
    return [os.fsdecode(entry.path)[4:] for entry in workshop.layer_entries(built.image) if entry.path != b"app"]


@pytest.mark.covers(".dockerignore", "patterns")
def test_ignored_files_are_not_there(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": COPY_ALL, ".dockerignore": "*.log\n.git\n!keep.log\n"})
    write_files(tmp_path, {"a.log": "", "keep.log": "", ".git/config": "", "src/b.log": "", "src/c": ""})
    assert names(workshop, tmp_path) == [".dockerignore", "Dockerfile", "keep.log", "src", "src/b.log", "src/c"]


@pytest.mark.covers(".dockerignore", "! exceptions")
def test_an_exception_brings_back_its_folder_and_no_more(workshop: Workshop, tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {"Dockerfile": COPY_ALL, ".dockerignore": "*\n!a/b/keep\n", "a/b/keep": "", "a/b/no": "", "a/c/no": ""},
    )
    assert names(workshop, tmp_path) == ["a", "a/b", "a/b/keep"]


@pytest.mark.covers(".dockerignore", "<name>.dockerignore")
def test_the_ignore_file_of_a_dockerfile_wins(workshop: Workshop, tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {"x.Dockerfile": COPY_ALL, "x.Dockerfile.dockerignore": "*\n!b", ".dockerignore": "b", "a": "", "b": ""},
    )
    assert names(workshop, tmp_path, file=str(tmp_path / "x.Dockerfile")) == ["b"]


@pytest.mark.covers(".dockerignore", "comments")
def test_an_ignored_source_is_explained(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": "FROM base\nCOPY secret /\n", ".dockerignore": "# no\nsecret\n", "secret": ""})
    with pytest.raises(NotFound) as caught:
        workshop.build(tmp_path)
    assert caught.value.hint == "line 2 of .dockerignore leaves it out: secret"


def test_a_changed_ignore_file_is_seen(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": COPY_ALL, "a": "", "b": ""})
    assert names(workshop, tmp_path) == ["Dockerfile", "a", "b"]
    (tmp_path / ".dockerignore").write_text("b\n.dockerignore\n")
    assert names(workshop, tmp_path) == ["Dockerfile", "a"]


def test_names_that_are_not_utf8_survive(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": COPY_ALL})
    (tmp_path / os.fsdecode(b"\xff\xfe")).write_text("odd")
    built = workshop.build(tmp_path)
    assert b"app/\xff\xfe" in {entry.path for entry in workshop.layer_entries(built.image)}


def test_a_socket_is_passed_over(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": COPY_ALL})
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "door"))
        assert names(workshop, tmp_path) == ["Dockerfile"]


def test_no_context_and_no_dockerfile_say_so(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"the build context .* is not a directory"):
        workshop.build(tmp_path / "nowhere")
    with pytest.raises(NotFound, match="no Dockerfile at") as caught:
        workshop.build(tmp_path)
    assert caught.value.hint == "name it with -f"


def test_a_dockerfile_that_is_not_text_says_so(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"\xff\xff")
    with pytest.raises(Invalid, match="not text in UTF-8"):
        workshop.build(tmp_path)


def test_a_dockerfile_comes_from_standard_input(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "x"})
    built = workshop.build(tmp_path, file="-", stdin=io.BytesIO(b"FROM base\nCOPY a /app/"))
    assert workshop.read(built.image, "app/a") == b"x"


def test_standard_input_alone_is_a_dockerfile_without_files(workshop: Workshop) -> None:
    built = workshop.build("-", stdin=io.BytesIO(b"FROM base\nLABEL a=b"))
    assert built.image.config.execution.labels == {"a": "b"}
    with pytest.raises(NotFound, match="a is not in the build context, which is empty,"):
        workshop.build("-", stdin=io.BytesIO(b"FROM base\nCOPY a /"))


def make_tar(files: dict[str, str], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.uid, member.mtime = len(text), 1000, 77
            archive.addfile(member, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return out.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_can_be_a_tar(workshop: Workshop, pack: type[bytes]) -> None:
    data = pack(make_tar({"Dockerfile": "FROM base\nCOPY src /app\n", "src/a": "in the tar"}))
    built = workshop.build("-", stdin=io.BytesIO(data))
    assert workshop.read(built.image, "app/a") == b"in the tar"
    assert {entry.uid for entry in workshop.layer_entries(built.image)} == {0}


def test_a_tar_gives_the_same_image_as_the_directory(workshop: Workshop, tmp_path: Path) -> None:
    files = {"Dockerfile": COPY_ALL, "src/a": "a"}
    write_files(tmp_path, files)
    first = workshop.build(tmp_path)
    second = workshop.build("-", stdin=io.BytesIO(make_tar(files)))
    assert second.image.id == first.image.id
    assert second.cached == 1


def test_a_link_in_a_tar_does_not_lead_to_the_host(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the host")
    data = make_tar({"Dockerfile": "FROM base\nCOPY out /app\n"}, {"out": str(tmp_path / "secret")})
    with pytest.raises(NotFound):
        workshop.build("-", stdin=io.BytesIO(data))


def test_an_address_can_be_a_tar_or_a_dockerfile(workshop: Workshop) -> None:
    workshop.downloads["http://example.org/c.tar"] = make_tar({"d/Dockerfile": "FROM base\nCOPY d /app\n"})
    assert names(workshop, "http://example.org/c.tar", file="d/Dockerfile") == ["Dockerfile"]
    workshop.downloads["http://example.org/Dockerfile"] = b"FROM base\nLABEL a=b"
    built = workshop.build("http://example.org/Dockerfile")
    assert built.image.config.execution.labels == {"a": "b"}


def test_nothing_of_a_fetched_context_is_left(workshop: Workshop) -> None:
    workshop.build("-", stdin=io.BytesIO(make_tar({"Dockerfile": COPY_ALL})))
    left = (workshop.root / "cache" / "scratch").iterdir()
    assert [path.name for path in left if not path.name.startswith(".")] == []


# git


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """A repository served by git's own daemon on loopback."""
    root = tmp_path / "git"
    work = write_files(root / "it.git", {"Dockerfile": COPY_ALL, "a": "1", "sub/Dockerfile": COPY_ALL, "sub/b": "2"})
    (work / "away").symlink_to("/etc")
    (work / "near").symlink_to("sub")
    env = {
        **os.environ,
        "GIT_AUTHOR_NAME": "x",
        "GIT_AUTHOR_EMAIL": "x",
        "GIT_COMMITTER_NAME": "x",
        "GIT_COMMITTER_EMAIL": "x",
    }
    for command in ("init -qb main", "add -A", "commit -qm one", "branch other"):
        subprocess.run(["git", *command.split()], cwd=work, env=env, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    args = ["git", "daemon", "--export-all", "--listen=127.0.0.1", f"--port={port}", f"--base-path={root}", str(root)]
    daemon = subprocess.Popen(args, stderr=subprocess.DEVNULL, process_group=0)
    try:
        wait_for_port(port)
        yield f"git://127.0.0.1:{port}/it.git"
    finally:
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.peer("git")
def test_a_repository_is_a_context_without_its_history(workshop: Workshop, repository: str) -> None:
    found = names(workshop, repository, environ=dict(os.environ))
    assert "a" in found
    assert not any(name.startswith(".git") for name in found)


@pytest.mark.peer("git")
@pytest.mark.covers("ARG", "BUILDKIT_CONTEXT_KEEP_GIT_DIR")
def test_a_repository_keeps_its_history_when_that_is_asked_for(workshop: Workshop, repository: str) -> None:
    args = {"BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1"}
    assert ".git/HEAD" in names(workshop, repository, environ=dict(os.environ), build_args=args)
    assert workshop.build(repository, environ=dict(os.environ), build_args=args).warnings == ()


@pytest.mark.peer("git")
def test_a_ref_and_a_subdirectory_can_be_asked_for(workshop: Workshop, repository: str) -> None:
    assert names(workshop, f"{repository}#other:sub", environ=dict(os.environ)) == ["Dockerfile", "b"]
    assert names(workshop, f"{repository}#:near", environ=dict(os.environ)) == ["Dockerfile", "b"]


@pytest.mark.peer("git")
def test_a_subdirectory_that_links_out_is_not_there(workshop: Workshop, repository: str) -> None:
    with pytest.raises(NotFound, match="no directory away in the git repository"):
        workshop.build(f"{repository}#:away", environ=dict(os.environ))


@pytest.mark.peer("git")
def test_a_ref_that_is_not_there_says_so(workshop: Workshop, repository: str) -> None:
    with pytest.raises(NotFound, match="no branch or tag nowhere"):
        workshop.build(f"{repository}#nowhere", environ=dict(os.environ))
