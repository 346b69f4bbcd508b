"""The pull category of the distribution spec's conformance suite."""

from __future__ import annotations

import http.client

from support.hub_client import MANIFEST, HubClient, code_of, digest_of

NOWHERE = digest_of(b"nowhere")


def test_the_api_says_that_it_is_there(hub: HubClient) -> None:
    answer = hub.send("GET", "/v2/")
    assert answer.status == 200
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"


def test_a_blob_is_got_with_its_digest_size_and_bytes(hub: HubClient) -> None:
    digest = hub.push_blob(b"some bytes")
    answer = hub.send("GET", f"blobs/{digest}")
    assert (answer.status, answer.data) == (200, b"some bytes")
    assert answer.headers["docker-content-digest"] == digest
    assert answer.headers["content-length"] == "10"


def test_head_of_a_blob_has_the_headers_and_no_body(hub: HubClient) -> None:
    digest = hub.push_blob(b"some bytes")
    answer = hub.send("HEAD", f"blobs/{digest}")
    assert (answer.status, answer.data) == (200, b"")
    assert answer.headers["content-length"] == "10"
    assert answer.headers["docker-content-digest"] == digest


def test_an_unknown_blob_is_not_found(hub: HubClient) -> None:
    hub.push_blob(b"something else")
    assert hub.send("HEAD", f"blobs/{NOWHERE}").status == 404
    answer = hub.send("GET", f"blobs/{NOWHERE}")
    assert (answer.status, code_of(answer)) == (404, "BLOB_UNKNOWN")


def test_a_digest_that_is_none_is_refused(hub: HubClient) -> None:
    for text in ("sha256:short", "sha256:" + "A" * 64, "md5:" + "0" * 32, "sha256:" + "." * 64):
        answer = hub.send("GET", f"blobs/{text}")
        assert (answer.status, code_of(answer)) == (400, "DIGEST_INVALID"), text


def test_a_manifest_is_got_by_tag_and_by_digest_as_it_was_pushed(hub: HubClient) -> None:
    pushed = hub.push_image("v1")
    for reference in ("v1", pushed.digest):
        answer = hub.send("GET", f"manifests/{reference}")
        assert (answer.status, answer.data) == (200, pushed.data)
        assert answer.headers["content-type"] == MANIFEST
        assert answer.headers["docker-content-digest"] == pushed.digest


def test_head_of_a_manifest_has_the_headers_and_no_body(hub: HubClient) -> None:
    pushed = hub.push_image("v1")
    for reference in ("v1", pushed.digest):
        answer = hub.send("HEAD", f"manifests/{reference}")
        assert (answer.status, answer.data) == (200, b"")
        assert answer.headers["content-length"] == str(len(pushed.data))
        assert answer.headers["docker-content-digest"] == pushed.digest


def test_an_unknown_manifest_is_not_found(hub: HubClient) -> None:
    hub.push_image("v1")
    for reference in ("v2", NOWHERE, ".INVALID_MANIFEST_NAME"):
        answer = hub.send("GET", f"manifests/{reference}")
        assert (answer.status, code_of(answer)) == (404, "MANIFEST_UNKNOWN")
        assert hub.send("HEAD", f"manifests/{reference}").status == 404


def test_an_unknown_repository_is_not_found(hub: HubClient) -> None:
    answer = hub.send("GET", "manifests/v1")
    assert (answer.status, code_of(answer)) == (404, "NAME_UNKNOWN")


def test_a_name_that_no_repository_can_have_is_refused(hub: HubClient) -> None:
    for name in ("Upper", "a//b", "a..b", "-a", "a_", "%00", "a%2f%2fb", "a" * 256):
        answer = hub.send("GET", f"/v2/{name}/manifests/v1")
        assert (answer.status, code_of(answer)) == (400, "NAME_INVALID"), name


def test_dots_in_a_path_lead_nowhere(hub: HubClient) -> None:
    for path in ("/v2/a/../b/manifests/v1", "/v2/../v2/manifests/v1", "/v2/%2e%2e/%2e%2e/blobs/uploads/"):
        connection = http.client.HTTPConnection(hub.address)  # urllib3 would tidy the path up
        connection.request("GET", path)
        assert connection.getresponse().status in (400, 405), path
        connection.close()


def test_a_client_that_has_the_bytes_is_told_so(hub: HubClient) -> None:
    pushed, digest = hub.push_image("v1"), hub.push_blob(b"bytes")
    for path, known in (("manifests/v1", pushed.digest), (f"blobs/{digest}", digest)):
        etag = hub.send("HEAD", path).headers["etag"]
        assert known in etag
        answer = hub.send("GET", path, headers={"if-none-match": etag})
        assert (answer.status, answer.data) == (304, b"")
        assert hub.send("GET", path, headers={"if-none-match": '"other"'}).status == 200


def test_a_tag_that_moved_is_seen_at_once(hub: HubClient) -> None:
    for seed in (b"1", b"2", b"3"):
        pushed = hub.push_image("latest", seed=seed)
        assert hub.send("HEAD", "manifests/latest").headers["docker-content-digest"] == pushed.digest
