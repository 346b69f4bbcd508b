"""Archives: what is saved is loaded, whoever wrote it; what is wrong leaves nothing."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import zstandard

from capas.errors import Corrupt, Exhausted, Invalid, NotFound, Unsupported
from capas.image.archive import load, save
from capas.image.image import Image
from capas.image.index import iter_images, open_top
from capas.image.validate import validate
from capas.layer.entry import LayerReceiver
from capas.oci import media
from capas.oci.descriptor import Descriptor, PlatformDocument
from capas.oci.digest import DiffID, Digest
from capas.oci.document import encode
from capas.oci.manifest import Index
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.contract import Readable
from capas.store.memory import MemoryBlobs
from capas.store.put import put
from capas.store.store import Store
from support.images import config_of, make_image, tar_of

ONE, TWO = {"a": b"1" * 1000}, {"b": b"2" * 5000}
NAME, OTHER = Reference.parse("debian:bookworm"), Reference.parse("localhost:5000/me/app:1")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


class Pipe:
    """A stream that can only be read forward, a little at a time."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(min(size, 1000) if size >= 0 else 1000)


class Layers:
    """Where layers arrive."""

    def __init__(self) -> None:
        self.tars: dict[DiffID, bytes] = {}

    def has_layer(self, diff_id: DiffID) -> bool:
        return diff_id in self.tars

    def add_layer(self, diff_id: DiffID, tar: Readable) -> None:
        parts = []
        while part := tar.read(1000):
            parts.append(part)
        data = b"".join(parts)
        if DiffID.of(data) != diff_id:
            raise Corrupt("the layer is not {diff_id}", diff_id=diff_id)
        self.tars[diff_id] = data


