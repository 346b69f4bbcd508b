"""Images and indexes over any source of bytes."""

from __future__ import annotations

import json

import pytest

from capas.errors import Corrupt, Invalid, NotFound, Unsupported
from capas.image.edit import assemble
from capas.image.image import Image
from capas.image.index import ImageIndex, open_image
from capas.image.validate import validate
from capas.oci import media
from capas.oci.descriptor import Descriptor, PlatformDocument
from capas.oci.digest import DiffID, Digest
from capas.oci.document import encode
from capas.oci.manifest import Index
from capas.oci.platform import Platform
from capas.store.memory import MemoryBlobs
from capas.store.put import put
from support.images import config_of, make_image, put_layer, tar_of

ONE, TWO = {"a": b"1"}, {"b": b"2" * 5000}


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


def index_of(blobs: MemoryBlobs, *entries: Descriptor, media_type: str = media.OCI_INDEX) -> Digest:
    return put(blobs, encode(Index(schema_version=2, media_type=media_type, manifests=entries)))


def entry(image: Image, platform: str = "") -> Descriptor:
    os, _, architecture = platform.partition("/")
    return Descriptor(
        media_type=image.media_type, digest=image.digest, size=len(image.manifest_bytes),
        platform=PlatformDocument(os=os, architecture=architecture) if platform else None,
    )  # fmt: skip


def test_an_image_is_what_its_documents_say(blobs: MemoryBlobs) -> None:
    image = Image.open(blobs, make_image(blobs, ONE, TWO).digest)
    assert image.id == Digest.of(image.config_bytes)
    assert [layer.diff_id for layer in image.layers] == [DiffID.of(tar_of(ONE)), DiffID.of(tar_of(TWO))]
    assert image.platform == Platform("linux", "amd64")
    assert [step.created_by for step in image.history] == ["step 0", "step 1"]
    assert image.size_compressed == sum(size for _, size in blobs.iterate())


def test_bytes_are_kept_as_they_were_read(blobs: MemoryBlobs) -> None:
    whole = make_image(blobs, ONE)
    loose = json.dumps(json.loads(whole.manifest_bytes), indent=3).encode() + b"\n"
    image = Image.open(blobs, put(blobs, loose))
    assert image.manifest_bytes == loose
    assert image.digest == Digest.of(loose)


