"""One image looked at wherever it is: the answer is the same, and nothing of it is brought here."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import capas
from capas.engine import porcelain
from capas.engine.engine import Engine
from capas.errors import Corrupt, Invalid, NotFound, Unavailable
from capas.oci.digest import DiffID
from capas.oci.document import encode
from support.changesets import changeset, directory, file, hardlink, symlink
from support.hub import running_hub
from support.images import config_of
from support.looking import make_engine, put_image

LOWER = [directory("etc"), file("etc/motd", b"hola\n"), file("etc/gone", b"1")]
UPPER = [file("etc/.wh.gone"), file("etc/new", b"2" * 5000), hardlink("etc/also", "etc/new"), symlink("m", "/etc/motd")]
PATHS = ["/", "/etc", "/etc/also", "/etc/motd", "/etc/new", "/m"]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(tmp_path / "here")


@pytest.fixture
def other(tmp_path: Path) -> Engine:
    """Somebody else's store, which has the image `me/app:1`."""
    engine = make_engine(tmp_path / "there")
    put_image(engine, "me/app:1", LOWER, UPPER)
    return engine


@pytest.fixture
def archive(other: Engine, tmp_path: Path) -> Path:
    path = tmp_path / "app.tar"
    with path.open("wb") as out:
        other.images.save(out, ["me/app:1"])
    return path


def paths(engine: Engine, name: str) -> list[str]:
    return [file.path for file in engine.look.files(name)]


def is_empty(engine: Engine) -> bool:
    return not list(engine.images.list()) and not list(engine.store.blobs.iterate())


def test_an_image_of_the_store_is_found_by_its_name_and_by_its_id(other: Engine) -> None:
    assert paths(other, "me/app:1") == PATHS
    assert paths(other, other.images.get("me/app:1").id.short) == PATHS


def test_an_archive_is_looked_into_without_being_loaded(engine: Engine, archive: Path) -> None:
    assert paths(engine, str(archive)) == PATHS
    assert engine.look.read(str(archive), "/m") == b"hola\n"
    assert is_empty(engine)


def test_a_compressed_archive_is_looked_into_too(engine: Engine, archive: Path) -> None:
    packed = archive.with_name("app.tar.gz")
    packed.write_bytes(gzip.compress(archive.read_bytes()))
    assert paths(engine, str(packed)) == PATHS


def test_a_layout_is_looked_into_by_its_tag_or_alone(engine: Engine, archive: Path, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    with tarfile.open(archive) as tar:
        tar.extractall(layout, filter="data")
    assert paths(engine, f"oci:{layout}:1") == paths(engine, f"oci:{layout}") == paths(engine, str(layout)) == PATHS
    with pytest.raises(NotFound, match="no image 2"):
        paths(engine, f"oci:{layout}:2")


def old_archive(path: Path, *tars: bytes, lie: bool = False) -> None:
    """As docker 24 and before wrote it: layers are not named by their digests."""
    config = config_of([bytes([1]) if lie else tar for tar in tars])
    manifest = [
        {"Config": "c.json", "RepoTags": ["old:1"], "Layers": [f"{number}/layer.tar" for number in range(len(tars))]}
    ]
    members = {"c.json": encode(config), "manifest.json": json.dumps(manifest).encode()}
    members |= {f"{number}/layer.tar": tar for number, tar in enumerate(tars)}
    with tarfile.open(path, "w") as out:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))


def test_an_archive_of_an_older_docker_is_looked_into(engine: Engine, tmp_path: Path) -> None:
    old_archive(tmp_path / "old.tar", changeset(*LOWER), changeset(*UPPER))
    assert paths(engine, str(tmp_path / "old.tar")) == PATHS


def test_a_layer_that_is_not_what_the_config_says_is_refused_and_never_kept(engine: Engine, tmp_path: Path) -> None:
    old_archive(tmp_path / "old.tar", changeset(*LOWER), lie=True)
    with pytest.raises(Corrupt, match="a layer's bytes"):
        paths(engine, str(tmp_path / "old.tar"))
    assert not list((engine.settings.root / "cache" / "contents").glob("*"))


def test_of_several_images_in_an_archive_one_is_to_be_named(engine: Engine, other: Engine, tmp_path: Path) -> None:
    put_image(other, "you/app:2", [file("two")])
    path = tmp_path / "both.tar"
    with path.open("wb") as out:
        other.images.save(out, ["me/app:1", "you/app:2"])
    with pytest.raises(Invalid, match="2 images") as refused:
        paths(engine, str(path))
    assert "me/app:1, you/app:2" in refused.value.hint
    assert paths(engine, f"archive:{path}:you/app:2") == ["/", "/two"]
    with pytest.raises(NotFound, match="you/app:3"):
        paths(engine, f"archive:{path}:you/app:3")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    with running_hub(tmp_path / "hub") as address:
        yield address


def push(other: Engine, hub: str, source: str = "me/app:1") -> str:
    name = f"{hub}/library/app:1"
    other.images.tag(source, name)
    other.images.push(name)
    return name


def test_a_name_that_is_not_here_is_looked_at_in_its_registry(engine: Engine, other: Engine, hub: str) -> None:
    name = push(other, hub)
    assert paths(engine, name) == PATHS
    assert engine.look.read(name, "etc/also") == b"2" * 5000
    assert is_empty(engine)


def test_what_is_here_is_preferred_unless_the_registry_is_asked_for(engine: Engine, other: Engine, hub: str) -> None:
    name = push(other, hub)
    put_image(engine, name, [file("mine")])
    assert paths(engine, name) == ["/", "/mine"]
    assert paths(engine, f"docker://{name}") == PATHS


def test_a_second_look_at_a_registrys_image_reads_no_layer(
    engine: Engine, other: Engine, hub: str, tmp_path: Path
) -> None:
    name = push(other, hub)
    paths(engine, name)
    for layer in other.images.get("me/app:1").layers:
        (tmp_path / "hub" / "blobs" / "sha256" / layer.descriptor.digest.hex).unlink()
    assert paths(engine, name) == PATHS


def test_a_name_that_is_nowhere_is_not_found_kindly(engine: Engine, hub: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such image"):
        paths(engine, f"{hub}/library/nothing")
    with pytest.raises(Unavailable, match="is not here, and its registry cannot be asked"):
        paths(engine, "localhost:1/app")
    with pytest.raises(NotFound, match="no such image here"):
        paths(engine, str(DiffID.of(b"")))
    with pytest.raises(NotFound, match="there is no file"):
        paths(engine, str(tmp_path / "nothing.tar"))


def test_the_face_of_the_library_looks_too(
    other: Engine, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPAS_ROOT", str(tmp_path / "face"))
    porcelain.default_engine.cache_clear()
    assert [file.path for file in capas.files(str(archive))] == PATHS
    assert capas.diff(str(archive), str(archive)).is_nothing
    assert capas.waste(str(archive)).lost == 1
    porcelain.default_engine.cache_clear()
