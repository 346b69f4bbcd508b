"""cp, export, diff and commit: trees in and out, and never out of the tree."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from pathlib import Path

import pytest

from capas.errors import Invalid, NotFound
from capas.run.changes import commit, diff
from capas.run.copying import copy_in, copy_out, export, read_archive, stat_path, write_archive
from capas.store.blobs import DirectoryBlobs
from support.containers import Lab

pytestmark = [pytest.mark.root, pytest.mark.peer("crun")]


@pytest.fixture(params=["running", "stopped"])
def box(lab: Lab, request: pytest.FixtureRequest) -> tuple[Lab, str]:
    """A container, running and not."""
    record = lab.start("sleep", "1000") if request.param == "running" else lab.create("sleep", "1000")
    return lab, record.id


def test_a_file_goes_in_and_comes_out(box: tuple[Lab, str], tmp_path: Path) -> None:
    lab, name = box
    (tmp_path / "f").write_text("data")
    (tmp_path / "f").chmod(0o640)
    copy_in(lab.containers, name, tmp_path / "f", "/tmp/")
    copy_out(lab.containers, name, "/tmp/f", tmp_path / "g")
    assert (tmp_path / "g").read_text() == "data"
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o640


def test_a_directory_goes_in_whole_or_its_contents(box: tuple[Lab, str], tmp_path: Path) -> None:
    lab, name = box
    (tmp_path / "d/sub").mkdir(parents=True)
    (tmp_path / "d/sub/f").write_text("1")
    copy_in(lab.containers, name, tmp_path / "d", "/tmp")
    copy_in(lab.containers, name, tmp_path / "d", "/tmp/new")
    copy_in(lab.containers, name, Path(f"{tmp_path}/d/."), "/tmp")
    for path in ("/tmp/d/sub/f", "/tmp/new/sub/f"):
        assert stat_path(lab.containers, name, path).size == 1


def test_a_tree_comes_out_with_links(box: tuple[Lab, str], tmp_path: Path) -> None:
    lab, name = box
    copy_out(lab.containers, name, "/bin", tmp_path)
    assert os.readlink(tmp_path / "bin/sh") == "busybox"


def test_what_is_not_there_is_not_found(box: tuple[Lab, str], tmp_path: Path) -> None:
    lab, name = box
    with pytest.raises(NotFound):
        copy_out(lab.containers, name, "/nope", tmp_path)
    with pytest.raises(NotFound):
        copy_in(lab.containers, name, tmp_path / "nope", "/tmp")
    with pytest.raises(NotFound):
        copy_in(lab.containers, name, tmp_path, "/no/such/place/x")


def test_a_link_in_the_container_does_not_lead_to_the_host(box: tuple[Lab, str], tmp_path: Path) -> None:
    lab, name = box
    host = tmp_path / "host"
    host.mkdir()
    (tmp_path / "f").write_text("x")
    (tmp_path / "links").mkdir()
    (tmp_path / "links/out").symlink_to(host)
    copy_in(lab.containers, name, tmp_path / "links/out", "/tmp")
    with pytest.raises((NotFound, Invalid)):
        copy_in(lab.containers, name, tmp_path / "f", "/tmp/out/")
    assert list(host.iterdir()) == []


def test_an_archive_cannot_climb_out(box: tuple[Lab, str], tmp_path: Path) -> None:
    lab, name = box
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo("up")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        tar.addfile(link)
        member = tarfile.TarInfo("up/planted")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    buffer.seek(0)
    try:
        write_archive(lab.containers, name, "/tmp", buffer)
    except Invalid:
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_archive_comes_out_as_tar_reads_it(box: tuple[Lab, str]) -> None:
    lab, name = box
    buffer = io.BytesIO()
    read_archive(lab.containers, name, "/etc/passwd", buffer.write)
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as tar:
        assert tar.getnames() == ["passwd"]


def test_an_export_is_the_tree_without_its_mounts(box: tuple[Lab, str]) -> None:
    lab, name = box
    buffer = io.BytesIO()
    export(lab.containers, name, buffer.write)
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as tar:
        names = tar.getnames()
    assert "bin/busybox" in names
    assert not [each for each in names if each.startswith(("proc/", "sys/", "dev/")) or each == "etc/hosts"]


def test_a_swapped_link_never_leads_out(lab: Lab, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    record = lab.start(
        "sh", "-c", f"cd /tmp; mkdir real; while :; do ln -sfn {secret} x; rm x; ln -sfn real x; rm x; done"
    )
    (tmp_path / "f").write_text("x")
    done = threading.Event()

    def copy_many() -> None:
        for _ in range(300):
            try:
                copy_in(lab.containers, record.id, tmp_path / "f", "/tmp/x/")
            except (NotFound, Invalid):
                continue
        done.set()

    copy_many()
    assert done.is_set()
    assert list(secret.iterdir()) == []


def test_diff_shows_what_was_done_and_no_mount_points(lab: Lab) -> None:
    record = lab.start("sh", "-c", "touch /new; rm /etc/group; echo x >> /etc/passwd; sleep 1000")
    lab.execute(record, "sh", "-c", "until test -e /new && ! test -e /etc/group; do :; done")
    lab.execute(record, "sh", "-c", "until grep -q '^x$' /etc/passwd; do :; done")
    found = {(change.kind, change.path) for change in diff(lab.containers, record.id)}
    assert found == {("A", b"/new"), ("C", b"/etc"), ("D", b"/etc/group"), ("C", b"/etc/passwd")}


def test_a_container_that_did_nothing_has_no_changes(lab: Lab) -> None:
    record = lab.create("true")
    from capas.run.ending import wait
    from capas.run.starting import start_detached

    start_detached(lab.containers, record.id)
    wait(lab.containers, record.id)
    assert diff(lab.containers, record.id) == []


def test_a_commit_is_a_layer_of_the_changes(lab: Lab, ground: Path) -> None:
    record = lab.start("sh", "-c", "mkdir /app; echo 1 > /app/f; sleep 1000")
    lab.execute(record, "sh", "-c", "until test -s /app/f; do :; done")
    blobs = DirectoryBlobs(ground / "store")
    made = commit(lab.containers, record.id, blobs)
    with blobs.open(made.layer.descriptor.digest) as file, tarfile.open(fileobj=file, mode="r:gz") as tar:
        assert [name for name in tar.getnames() if name not in ("etc", ".")] == ["app", "app/f"]