def test_a_damaged_manifest_is_corrupt(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    blobs.keep(image.digest, image.manifest_bytes + b" ")
    with pytest.raises(Corrupt, match=image.digest):
        Image.open(blobs, image.digest)


@pytest.mark.parametrize("change", [b" ", b""])
def test_a_damaged_config_is_corrupt(blobs: MemoryBlobs, change: bytes) -> None:
    image = make_image(blobs, ONE)
    blobs.keep(Digest(image.id), image.config_bytes[1:] + change)
    with pytest.raises(Corrupt):
        _ = Image.open(blobs, image.digest).config


def test_a_manifest_of_more_than_four_mebibytes_is_refused(blobs: MemoryBlobs) -> None:
    digest = put(blobs, make_image(blobs, ONE).manifest_bytes + b" " * 5_000_000)
    with pytest.raises(Corrupt, match="longer"):
        Image.open(blobs, digest)


def test_a_million_layers_are_refused(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    layers = b",".join([encode(image.manifest.layers[0])] * 2000)
    start, _, _ = image.manifest_bytes.partition(b'"layers":[')
    with pytest.raises(Corrupt, match="2000 layers"):
        Image(blobs, start + b'"layers":[' + layers + b"]}")


def test_json_nested_without_end_is_refused(blobs: MemoryBlobs) -> None:
    with pytest.raises(Corrupt):
        Image(blobs, b'{"schemaVersion":2,"x":' + b"[" * 100_000)


def test_a_config_with_other_layers_than_the_manifest_is_corrupt(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    other = make_image(blobs, ONE, TWO)
    data = image.manifest_bytes.replace(image.id.encode(), other.id.encode())
    data = data.replace(str(len(image.config_bytes)).encode(), str(len(other.config_bytes)).encode(), 1)
    with pytest.raises(Corrupt, match="1 layers and its config 2"):
        _ = Image(blobs, data).layers


def test_an_index_is_no_image_and_an_image_no_index(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    with pytest.raises(Invalid):
        Image.open(blobs, index_of(blobs, entry(image)))
    with pytest.raises(Invalid):
        ImageIndex.open(blobs, image.digest)


def test_a_document_that_is_both_is_refused(blobs: MemoryBlobs) -> None:
    data = make_image(blobs, ONE).manifest_bytes[:-1] + b',"manifests":[]}'
    with pytest.raises(Corrupt, match="ambiguous"):
        Image(blobs, data)


def test_a_manifest_called_by_another_type_is_refused(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    with pytest.raises(Corrupt, match="called"):
        Image.open(blobs, image.digest, media.DOCKER_MANIFEST)


def test_an_artifact_has_no_config_to_run(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    data = image.manifest_bytes.replace(media.OCI_CONFIG.encode(), b"application/vnd.example+json")
    with pytest.raises(Unsupported, match=r"vnd\.example"):
        _ = Image(blobs, data).config


def test_the_entry_that_suits_the_platform_is_chosen(blobs: MemoryBlobs) -> None:
    amd, arm = make_image(blobs, ONE), make_image(blobs, TWO, architecture="arm64")
    index = ImageIndex.open(blobs, index_of(blobs, entry(amd, "linux/amd64"), entry(arm, "linux/arm64")))
    assert index.choose(Platform("linux", "arm64")).digest == arm.digest
    assert index.choose(Platform("linux", "amd64")).digest == amd.digest


def test_a_platform_that_is_not_there_is_told_with_those_that_are(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    index = ImageIndex.open(blobs, index_of(blobs, entry(image, "linux/amd64"), entry(image, "unknown/unknown")))
    with pytest.raises(NotFound, match="linux/s390x here, only for linux/amd64"):
        index.choose(Platform("linux", "s390x"))


def test_an_only_entry_without_a_platform_is_chosen(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    assert open_image(blobs, index_of(blobs, entry(image)), Platform()).id == image.id


def test_an_index_in_an_index_is_followed(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    inner = index_of(blobs, entry(image, "linux/amd64"))
    outer = index_of(blobs, Descriptor(media_type=media.OCI_INDEX, digest=inner, size=1))
    assert open_image(blobs, outer, Platform()).id == image.id


def test_indexes_without_end_are_refused(blobs: MemoryBlobs) -> None:
    digest = index_of(blobs, entry(make_image(blobs, ONE)))
    for _ in range(10):
        digest = index_of(blobs, Descriptor(media_type=media.OCI_INDEX, digest=digest, size=1))
    with pytest.raises(Corrupt, match="nested"):
        open_image(blobs, digest, Platform())
    with pytest.raises(Corrupt):
        validate(blobs, digest)


def test_assembled_images_are_valid_in_both_families(blobs: MemoryBlobs) -> None:
    for docker in (False, True):
        image = make_image(blobs, ONE, TWO, docker=docker)
        validate(blobs, image.digest)
        families = {part.media_type.split(".")[1] for part in (image.manifest.config, *image.manifest.layers)}
        assert families == {"docker" if docker else "oci"}


def test_equal_images_have_equal_digests() -> None:
    assert make_image(MemoryBlobs(), ONE).digest == make_image(MemoryBlobs(), ONE).digest


def test_layers_that_the_config_does_not_name_are_refused(blobs: MemoryBlobs) -> None:
    with pytest.raises(Invalid):
        assemble(blobs, config_of([]), [put_layer(blobs, tar_of(ONE))])


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_a_valid_image_passes(blobs: MemoryBlobs, compression: str) -> None:
    validate(blobs, make_image(blobs, ONE, TWO, compression=compression).digest)


def test_the_validator_reads_layers_to_the_last_byte(blobs: MemoryBlobs) -> None:
    image = make_image(blobs, ONE)
    layer = image.layers[0].descriptor
    data = blobs.open(layer.digest).read()
    for damaged in (data[:-1], data + b"\0", data[:40] + b"\xff" + data[41:]):
        blobs.keep(layer.digest, damaged)
        with pytest.raises(Corrupt):
            validate(blobs, image.digest)
    blobs.delete(layer.digest)
    with pytest.raises(NotFound):
        validate(blobs, image.digest)


def test_the_validator_compares_layers_with_their_diff_ids(blobs: MemoryBlobs) -> None:
    image = assemble(blobs, config_of([tar_of(ONE)]), [put_layer(blobs, tar_of(TWO))])
    with pytest.raises(Corrupt, match="inflates"):
        validate(blobs, image.digest)


def test_the_validator_looks_into_every_image_of_an_index(blobs: MemoryBlobs) -> None:
    good = make_image(blobs, ONE)
    digest = index_of(blobs, entry(good, "linux/amd64"), entry(good, "linux/arm64"))
    validate(blobs, digest)
    blobs.delete(good.layers[0].descriptor.digest)
    with pytest.raises(NotFound):
        validate(blobs, digest)
