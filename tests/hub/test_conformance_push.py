"""The push category of the distribution spec's conformance suite."""

from __future__ import annotations

import pytest

from support.hub_client import CONFIG, INDEX, LAYER, MANIFEST, HubClient, code_of, describe, digest_of

DATA = bytes(range(256)) * 40


def test_a_blob_is_pushed_by_post_then_put(hub: HubClient) -> None:
    start = hub.send("POST", "blobs/uploads/")
    assert start.status == 202
    digest = digest_of(DATA)
    done = hub.send("PUT", f"{start.headers['location']}?digest={digest}", body=DATA)
    assert done.status == 201
    assert done.headers["location"] == f"/v2/{hub.name}/blobs/{digest}"
    assert hub.send("GET", done.headers["location"]).data == DATA


def test_a_blob_is_pushed_by_one_post(hub: HubClient) -> None:
    digest = digest_of(DATA)
    done = hub.send("POST", f"blobs/uploads/?digest={digest}", body=DATA)
    assert (done.status, done.headers["docker-content-digest"]) == (201, digest)
    assert hub.send("GET", f"blobs/{digest}").data == DATA


def test_a_streamed_blob_needs_no_length(hub: HubClient) -> None:
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    parts = (DATA[at : at + 1000] for at in range(0, len(DATA), 1000))
    patched = hub.send("PATCH", location, body=parts, chunked=True)
    assert (patched.status, patched.headers["range"]) == (202, f"0-{len(DATA) - 1}")
    assert hub.send("PUT", f"{patched.headers['location']}?digest={digest_of(DATA)}").status == 201
    assert hub.send("GET", f"blobs/{digest_of(DATA)}").data == DATA


def test_chunks_come_in_order(hub: HubClient) -> None:
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    first = hub.send("PATCH", location, body=DATA[:100], headers={"content-range": "0-99"})
    assert (first.status, first.headers["range"]) == (202, "0-99")
    again = hub.send("PATCH", location, body=DATA[:100], headers={"content-range": "0-99"})
    assert again.status == 416
    gap = hub.send("PATCH", location, body=DATA[200:300], headers={"content-range": "200-299"})
    assert (gap.status, gap.headers["range"], gap.headers["location"]) == (416, "0-99", location)
    status = hub.send("GET", location)
    assert (status.status, status.headers["range"]) == (204, "0-99")
    rest = f"100-{len(DATA) - 1}"
    done = hub.send("PUT", f"{location}?digest={digest_of(DATA)}", body=DATA[100:], headers={"content-range": rest})
    assert done.status == 201
    assert hub.send("GET", f"blobs/{digest_of(DATA)}").data == DATA


@pytest.mark.parametrize(
    ("span", "code"), [("x", "BLOB_UPLOAD_INVALID"), ("9-0", "BLOB_UPLOAD_INVALID"), ("0-5", "SIZE_INVALID")]
)
def test_a_chunk_that_contradicts_itself_is_refused(hub: HubClient, span: str, code: str) -> None:
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    answer = hub.send("PATCH", location, body=b"0123456789", headers={"content-range": span})
    assert (answer.status, code_of(answer)) == (400, code)
    assert hub.send("GET", location).headers["range"] == "0-0"


def test_another_digest_leaves_nothing_visible(hub: HubClient) -> None:
    wrong = digest_of(b"other")
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    answer = hub.send("PUT", f"{location}?digest={wrong}", body=DATA)
    assert (answer.status, code_of(answer)) == (400, "DIGEST_INVALID")
    assert hub.send("HEAD", f"blobs/{wrong}").status == 404
    assert hub.send("HEAD", f"blobs/{digest_of(DATA)}").status == 404
    assert hub.send("GET", location).status == 404
    assert hub.send("POST", f"blobs/uploads/?digest={wrong}", body=DATA).status == 400


def test_a_finish_without_a_digest_is_refused(hub: HubClient) -> None:
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    answer = hub.send("PUT", location, body=DATA)
    assert (answer.status, code_of(answer)) == (400, "DIGEST_INVALID")


def test_an_empty_blob_is_a_blob(hub: HubClient) -> None:
    digest = hub.push_blob(b"")
    answer = hub.send("GET", f"blobs/{digest}")
    assert (answer.status, answer.headers["content-length"]) == (200, "0")