def saved(*images: Image, names: tuple[Reference, ...] = (NAME,), format: str = "docker") -> bytes:
    out = io.BytesIO()
    save(out, [(image, names) for image in images], format=format)
    return out.getvalue()


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def old_archive(
    files: Mapping[str, bytes], links: Mapping[str, str] | None = None, *, link_type: bytes = tarfile.SYMTYPE
) -> bytes:
    """An archive as older dockers wrote it, from its members and links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = link_type, target
            tar.addfile(member)
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def docker_save(
    *layers: bytes, tags: list[str] | None = None, paths: list[str] | None = None, **extra: bytes
) -> dict[str, bytes]:
    """The members of `docker save` before version 25."""
    config = encode(config_of([layer if layer[:2] != b"\x1f\x8b" else gzip.decompress(layer) for layer in layers]))
    name = Digest.of(config).hex + ".json"
    paths = paths or [f"{number:064x}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": name, "RepoTags": tags or ["debian:bookworm"], "Layers": paths}]
    return {
        **dict(zip(paths, layers, strict=False)), name: config, "manifest.json": json.dumps(manifest).encode(),
        "repositories": b"{}", **{f"{number:064x}/VERSION": b"1.0" for number in range(len(layers))}, **extra,
    }  # fmt: skip


def assert_nothing_is_left(store: Store) -> None:
    assert list(store.blobs.iterate()) == []
    assert list(store.records.iter_images()) == []
    assert store.records.list_names() == []
    assert list((store.root / "ingest").glob("*")) == []
    assert list((store.root / "leases").glob("*")) == []


@pytest.mark.parametrize("format", ["docker", "oci"])
@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_what_is_saved_is_loaded_with_its_manifest_and_names(store: Store, format: str, compression: str) -> None:
    image = make_image(MemoryBlobs(), ONE, TWO, compression=compression)
    [(loaded, names)] = load(Pipe(saved(image, names=(NAME, OTHER), format=format)), store)
    assert (loaded.id, loaded.digest, names) == (image.id, image.digest, [NAME, OTHER])
    validate(store.blobs, loaded.digest)
    assert sorted(row.reference for row in store.records.list_names()) == [NAME, OTHER]
    assert store.records.find_image(image.id).size == len(tar_of(ONE)) + len(tar_of(TWO))  # type: ignore[union-attr]
    assert store.collect().blobs == 0


def test_equal_images_give_equal_archives() -> None:
    first, second = (make_image(MemoryBlobs(), ONE, TWO) for _ in range(2))
    assert saved(first) == saved(second)


def test_an_archive_has_every_header_fixed() -> None:
    with tarfile.open(fileobj=io.BytesIO(saved(make_image(MemoryBlobs(), ONE)))) as tar:
        infos = tar.getmembers()
    assert {(info.uid, info.gid, info.mtime, info.uname, info.mode) for info in infos} == {
        (0, 0, 0, "", 0o644), (0, 0, 0, "", 0o755),
    }  # fmt: skip
    names = [info.name for info in infos]
    assert names[:4] == ["index.json", "manifest.json", "oci-layout", "repositories"]
    assert names[6:] == sorted(names[6:])


def test_docker_finds_its_documents() -> None:
    image = make_image(MemoryBlobs(), ONE)
    files = members(saved(image, names=(NAME, OTHER)))
    [item] = json.loads(files["manifest.json"])
    assert item["RepoTags"] == ["debian:bookworm", "localhost:5000/me/app:1"]
    assert files[item["Config"]] == image.config_bytes
    assert [gzip.decompress(files[path]) for path in item["Layers"]] == [tar_of(ONE)]
    assert json.loads(files["repositories"]).keys() == {"debian", "localhost:5000/me/app"}


def test_shared_layers_are_saved_once() -> None:
    blobs = MemoryBlobs()
    base, app = make_image(blobs, ONE), make_image(blobs, ONE, TWO)
    out = io.BytesIO()
    save(out, [(base, [NAME]), (app, [])])
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        names = tar.getnames()
    assert len(names) == len(set(names)) == 6 + 2 + 2 + 2
    assert json.loads(members(out.getvalue())["manifest.json"])[1]["RepoTags"] is None


def test_several_images_are_loaded_with_their_own_names(store: Store) -> None:
    blobs = MemoryBlobs()
    base, app = make_image(blobs, ONE), make_image(blobs, ONE, TWO)
    out = io.BytesIO()
    save(out, [(base, [NAME]), (app, [])])
    assert [(image.id, names) for image, names in load(Pipe(out.getvalue()), store)] == [
        (base.id, [NAME]),
        (app.id, []),
    ]


def test_nothing_is_saved_of_nothing_or_in_no_format() -> None:
    with pytest.raises(Invalid, match="no image"):
        save(io.BytesIO(), [])
    with pytest.raises(Invalid, match="zip"):
        saved(make_image(MemoryBlobs(), ONE), format="zip")


def test_a_damaged_blob_is_not_saved() -> None:
    blobs = MemoryBlobs()
    image = make_image(blobs, ONE)
    layer = image.layers[0].descriptor
    data = blobs.open(layer.digest).read()
    for damaged in (data[:-1], b"\0" + data[1:]):
        blobs.keep(layer.digest, damaged)
        with pytest.raises(Corrupt, match=layer.digest):
            saved(image)
    blobs.delete(layer.digest)
    with pytest.raises(NotFound):
        saved(image)


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_compressed_archives_are_loaded(store: Store, compress: object) -> None:
    image = make_image(MemoryBlobs(), ONE)
    assert callable(compress)
    [(loaded, _)] = load(Pipe(compress(saved(image))), store)
    assert loaded.digest == image.digest


def test_an_old_docker_archive_is_loaded(store: Store) -> None:
    [(image, names)] = load(Pipe(old_archive(docker_save(tar_of(ONE), tar_of(TWO)))), store)
    validate(store.blobs, image.digest)
    assert names == [NAME]
    assert [layer.descriptor.media_type for layer in image.layers] == [media.OCI_LAYER] * 2
    assert [str(layer.descriptor.digest) for layer in image.layers] == [str(layer.diff_id) for layer in image.layers]
    assert store.collect().blobs == 0


def test_members_that_no_image_needs_do_not_stay(store: Store) -> None:
    junk = {"stray.json": b"stray", "stray/layer.tar": b"more"}
    load(Pipe(old_archive(docker_save(tar_of(ONE), **junk))), store)
    assert len(list(store.blobs.iterate())) == 3


@pytest.mark.parametrize("link_type", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_layer_that_is_a_link_to_another_is_loaded(store: Store, link_type: bytes) -> None:
    paths = ["1/layer.tar", "2/layer.tar"]
    files = docker_save(tar_of(ONE), tar_of(ONE), paths=paths)
    del files["2/layer.tar"]
    target = "../1/layer.tar" if link_type == tarfile.SYMTYPE else "1/layer.tar"
    [(image, _)] = load(Pipe(old_archive(files, {"2/layer.tar": target}, link_type=link_type)), store)
    assert len(image.layers) == 2


def test_gzipped_layers_in_a_docker_archive_are_loaded(store: Store) -> None:
    [(image, _)] = load(Pipe(old_archive(docker_save(gzip.compress(tar_of(ONE))))), store)
    validate(store.blobs, image.digest)
    assert image.layers[0].descriptor.media_type == media.OCI_LAYER_GZIP


def test_a_layer_that_is_here_compressed_is_not_kept_twice(store: Store) -> None:
    pulled = make_image(MemoryBlobs(), ONE)
    load(Pipe(saved(pulled)), store)
    [(image, _)] = load(Pipe(old_archive(docker_save(tar_of(ONE)))), store)
    assert image.layers == pulled.layers
    assert not store.blobs.contains(Digest.of(tar_of(ONE)))


def test_loading_again_changes_nothing(store: Store) -> None:
    archive = saved(make_image(MemoryBlobs(), ONE))
    load(Pipe(archive), store)
    before = sorted(store.blobs.iterate())
    load(Pipe(archive), store)
    assert sorted(store.blobs.iterate()) == before


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_layers_reach_the_receiver_inflated(store: Store, compression: str) -> None:
    receiver: LayerReceiver = Layers()
    load(Pipe(saved(make_image(MemoryBlobs(), ONE, TWO, compression=compression))), store, receiver=receiver)
    assert isinstance(receiver, Layers)
    assert sorted(receiver.tars.values()) == sorted([tar_of(ONE), tar_of(TWO)])


def test_a_layer_known_to_the_store_but_not_to_the_receiver_reaches_it(store: Store) -> None:
    archive = saved(make_image(MemoryBlobs(), ONE))
    load(Pipe(archive), store)
    receiver = Layers()
    load(Pipe(archive), store, receiver=receiver)
    assert list(receiver.tars.values()) == [tar_of(ONE)]


def multi_platform() -> tuple[bytes, Image, Image]:
    blobs = MemoryBlobs()
    amd, arm = make_image(blobs, ONE), make_image(blobs, TWO, architecture="arm64")
    entries = tuple(
        Descriptor(
            media_type=image.media_type, digest=image.digest, size=len(image.manifest_bytes),
            platform=PlatformDocument(os=os, architecture=architecture),
        )
        for image, os, architecture in ((amd, "linux", "amd64"), (arm, "linux", "arm64"), (amd, "unknown", "unknown"))
    )  # fmt: skip
    inner = encode(Index(schema_version=2, media_type=media.OCI_INDEX, manifests=entries))
    annotations = {"io.containerd.image.name": str(NAME)}
    top = Descriptor(media_type=media.OCI_INDEX, digest=put(blobs, inner), size=len(inner), annotations=annotations)
    files = {f"blobs/sha256/{digest.hex}": blobs.open(digest).read() for digest, _ in blobs.iterate()}
    files["index.json"] = encode(Index(schema_version=2, manifests=(top,)))
    files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    return old_archive(files), amd, arm


def test_the_name_of_an_index_goes_to_the_image_of_the_platform(store: Store) -> None:
    archive, amd, arm = multi_platform()
    for platform, named in ((None, amd), (Platform("linux", "arm64"), arm)):
        loaded = load(Pipe(archive), store, platform=platform)
        assert {image.id: names for image, names in loaded} == {named.id: [NAME]}


def test_a_name_of_an_index_keeps_all_of_it(store: Store) -> None:
    archive, amd, arm = multi_platform()
    load(Pipe(archive), store)
    row = store.records.find_name(NAME)
    assert row is not None
    store.collect()
    assert [image.id for image in iter_images(open_top(store.blobs, row.manifest))] == [amd.id, arm.id]


def test_platforms_that_were_not_saved_are_passed_over(store: Store) -> None:
    archive, amd, arm = multi_platform()
    files = members(archive)
    del files[f"blobs/sha256/{arm.digest.hex}"]
    assert [image.id for image, _ in load(Pipe(old_archive(files)), store)] == [amd.id]


def test_a_name_moves_and_no_other_name_does(store: Store) -> None:
    first, second = make_image(MemoryBlobs(), ONE), make_image(MemoryBlobs(), TWO)
    load(Pipe(saved(first, names=(NAME, OTHER))), store)
    load(Pipe(saved(second, names=(NAME,))), store)
    assert {row.reference: row.image_id for row in store.records.list_names()} == {NAME: second.id, OTHER: first.id}


def rewritten(change: dict[str, bytes | None]) -> bytes:
    """A good archive with some members changed, or left out for None."""
    files: dict[str, bytes | None] = {**members(saved(make_image(MemoryBlobs(), ONE, TWO))), **change}
    return old_archive({name: data for name, data in files.items() if data is not None})


def manifest_with(**change: object) -> dict[str, bytes]:
    files = docker_save(tar_of(ONE))
    [item] = json.loads(files["manifest.json"])
    files["manifest.json"] = json.dumps([{**item, **change}]).encode()
    return files


HOSTILE = {
    "a layer outside the archive": old_archive(manifest_with(Layers=["../../../../etc/passwd"])),
    "a config outside the archive": old_archive(manifest_with(Config="../../etc/shadow")),
    "an absolute layer": old_archive(manifest_with(Layers=["/etc/passwd"])),
    "a layer that is not there": old_archive(manifest_with(Layers=["x/layer.tar"])),
    "more layers than the config names": old_archive(manifest_with(Layers=["0" * 64 + "/layer.tar"] * 2)),
    "another layer than the config names": old_archive({**docker_save(tar_of(ONE)), "0" * 64 + "/layer.tar": b"evil"}),
    "a link out of the archive": old_archive(
        manifest_with(Layers=["link/layer.tar"]), {"link/layer.tar": "../../../etc/passwd"}
    ),
    "an absolute link": old_archive(manifest_with(Layers=["link/layer.tar"]), {"link/layer.tar": "/etc/passwd"}),
    "links in a circle": old_archive(
        manifest_with(Layers=["a/layer.tar"]), {"a/layer.tar": "../b/layer.tar", "b/layer.tar": "../a/layer.tar"}
    ),
    "a name that is none": old_archive(manifest_with(RepoTags=["Not A Name"])),
    "a name with a digest": old_archive(manifest_with(RepoTags=["a@sha256:" + "0" * 64])),
    "a manifest.json of another shape": rewritten({"manifest.json": b'{"Config": 1}'}),
    "a manifest.json that is no json": rewritten({"manifest.json": b"\xff["}),
    "a manifest.json without end": rewritten({"manifest.json": b" " * 5_000_000}),
    "an index that is no index": rewritten({"index.json": b"{}"}),
    "an index without its image": rewritten({"index.json": b"{}", "manifest.json": None}),
    "a blob with another digest": rewritten({"blobs/sha256/" + "0" * 64: b"x"}),
    "a blob without a digest": rewritten({"blobs/sha256/../../../evil": b"x"}),
    "an upper-case digest": rewritten({"blobs/sha256/" + "A" * 64: b"x"}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(store: Store, case: str) -> None:
    with pytest.raises((Corrupt, Invalid)):
        load(Pipe(HOSTILE[case]), store)
    assert_nothing_is_left(store)


def test_an_archive_that_lacks_a_blob_leaves_nothing(store: Store) -> None:
    image = make_image(MemoryBlobs(), ONE, TWO)
    for digest in (image.id, image.digest, image.layers[1].descriptor.digest):
        files = members(saved(image, format="oci"))
        del files[f"blobs/sha256/{digest.hex}"]
        with pytest.raises(Corrupt, match="lacks"):
            load(Pipe(old_archive(files)), store)
        assert_nothing_is_left(store)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_a_truncated_archive_leaves_nothing(store: Store, compress: object) -> None:
    assert callable(compress)
    whole = compress(saved(make_image(MemoryBlobs(), ONE, TWO, compression="none")))
    end = len(whole.rstrip(b"\0")) if compress is bytes else len(whole)
    for length in range(1, end - 1, max(end // 40, 1)):
        with pytest.raises((Corrupt, Invalid)):
            load(Pipe(whole[:length]), store)
        assert_nothing_is_left(store)


@pytest.mark.parametrize("data", [b"", b"hello, I am no tar at all" * 100, gzip.compress(b"", mtime=0)])
def test_what_is_no_archive_says_so(store: Store, data: bytes) -> None:
    with pytest.raises((Corrupt, Invalid)):
        load(Pipe(data), store)
    assert_nothing_is_left(store)


def test_a_tar_of_files_is_told_from_an_archive(store: Store) -> None:
    with pytest.raises(Invalid, match="no archive of images") as caught:
        load(Pipe(tar_of({"etc/passwd": b"root"})), store)
    assert "capas import" in caught.value.hint


def test_the_oldest_docker_archives_say_what_to_do(store: Store) -> None:
    with pytest.raises(Unsupported, match=r"1\.10"):
        load(Pipe(old_archive({"repositories": b"{}", "1/layer.tar": tar_of(ONE)})), store)
    assert_nothing_is_left(store)


def test_an_archive_of_a_great_many_members_is_refused(store: Store) -> None:
    with pytest.raises((Corrupt, Exhausted), match="members"):
        load(Pipe(old_archive({}, {f"{n}": "x" for n in range(20_001)})), store)


def test_a_layer_that_the_receiver_refuses_leaves_nothing(store: Store) -> None:
    class Refusing(Layers):
        def add_layer(self, diff_id: DiffID, tar: Readable) -> None:
            raise Corrupt("the layer is bad")

    with pytest.raises(Corrupt, match="bad"):
        load(Pipe(saved(make_image(MemoryBlobs(), ONE))), store, receiver=Refusing())
    assert_nothing_is_left(store)


def test_a_failed_load_leaves_what_was_there(store: Store) -> None:
    image = make_image(MemoryBlobs(), ONE)
    load(Pipe(saved(image)), store)
    before = sorted(store.blobs.iterate())
    whole = saved(image, make_image(MemoryBlobs(), ONE, TWO))
    with pytest.raises(Corrupt):
        load(Pipe(whole[: len(whole.rstrip(b"\0")) - 2000]), store)
    assert sorted(store.blobs.iterate()) == before
    validate(store.blobs, image.digest)
