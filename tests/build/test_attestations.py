"""Attestations: what a build says of its image, where it stands, and what is never in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capas.build.attestations.reading import find_predicate
from capas.build.attestations.statement import LAYER_TYPE, is_about
from capas.build.attestations.wish import Attestations, parse_attestations
from capas.build.exporters.output import Output
from capas.build.request import Built
from capas.build.secrets import SecretSource
from capas.errors import CapasError, Corrupt
from capas.image.image import Image
from capas.image.index import ImageIndex
from capas.image.validate import validate
from capas.oci.platform import Platform
from capas.reference import Reference
from support.building import Workshop, write_files
from support.git import Repository, served

PROVENANCE = "https://slsa.dev/provenance/v1"
DOCKERFILE = "FROM base\nARG TOKEN\nARG OTHER=x\nCOPY file /\nADD http://me:pa55w0rd@host.example/data /\n"
FILES = {"Dockerfile": DOCKERFILE, "file": "content"}
STATUS = b"Package: base-files\nStatus: install ok installed\nVersion: 12\nArchitecture: amd64\n"
EPOCH = 1_700_000_000


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    yield from open_shop(tmp_path)


def open_shop(tmp_path: Path) -> Iterator[Workshop]:
    shop = Workshop(tmp_path / "shop")
    shop.make_image("base", {"var": None, "var/lib": None, "var/lib/dpkg": None, "var/lib/dpkg/status": STATUS})
    shop.downloads["http://me:pa55w0rd@host.example/data"] = b"data"
    write_files(tmp_path / "context", FILES)
    yield shop
    shop.close()


def build(shop: Workshop, wish: Attestations, **wishes: object) -> Built:
    return shop.build(shop.root.parent / "context", attestations=wish, **wishes)


def said(built: Built, type: str = PROVENANCE) -> dict[str, Any]:
    found = find_predicate(built.exported.top, built.image, type)
    assert found is not None
    return found


def statements(built: Built) -> list[bytes]:
    """What stands beside the image, whole."""
    top = built.exported.over
    assert top is not None
    found = []
    for layer in Image.open(top.source, top.manifests[-1].digest).manifest.layers:
        with top.source.open(layer.digest) as file:
            found.append(file.read())
    return found


def test_without_a_wish_an_image_is_one_manifest(shop: Workshop) -> None:
    assert isinstance(build(shop, Attestations()).exported.top, Image)


def test_attestations_stand_beside_the_image_as_buildkit_puts_them(shop: Workshop) -> None:
    built = build(shop, Attestations("spdx", "min"))
    top = built.exported.top
    assert isinstance(top, ImageIndex)
    image, attestation = top.manifests
    assert image.digest == built.image.digest
    assert is_about(attestation, built.image.digest)
    assert str(attestation.platform.normal) == "unknown/unknown" if attestation.platform else False
    manifest = Image.open(top.source, attestation.digest).manifest
    assert manifest.subject == built.image.descriptor
    assert [(layer.media_type, layer.annotations) for layer in manifest.layers] == [
        (LAYER_TYPE, {"in-toto.io/predicate-type": "https://spdx.dev/Document"}),
        (LAYER_TYPE, {"in-toto.io/predicate-type": PROVENANCE}),
    ]
    assert json.loads(statements(built)[1])["subject"] == [{"name": "_", "digest": {"sha256": built.image.digest.hex}}]
    validate(top.source, top.digest)


def test_every_platform_has_attestations_of_its_own(shop: Workshop) -> None:
    write_files(shop.root.parent / "context", {"Dockerfile": "FROM scratch\nCOPY file /\n"})
    built = build(shop, Attestations(provenance="min"), platforms=(Platform(), Platform("linux", "arm64")))
    top = built.exported.top
    assert isinstance(top, ImageIndex)
    assert [str(one.platform.normal) for one in top.manifests if one.platform] == [
        "linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown",
    ]  # fmt: skip
    for entry, image in zip(top.manifests[2:], built.exported.images, strict=True):
        assert is_about(entry, image.digest)
        found = find_predicate(top, image, PROVENANCE)
        assert found is not None
        args = found["buildDefinition"]["externalParameters"]["request"]["args"]
        assert args["platform"] == str(image.platform)


def test_the_index_of_an_attested_image_stays_until_its_name_goes(shop: Workshop) -> None:
    name = Reference.parse("me/app").with_default_tag()
    built = build(shop, Attestations("spdx", "max"), outputs=(Output(names=(name,)),))
    shop.store.collect()
    assert said(built, "https://spdx.dev/Document")["packages"][1]["name"] == "base-files"
    assert json.loads(statements(built)[0])["subject"][0]["name"] == "pkg:docker/me/app@latest?platform=linux%2Famd64"


def test_the_same_build_gives_the_same_attestations_on_another_machine(tmp_path: Path) -> None:
    digests = set()
    for machine in ("one", "two"):
        for shop in open_shop(tmp_path / machine):
            built = build(shop, Attestations("cyclonedx", "max"), source_date_epoch=EPOCH)
            digests.add(built.exported.digest)
    assert len(digests) == 1


def test_a_build_from_the_cache_gives_the_same_attestations(shop: Workshop) -> None:
    first = build(shop, Attestations("spdx", "max"))
    shop.now_ns += 3_600_000_000_000
    assert build(shop, Attestations("spdx", "max")).exported.digest == first.exported.digest


def test_what_went_into_the_image_is_named_with_its_digest(shop: Workshop) -> None:
    built = build(shop, Attestations(provenance="min"))
    base = shop.images[next(iter(shop.images))]
    assert said(built)["buildDefinition"]["resolvedDependencies"] == [
        {"uri": "pkg:docker/base@latest?platform=linux%2Famd64", "digest": {"sha256": base.digest.hex}},
        {"uri": "http://host.example/data",
         "digest": {"sha256": "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"}},
    ]  # fmt: skip


@pytest.mark.peer("git")
def test_a_context_from_git_is_named_by_its_commit(shop: Workshop, tmp_path: Path) -> None:
    with served(tmp_path / "served") as host:
        repository = Repository(tmp_path / "served" / "app.git")
        commit = repository.commit({"Dockerfile": "FROM base\nCOPY file /\n", "file": "x"})
        built = shop.build(host.url("app.git", "me:pa55w0rd"), attestations=Attestations(provenance="min"))
    definition = said(built)["buildDefinition"]
    source = definition["externalParameters"]["configSource"]
    assert source == {"path": "Dockerfile", "uri": host.url("app.git"), "digest": {"sha1": commit}}
    assert {"uri": host.url("app.git"), "digest": {"sha1": commit}} in definition["resolvedDependencies"]
    assert "locals" not in definition["externalParameters"]["request"]


def test_mode_min_tells_no_argument_and_mode_max_tells_all(shop: Workshop) -> None:
    args = {"TOKEN": "t0ken", "OTHER": None}
    wishes = {"build_args": args, "labels": {"l": "v"}, "target": "", "environ": {"OTHER": "outside"}}
    brief = said(build(shop, Attestations(provenance="min"), **wishes))
    assert "t0ken" not in json.dumps(brief)
    assert brief["buildDefinition"]["externalParameters"]["request"]["args"] == {
        "filename": "Dockerfile", "platform": "linux/amd64",
    }  # fmt: skip
    whole = said(build(shop, Attestations(provenance="max"), **wishes))
    found = whole["buildDefinition"]["externalParameters"]["request"]["args"]
    assert {key: found[key] for key in ("build-arg:TOKEN", "build-arg:OTHER", "label:l")} == {
        "build-arg:TOKEN": "t0ken", "build-arg:OTHER": "outside", "label:l": "v",
    }  # fmt: skip
    assert whole["runDetails"]["metadata"]["buildkit_metadata"]["source"]["infos"][0]["filename"] == "Dockerfile"
    assert len(whole["buildDefinition"]["internalParameters"]["buildConfig"]["steps"]) == 2


def test_no_password_of_an_address_is_in_any_attestation(shop: Workshop) -> None:
    contexts = {"data": "https://you:pa55w0rd@host.example/x.git"}
    built = build(shop, Attestations("spdx", "max"), build_contexts=contexts,
                  build_args={"URL": "https://us:pa55w0rd@host.example/"})  # fmt: skip
    texts = statements(built)
    source = json.loads(texts[1])["predicate"]["runDetails"]["metadata"]["buildkit_metadata"]["source"]["infos"][0]
    assert b"host.example" in base64.b64decode(source["data"])
    for text in (*texts, base64.b64decode(source["data"])):
        assert b"pa55w0rd" not in text


def test_of_a_secret_only_its_id_is_told_and_only_in_mode_max(shop: Workshop) -> None:
    wishes = {"secrets": {"tok": SecretSource(variable="TOK")}, "ssh": {"default": ()}, "environ": {"TOK": "s3cr3t"}}
    for mode in ("min", "max"):
        built = build(shop, Attestations("spdx", mode), **wishes)  # type: ignore[arg-type]
        assert not [text for text in statements(built) if b"s3cr3t" in text]
        request = said(built)["buildDefinition"]["externalParameters"]["request"]
        assert request.get("secrets", []) == ([{"id": "tok"}] if mode == "max" else [])
        assert request.get("ssh", []) == ([{"id": "default"}] if mode == "max" else [])


def test_a_statement_with_other_bytes_is_not_believed(shop: Workshop) -> None:
    built = build(shop, Attestations("spdx"))
    top = built.exported.over
    assert top is not None
    layer = Image.open(top.source, top.manifests[1].digest).manifest.layers[0]
    path = shop.store.blobs.path(layer.digest)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"base-files", b"base-filez"))
    with pytest.raises(Corrupt, match="damaged or forged"):
        find_predicate(top, built.image, "https://spdx.dev/Document")


@pytest.mark.parametrize(
    ("attests", "sbom", "provenance", "expected"),
    [
        ((), None, None, Attestations()),
        ((), "true", None, Attestations("spdx")),
        ((), "format=cyclonedx", "mode=max", Attestations("cyclonedx", "max")),
        ((), None, "true", Attestations(None, "min")),
        (("type=sbom", "type=provenance,mode=max,version=v1"), None, None, Attestations("spdx", "max")),
        (("type=sbom", "type=provenance"), "false", "false", Attestations()),
        (("type=sbom,disabled=true",), None, None, Attestations()),
        ((), None, "mode=min,builder-id=https://ci.example/1", Attestations(None, "min", "https://ci.example/1")),
    ],
)
def test_flags_say_which_attestations_are_wanted(
    attests: tuple[str, ...], sbom: str | None, provenance: str | None, expected: Attestations
) -> None:
    assert parse_attestations(attests, sbom=sbom, provenance=provenance) == expected


@pytest.mark.parametrize(
    ("attest", "message"),
    [
        ("type=vex", "there is no attestation 'vex'"),
        ("type=sbom,generator=docker/scout-sbom-indexer", "no generator is run"),
        ("type=sbom,format=syft", "no such format of an SBOM: 'syft'"),
        ("type=provenance,mode=all", "mode is min or max"),
        ("type=provenance,version=v0.2", "SLSA v1, not v0.2"),
        ("type=sbom,nope=1", "there is no attribute 'nope'"),
        ("sbom", "is not key=value"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(attest: str, message: str) -> None:
    with pytest.raises(CapasError, match=message):
        parse_attestations((attest,))
