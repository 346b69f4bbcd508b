"""Manifests over the wire, from registries that tell the truth and from others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from capas.errors import CapasError, Corrupt, Denied, Exhausted, NotFound, Unauthenticated, Unavailable
from capas.oci import media
from capas.oci.digest import Digest
from capas.reference import Reference
from capas.registry.client import Client, Repository
from capas.registry.message import Request
from capas.settings import RegistrySettings, Settings
from support.scripted import Answer, MemoryRegistry, Reply, Scripted, in_turn

DATA = json.dumps({"schemaVersion": 2, "mediaType": media.OCI_MANIFEST}).encode()
DIGEST = Digest.of(DATA)
HEADERS = {"Content-Type": media.OCI_MANIFEST + "; charset=utf-8", "Docker-Content-Digest": DIGEST}


def repository(tmp_path: Path, answer: Answer, name: str = "localhost:5000/me/app", **more: object) -> Repository:
    settings = Settings(tmp_path, tmp_path, tmp_path / "config.json", {})._replace(**more)  # type: ignore[arg-type]
    return Client(settings, transport=Scripted(answer)).repository(Reference.parse(name))


def test_a_manifest_comes_with_its_type_and_digest(tmp_path: Path) -> None:
    found = repository(tmp_path, in_turn(Reply(200, DATA, HEADERS))).get_manifest("1")
    assert found == (DATA, media.OCI_MANIFEST, DIGEST)


def test_all_four_types_are_accepted(tmp_path: Path) -> None:
    seen: list[Request] = []
    repository(tmp_path, lambda request: seen.append(request) or Reply(200, DATA, HEADERS)).get_manifest("1")
    assert set(seen[0].headers["Accept"].split(", ")) == set(media.ACCEPTED)


@pytest.mark.parametrize("target", ["1", str(DIGEST)])
def test_a_registry_that_lies_about_a_digest_is_found_out(tmp_path: Path, target: str) -> None:
    headers = {**HEADERS, "Docker-Content-Digest": str(DIGEST)}
    with pytest.raises(Corrupt, match="localhost:5000 lies about me/app"):
        repository(tmp_path, in_turn(Reply(200, DATA + b" ", headers))).get_manifest(target)


def test_a_digest_is_checked_even_if_the_header_says_what_was_asked(tmp_path: Path) -> None:
    other = b'{"schemaVersion": 2}'
    reply = Reply(200, other, {**HEADERS, "Docker-Content-Digest": Digest.of(other)})
    with pytest.raises(Corrupt, match=f"should be {DIGEST} and is {Digest.of(other)}"):
        repository(tmp_path, in_turn(reply)).get_manifest(DIGEST)


def test_four_megabytes_are_enough(tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match="more than 4194304 bytes"):
        repository(tmp_path, in_turn(Reply(200, b" " * (4 << 20) + b"{}"))).get_manifest("1")


def test_a_type_that_means_nothing_is_not_handed_on(tmp_path: Path) -> None:
    found = repository(tmp_path, in_turn(Reply(200, DATA, {"Content-Type": "text/plain"}))).get_manifest("1")
    assert found.media_type == ""


def test_a_look_tells_digest_type_and_size(tmp_path: Path) -> None:
    found = repository(tmp_path, in_turn(Reply(200, b"", {**HEADERS, "Content-Length": "52"}))).head_manifest("1")
    assert found is not None
    assert (found.digest, found.media_type, found.size) == (DIGEST, media.OCI_MANIFEST, 52)


@pytest.mark.parametrize("digest", ["", "sha256:../../x", "sha256:" + "A" * 64, "md5:" + "a" * 32])
def test_a_look_without_a_digest_tells_nothing(tmp_path: Path, digest: str) -> None:
    reply = Reply(200, b"", {**HEADERS, "Docker-Content-Digest": digest})
    assert repository(tmp_path, in_turn(reply)).head_manifest("1") is None


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthenticated), (403, Denied), (404, NotFound), (429, Exhausted), (418, CapasError)]
)
def test_a_refusal_is_of_its_kind_and_in_the_registrys_words(
    tmp_path: Path, status: int, kind: type[CapasError]
) -> None:
    body = json.dumps({"errors": [{"code": "X", "message": "no \x1b[31m{way}\n", "detail": "really"}]}).encode()
    reply = Reply(status, body, {"Retry-After": "999"})
    with pytest.raises(kind, match=r"no  ?\[31m\{way\} \(really\)") as caught:
        repository(tmp_path, in_turn(reply)).get_manifest("1")
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors": 7}', b'{"errors": [7]}', b"[" * 60_000, b"\xff"])
def test_a_refusal_without_sense_is_still_a_refusal(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(NotFound, match=r"localhost:5000/me/app:1: not found"):
        repository(tmp_path, in_turn(Reply(404, body))).get_manifest("1")


def test_a_refusal_of_a_megabyte_is_cut(tmp_path: Path) -> None:
    body = json.dumps({"errors": [{"message": "x" * 40_000}]}).encode()
    with pytest.raises(Denied) as caught:
        repository(tmp_path, in_turn(Reply(403, body))).get_manifest("1")
    assert len(str(caught.value)) < 400


def test_a_registry_in_trouble_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="localhost:5000 has trouble: status 500"):
        repository(tmp_path, lambda request: Reply(500)).get_manifest("1")


def test_a_put_that_is_stored_as_something_else_is_told(tmp_path: Path) -> None:
    reply = Reply(201, b"", {"Docker-Content-Digest": Digest.of(b"other")})
    with pytest.raises(Corrupt, match="changed the manifest"):
        repository(tmp_path, in_turn(reply)).put_manifest("1", DATA, media.OCI_MANIFEST)


def mirrored(tmp_path: Path, answer: Answer) -> Repository:
    registries = {"docker.io": RegistrySettings(mirrors=("http://localhost:5000", "http://localhost:5001/hub/"))}
    return repository(tmp_path, answer, "debian", registries=registries)


def test_mirrors_are_asked_in_order_and_before_the_registry(tmp_path: Path) -> None:
    seen: list[str] = []

    def answer(request: Request) -> Reply:
        seen.append(request.url)
        return Reply(200, DATA, HEADERS) if "docker.io" in request.url else Reply(404)

    mirrored(tmp_path, answer).get_manifest("1")
    assert seen == [
        "http://localhost:5000/v2/library/debian/manifests/1",
        "http://localhost:5001/hub/v2/library/debian/manifests/1",
        "https://registry-1.docker.io/v2/library/debian/manifests/1",
    ]


def test_what_a_mirror_has_is_not_asked_for_elsewhere(tmp_path: Path) -> None:
    mirrored(tmp_path, in_turn(Reply(200, DATA, HEADERS))).get_manifest("1")


def test_a_mirror_that_lies_is_passed_over(tmp_path: Path) -> None:
    found = mirrored(tmp_path, in_turn(Reply(200, b"lie"), Reply(200, DATA, HEADERS))).get_manifest(DIGEST)
    assert found.data == DATA


def test_a_push_goes_to_the_registry_itself(tmp_path: Path) -> None:
    seen: list[str] = []
    mirrored(tmp_path, lambda request: seen.append(request.url) or Reply(201)).put_manifest("1", DATA, "x")
    assert seen == ["https://registry-1.docker.io/v2/library/debian/manifests/1"]


def test_tags_are_listed_over_pages(tmp_path: Path) -> None:
    first = Reply(200, b'{"tags":["a","b"]}', {"Link": '</v2/me/app/tags/list?n=2&last=b>; rel="next"'})
    assert repository(tmp_path, in_turn(first, Reply(200, b'{"tags":["c"]}'))).list_tags() == ["a", "b", "c"]


def test_a_listing_does_not_lead_elsewhere(tmp_path: Path) -> None:
    page = Reply(200, b'{"tags":[]}', {"Link": '<http://evil:1/v2/me/app/tags/list>; rel="next"'})
    with pytest.raises(Corrupt, match="without end"):
        repository(tmp_path, in_turn(page)).list_tags()


def test_referrers_fall_back_to_their_tag(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    signature = {"mediaType": media.OCI_MANIFEST, "digest": Digest.of(b"s"), "size": 1, "artifactType": "sig"}
    index = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": [signature]}
    registry.add_manifest(json.dumps(index).encode(), media.OCI_INDEX, str(DIGEST).replace(":", "-"))
    found = repository(tmp_path, registry)
    assert [one.digest for one in found.referrers(DIGEST, "sig")] == [Digest.of(b"s")]
    assert found.referrers(DIGEST, "sbom") == []