def test_a_cancelled_upload_is_gone(hub: HubClient) -> None:
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    hub.send("PATCH", location, body=b"abc")
    assert hub.send("DELETE", location).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        answer = hub.send(method, location)
        assert (answer.status, code_of(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_that_never_began_is_not_found(hub: HubClient) -> None:
    for upload in ("0" * 64, "x", "..", "%2e%2e%2frecords.sqlite"):
        assert hub.send("PATCH", f"blobs/uploads/{upload}", body=b"abc").status in (400, 404)


def test_a_mount_takes_the_blob_along(hub: HubClient) -> None:
    other = HubClient(hub.address, hub.name + "-source")
    digest = other.push_blob(DATA)
    answer = hub.send("POST", f"blobs/uploads/?mount={digest}&from={other.name}")
    assert (answer.status, answer.headers["location"]) == (201, f"/v2/{hub.name}/blobs/{digest}")
    assert hub.send("GET", f"blobs/{digest}").data == DATA
    other.close()


def test_a_mount_without_a_source_finds_one(hub: HubClient) -> None:
    other = HubClient(hub.address, hub.name + "-source")
    digest = other.push_blob(b"mounted without a source")
    assert hub.send("POST", f"blobs/uploads/?mount={digest}").status == 201
    other.close()


def test_a_mount_that_is_not_to_be_had_becomes_an_upload(hub: HubClient) -> None:
    for source in ("nowhere", hub.name, "../x", ""):
        digest = digest_of(b"nowhere at all")
        answer = hub.send("POST", f"blobs/uploads/?mount={digest}&from={source}")
        assert answer.status == 202, source
        done = hub.send("PUT", f"{answer.headers['location']}?digest={digest_of(DATA)}", body=DATA)
        assert done.status == 201


def test_a_manifest_is_pushed_by_tag_and_by_digest(hub: HubClient) -> None:
    pushed = hub.push_image("v1")
    again = hub.put("v2", pushed.data)
    assert (again.status, again.headers["location"]) == (201, f"/v2/{hub.name}/manifests/{pushed.digest}")
    assert hub.put(pushed.digest, pushed.data).status == 201
    wrong = hub.put(digest_of(b"other"), pushed.data)
    assert (wrong.status, code_of(wrong)) == (400, "DIGEST_INVALID")


def test_a_manifest_needs_its_blobs(hub: HubClient) -> None:
    config = b"{}"
    document = {
        "schemaVersion": 2,
        "config": describe(CONFIG, config),
        "layers": [describe(LAYER, b"never pushed")],
    }
    hub.push_blob(config)
    answer = hub.put("v1", document)
    assert (answer.status, code_of(answer)) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert digest_of(b"never pushed").encode() in answer.data
    assert hub.send("HEAD", "manifests/v1").status == 404


def test_a_manifest_that_lies_about_a_size_is_refused(hub: HubClient) -> None:
    hub.push_blob(b"{}")
    document = {"schemaVersion": 2, "config": describe(CONFIG, b"{}") | {"size": 3}, "layers": []}
    answer = hub.put("v1", document)
    assert (answer.status, code_of(answer)) == (400, "MANIFEST_INVALID")


def test_an_index_needs_its_manifests(hub: HubClient) -> None:
    pushed = hub.push_image()
    child = {"mediaType": MANIFEST, "digest": pushed.digest, "size": len(pushed.data)}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}
    assert hub.put("all", index, INDEX).status == 201
    assert hub.send("GET", "manifests/all").headers["content-type"] == INDEX
    index["manifests"] = [child, {"mediaType": MANIFEST, "digest": digest_of(b"no"), "size": 2}]
    answer = hub.put("all", index, INDEX)
    assert (answer.status, code_of(answer)) == (400, "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"schemaVersion":2}', b'{"schemaVersion":1}', b"[" * 100_000, b"\xff\xfe"]
)
def test_a_document_that_is_no_manifest_is_refused(hub: HubClient, data: bytes) -> None:
    answer = hub.put("v1", data)
    assert (answer.status, code_of(answer)) == (400, "MANIFEST_INVALID")


def test_a_document_that_is_two_things_is_refused(hub: HubClient) -> None:
    hub.push_blob(b"{}")
    both = {"schemaVersion": 2, "config": describe(CONFIG, b"{}"), "layers": [], "manifests": []}
    assert hub.put("v1", both).status == 400
    called = {"schemaVersion": 2, "mediaType": MANIFEST, "config": describe(CONFIG, b"{}"), "layers": []}
    assert code_of(hub.put("v1", called, INDEX)) == "MANIFEST_INVALID"


def test_a_manifest_has_at_most_four_mebibytes(hub: HubClient) -> None:
    answer = hub.put("v1", b" " * (4 * 1024 * 1024 + 1))
    assert (answer.status, code_of(answer)) == (413, "MANIFEST_INVALID")


def test_a_tag_that_no_manifest_can_have_is_refused(hub: HubClient) -> None:
    for tag in (".hidden", "a" * 129, "a b"):
        answer = hub.put(tag.replace(" ", "%20"), b"{}")
        assert (answer.status, code_of(answer)) == (400, "TAG_INVALID"), tag


def test_a_method_that_is_not_there_says_which_are(hub: HubClient) -> None:
    for method, path in (("POST", "manifests/v1"), ("PUT", "tags/list"), ("PATCH", f"blobs/{digest_of(b'')}")):
        answer = hub.send(method, path, body=b"x")
        assert (answer.status, code_of(answer)) == (405, "UNSUPPORTED")
        assert "GET" in answer.headers["allow"]


def test_an_address_that_means_nothing_is_not_found(hub: HubClient) -> None:
    for path in ("/v1/x", "/v2/x", "/v2//manifests/", "/v2/x/manifests/", "/v2/x/tags/other"):
        assert hub.send("GET", path).status == 404, path
