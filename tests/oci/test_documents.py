"""Manifests, indexes, configs and descriptors: bounded, typed, never ambiguous."""

from __future__ import annotations

import json

import pytest

from capas.errors import Corrupt, Unsupported
from capas.oci import media
from capas.oci.config import Config, parse_config
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID, Digest
from capas.oci.document import MAX_BYTES, decode, encode
from capas.oci.manifest import Index, Manifest, parse_manifest, type_of

CONFIG = {"mediaType": media.OCI_CONFIG, "digest": Digest.of(b"c"), "size": 1}
LAYER = {"mediaType": media.OCI_LAYER_GZIP, "digest": Digest.of(b"l"), "size": 2}


def manifest(**changes: object) -> bytes:
    document = {"schemaVersion": 2, "mediaType": media.OCI_MANIFEST, "config": CONFIG, "layers": [LAYER], **changes}
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()


def index(**changes: object) -> bytes:
    child = {"mediaType": media.OCI_MANIFEST, "digest": Digest.of(b"m"), "size": 3,
             "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}  # fmt: skip
    return json.dumps({"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": [child], **changes}).encode()


def test_a_manifest_names_its_config_and_layers() -> None:
    found = parse_manifest(manifest(), media.OCI_MANIFEST)
    assert isinstance(found, Manifest)
    assert (found.config.digest, [layer.size for layer in found.layers]) == (Digest.of(b"c"), [2])


def test_an_index_names_manifests_with_their_platforms() -> None:
    found = parse_manifest(index(), media.OCI_INDEX)
    assert isinstance(found, Index)
    platform = found.manifests[0].platform
    assert platform is not None and str(platform.normal) == "linux/arm64"


def test_the_type_of_a_manifest_may_be_left_out() -> None:
    found = parse_manifest(manifest(mediaType=None))
    assert type_of(found) == media.OCI_MANIFEST
    assert type_of(parse_manifest(index(mediaType=""), media.OCI_INDEX)) == media.OCI_INDEX


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (manifest(manifests=[]), ""),
        (index(layers=[]), ""),
        (index(config=CONFIG), ""),
        (manifest(), media.OCI_INDEX),
        (manifest(), media.DOCKER_MANIFEST),
        (index(), media.OCI_MANIFEST),
        (index(mediaType=""), media.OCI_MANIFEST),
        (manifest(mediaType=media.OCI_INDEX), ""),
        (manifest(schemaVersion=3), ""),
        (manifest(schemaVersion="2"), ""),
        (manifest(layers="x"), ""),
        (manifest(config=None), ""),
        (manifest(config={**CONFIG, "size": -1}), ""),
        (manifest(config={**CONFIG, "size": 1.5}), ""),
        (manifest(config={**CONFIG, "digest": "sha256:../../etc"}), ""),
        (manifest(config={**CONFIG, "digest": 5}), ""),
        (b"", ""),
        (b"[]", ""),
        (b"null", ""),
        (b"{", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
        (b'{"layers":' * 50_000, ""),
    ],
)
def test_a_document_that_is_not_what_it_says_is_corrupt(data: bytes, media_type: str) -> None:
    with pytest.raises(Corrupt):
        parse_manifest(data, media_type)


def test_schema_one_is_refused_by_name() -> None:
    with pytest.raises(Unsupported, match="schema 1"):
        parse_manifest(b'{"schemaVersion": 1, "fsLayers": []}')
    with pytest.raises(Unsupported, match="schema 1"):
        parse_manifest(b'{"schemaVersion": 2}', media.DOCKER_SCHEMA1_SIGNED)


def test_a_document_of_five_megabytes_is_not_read() -> None:
    with pytest.raises(Corrupt, match="at most"):
        decode(b" " * (MAX_BYTES + 1), Manifest, "manifest")


def test_a_config_has_the_fields_of_docker() -> None:
    config = parse_config(
        json.dumps(
            {
                "architecture": "arm64", "os": "linux", "variant": "v8", "created": "2024-01-02T03:04:05.678901234Z",
                "config": {"Env": ["A=b"], "Cmd": ["x"], "ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGINT",
                           "Healthcheck": {"Test": ["CMD", "y"], "Interval": 5}, "OnBuild": ["RUN z"], "User": "u"},
                "rootfs": {"type": "layers", "diff_ids": [DiffID.of(b"a")]},
                "history": [{"created_by": "RUN x", "empty_layer": True}],
            }
        ).encode()
    )  # fmt: skip
    run = config.execution
    assert (run.env, run.cmd, run.stop_signal, run.on_build, run.user) == (("A=b",), ("x",), "SIGINT", ("RUN z",), "u")
    assert run.healthcheck is not None and (run.healthcheck.test, run.healthcheck.interval) == (("CMD", "y"), 5)
    assert (str(config.platform), config.rootfs.diff_ids) == ("linux/arm64", (DiffID.of(b"a"),))
    assert (config.steps[0].created_by, config.steps[0].empty_layer) == ("RUN x", True)


def test_a_config_with_nothing_has_defaults() -> None:
    config = parse_config(b'{"config": null, "history": null}')
    assert (config.execution.env, config.steps, config.rootfs.diff_ids) == (None, (), ())


def test_a_document_is_written_without_what_it_does_not_say() -> None:
    descriptor = Descriptor(media_type=media.OCI_LAYER, digest=Digest.of(b"x"), size=1)
    assert json.loads(encode(descriptor)) == {
        "mediaType": media.OCI_LAYER, "digest": Digest.of(b"x"), "size": 1,
    }  # fmt: skip
    assert json.loads(encode(Config(architecture="amd64", os="linux"))) == {"architecture": "amd64", "os": "linux"}


def test_what_is_written_reads_back_the_same() -> None:
    for data in (manifest(), index()):
        found = parse_manifest(data)
        assert parse_manifest(encode(found)) == found


def test_layers_are_told_by_their_type() -> None:
    layers = [media.OCI_LAYER_ZSTD, media.DOCKER_LAYER, media.OCI_CONFIG, media.DOCKER_CONFIG, media.OCI_EMPTY]
    assert [media.is_layer(kind) for kind in layers] == [True, True, False, False, False]
    assert media.is_foreign("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    assert media.is_foreign("application/vnd.oci.image.layer.nondistributable.v1.tar")
    assert not media.is_foreign(media.OCI_LAYER)


def test_the_type_of_a_new_layer_follows_its_compression() -> None:
    kinds = [media.layer_type(kind) for kind in ("gzip", "zstd", "none")]
    assert kinds == [media.OCI_LAYER_GZIP, media.OCI_LAYER_ZSTD, media.OCI_LAYER]
    docker = [media.layer_type(kind, docker=True) for kind in ("gzip", "zstd", "none")]
    assert docker == [media.DOCKER_LAYER_GZIP, media.OCI_LAYER_ZSTD, media.DOCKER_LAYER]
