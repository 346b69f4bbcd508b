"""ADD: archives that unpack, downloads, and what stays a file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard

from capas.build.secrets import SecretSource
from capas.errors import Corrupt, Invalid, NotFound
from capas.image.image import Image
from support.building import Workshop, write_files


def tar_of(files: dict[str, bytes], **fields: object) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for field, value in fields.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def add(workshop: Workshop, context: Path, line: str) -> Image:
    return workshop.build(context, dockerfile_text=f"FROM base\n{line}").image


@pytest.mark.covers("ADD", "archives")
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_an_archive_of_the_context_is_unpacked(
    workshop: Workshop, tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    write_files(tmp_path / "c", {"a.tar": compress(tar_of({"x/y": b"inside"}))})
    image = add(workshop, tmp_path / "c", "ADD a.tar /opt")
    assert workshop.read(image, "opt/x/y") == b"inside"


def test_unpacked_files_keep_owner_and_time(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path / "c", {"a.tar": tar_of({"y": b""}, uid=7, gid=8, mtime=1234)})
    image = add(workshop, tmp_path / "c", "ADD a.tar /opt/")
    (entry,) = [one for one in workshop.layer_entries(image) if one.path == b"opt/y"]
    assert (entry.uid, entry.gid, entry.mtime_ns) == (7, 8, 1234 * 10**9)


@pytest.mark.covers("ADD", "--chown")
def test_chown_is_for_what_an_archive_holds_and_chmod_is_not(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path / "c", {"a.tar": tar_of({"y": b""}, uid=7, gid=8, mode=0o640)})
    image = add(workshop, tmp_path / "c", "ADD --chown=app:5 --chmod=777 a.tar /opt/")
    (entry,) = [one for one in workshop.layer_entries(image) if one.path == b"opt/y"]
    assert (entry.uid, entry.gid, entry.mode) == (1001, 5, 0o640)


def test_copy_does_not_unpack(workshop: Workshop, tmp_path: Path) -> None:
    data = tar_of({"y": b""})
    write_files(tmp_path / "c", {"a.tar": data})
    assert workshop.read(add(workshop, tmp_path / "c", "COPY a.tar /opt/"), "opt/a.tar") == data


@pytest.mark.covers("ADD", "--unpack")
def test_unpack_false_leaves_the_archive(workshop: Workshop, tmp_path: Path) -> None:
    data = tar_of({"y": b""})
    write_files(tmp_path / "c", {"a.tar": data})
    assert workshop.read(add(workshop, tmp_path / "c", "ADD --unpack=false a.tar /opt/"), "opt/a.tar") == data


def test_what_only_looks_compressed_stays_a_file(workshop: Workshop, tmp_path: Path) -> None:
    data = gzip.compress(b"no tar " * 200)
    write_files(tmp_path / "c", {"a.gz": data})
    assert workshop.read(add(workshop, tmp_path / "c", "ADD a.gz /opt/"), "opt/a.gz") == data


def test_a_truncated_archive_is_an_error(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path / "c", {"a.tgz": gzip.compress(tar_of({"y": random.Random(1).randbytes(50_000)}))[:-400]})
    with pytest.raises(Corrupt, match=r"Dockerfile:2:1: cannot unpack a\.tgz"):
        add(workshop, tmp_path / "c", "ADD a.tgz /opt/")


@pytest.mark.parametrize("name", ["../../out", "/../out", "a/../../out"])
def test_an_archive_cannot_leave_its_target(workshop: Workshop, tmp_path: Path, name: str) -> None:
    write_files(tmp_path / "c", {"a.tar": tar_of({name: b"x"})})
    try:
        image = add(workshop, tmp_path / "c", "ADD a.tar /opt/")
    except (Corrupt, Invalid):
        return
    assert all(entry.path.startswith(b"opt") for entry in workshop.layer_entries(image))


def test_an_archive_cannot_delete_files_of_the_image(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path / "c", {"a.tar": tar_of({".wh.passwd": b""})})
    image = None
    try:
        image = add(workshop, tmp_path / "c", "ADD a.tar /etc/")
    except (Corrupt, Invalid):
        return
    assert workshop.read(image, "etc/passwd")


@pytest.mark.covers("ADD", "URL")
def test_a_download_is_a_file_of_root_alone(workshop: Workshop, tmp_path: Path) -> None:
    workshop.downloads["https://example.org/x/tool.tar?v=1"] = tar_of({"y": b""})
    image = add(workshop, tmp_path, "ADD https://example.org/x/tool.tar?v=1 /opt/")
    (entry,) = [one for one in workshop.layer_entries(image) if one.path == b"opt/tool.tar"]
    assert entry.mode == 0o600


def test_a_download_is_unpacked_on_demand(workshop: Workshop, tmp_path: Path) -> None:
    workshop.downloads["https://example.org/tool.tar"] = tar_of({"y": b"in"})
    image = add(workshop, tmp_path, "ADD --unpack=true https://example.org/tool.tar /opt/")
    assert workshop.read(image, "opt/y") == b"in"


def test_a_download_that_has_changed_is_another_step(workshop: Workshop, tmp_path: Path) -> None:
    line = "ADD https://example.org/x /opt/"
    workshop.downloads["https://example.org/x"] = b"1"
    first = add(workshop, tmp_path, line)
    assert add(workshop, tmp_path, line).id == first.id
    workshop.downloads["https://example.org/x"] = b"2"
    assert workshop.read(add(workshop, tmp_path, line), "opt/x") == b"2"


@pytest.mark.covers("ADD", "--checksum")
def test_a_checksum_makes_a_second_download_needless(workshop: Workshop, tmp_path: Path) -> None:
    line = f"ADD --checksum=sha256:{sha256(b'1').hexdigest()} https://example.org/x /opt/"
    workshop.downloads["https://example.org/x"] = b"1"
    add(workshop, tmp_path, line)
    add(workshop, tmp_path, line)
    assert len(workshop.fetched) == 1


def test_another_checksum_is_an_error(workshop: Workshop, tmp_path: Path) -> None:
    workshop.downloads["https://example.org/x"] = b"2"
    with pytest.raises(Corrupt, match="has the digest sha256:d4735e3a"):
        add(workshop, tmp_path, f"ADD --checksum=sha256:{sha256(b'1').hexdigest()} https://example.org/x /opt/")


def test_nothing_at_the_address_is_an_error_with_a_place(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"Dockerfile:2:1: nothing at https://example\.org/x"):
        add(workshop, tmp_path, "ADD https://example.org/x /opt/")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("HTTP_AUTH_TOKEN_example.org", "Bearer s3cret"),
        ("HTTP_AUTH_HEADER_example.org", "s3cret"),
        ("HTTP_AUTH_TOKEN_example.org:8443", "Bearer s3cret"),
        ("HTTP_AUTH_TOKEN_example.com", ""),
    ],
)
def test_a_secret_of_the_host_opens_a_download(workshop: Workshop, tmp_path: Path, name: str, header: str) -> None:
    url = "https://example.org:8443/x"
    workshop.downloads[url] = b"1"
    workshop.build(
        tmp_path, dockerfile_text=f"FROM base\nADD {url} /opt/",
        secrets={name: SecretSource(variable="S")}, environ={"S": "s3cret"},
    )  # fmt: skip
    assert workshop.authorizations == [header]


def test_a_password_in_an_address_is_not_recorded(workshop: Workshop, tmp_path: Path) -> None:
    workshop.downloads["https://me:hunter2@example.org/x"] = b"1"
    image = add(workshop, tmp_path, "ADD https://me:hunter2@example.org/x /opt/")
    workshop.close()
    assert b"hunter2" not in image.config_bytes
    for path in workshop.root.rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path


@pytest.mark.parametrize("flag", ["--keep-git-dir", "--keep-git-dir=false"])
def test_a_flag_that_means_nothing_here_is_an_error(workshop: Workshop, tmp_path: Path, flag: str) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(Invalid, match="--keep-git-dir"):
        add(workshop, tmp_path, f"ADD {flag} f /")
