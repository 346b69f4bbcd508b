"""What clients do beyond the spec's examples: containerd, go-containerregistry, docker, podman, proxies and curl."""

from __future__ import annotations

import http.client
import json

from support.hub_client import INDEX, MANIFEST, HubClient, describe, digest_of

DATA = bytes(range(256)) * 400


def test_a_put_may_stream_without_a_length(hub: HubClient) -> None:
    """As containerd's pusher does."""
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    parts = (DATA[at : at + 5000] for at in range(0, len(DATA), 5000))
    headers = {"content-type": "application/octet-stream"}
    done = hub.send("PUT", f"{location}?digest={digest_of(DATA)}", body=parts, chunked=True, headers=headers)
    assert (done.status, done.headers["docker-content-digest"]) == (201, digest_of(DATA))


def test_uploads_begin_without_a_slash_too(hub: HubClient) -> None:
    assert hub.send("POST", "blobs/uploads").status == 202


def test_a_streamed_patch_then_an_empty_put(hub: HubClient) -> None:
    """As docker, go-containerregistry and containers/image do for what they compress on the way."""
    location = hub.send("POST", "blobs/uploads/?mount=&from=&origin=").headers.get("location")
    location = location or hub.send("POST", "blobs/uploads/").headers["location"]
    patched = hub.send("PATCH", location, body=iter([DATA]), chunked=True)
    assert patched.status == 202
    target = patched.headers["location"]
    done = hub.send("PUT", f"{target}{'&' if '?' in target else '?'}digest={digest_of(DATA)}")
    assert done.status == 201


def test_content_range_is_read_with_and_without_its_unit(hub: HubClient) -> None:
    for form in ("0-99", "bytes 0-99/*", "bytes 0-99/100"):
        location = hub.send("POST", "blobs/uploads/").headers["location"]
        answer = hub.send("PATCH", location, body=DATA[:100], headers={"content-range": form})
        assert (answer.status, answer.headers["range"]) == (202, "0-99"), form


def test_a_head_says_the_type_whatever_is_accepted(hub: HubClient) -> None:
    pushed = hub.push_image("v1")
    accepts = [f"{INDEX}, {MANIFEST}, */*", "application/vnd.docker.distribution.manifest.v2+json", ""]
    for accept in accepts:
        answer = hub.send("HEAD", "manifests/v1", headers={"accept": accept} if accept else {})
        assert (answer.status, answer.headers["content-type"]) == (200, MANIFEST)
        assert answer.headers["docker-content-digest"] == pushed.digest


def test_a_list_of_etags_weak_ones_and_a_star_are_understood(hub: HubClient) -> None:
    pushed, blob = hub.push_image("v1"), hub.push_blob(DATA)
    for path, digest in (("manifests/v1", pushed.digest), (f"blobs/{blob}", blob)):
        for asked in (f'"other", "{digest}"', f'W/"{digest}"', "*", f'"a","b" , "{digest}"'):
            answer = hub.send("GET", path, headers={"if-none-match": asked})
            assert (answer.status, answer.data) == (304, b""), asked
            assert answer.headers["etag"] == f'"{digest}"'
            assert answer.headers["docker-content-digest"] == digest
        for asked in ('"other"', f'"{digest}x"', f"{digest}", '""'):
            assert hub.send("GET", path, headers={"if-none-match": asked}).status == 200, asked


def test_a_download_that_is_resumed_gets_the_rest(hub: HubClient) -> None:
    """As containerd does, from the first byte on even when it has none."""
    digest = hub.push_blob(DATA)
    for start in (0, 1, 1000, len(DATA) - 1):
        answer = hub.send("GET", f"blobs/{digest}", headers={"range": f"bytes={start}-"})
        assert (answer.status, answer.data) == (206, DATA[start:])
        assert answer.headers["content-range"] == f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
    assert hub.send("GET", f"blobs/{digest}", headers={"range": f"bytes={len(DATA)}-"}).status == 416


def test_the_fallback_tag_of_referrers_is_a_tag_like_others(hub: HubClient) -> None:
    """Spec: "Unavailable Referrers API": clients that do not know ours push an index under `sha256-<hex>`."""
    subject = hub.push_image("v1")
    signature = hub.push_image(seed=b"signature", subject=describe(MANIFEST, subject.data))
    tag = subject.digest.replace(":", "-")
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [describe(MANIFEST, signature.data)]}
    assert hub.put(tag, index, INDEX).status == 201
    assert json.loads(hub.send("GET", f"manifests/{tag}").data) == index
    assert tag in json.loads(hub.send("GET", "tags/list").data)["tags"]
    found = json.loads(hub.send("GET", f"referrers/{subject.digest}").data)
    assert [one["digest"] for one in found["manifests"]] == [signature.digest], "and ours says it too"


def test_a_subject_may_come_after_what_refers_to_it(hub: HubClient) -> None:
    subject = b'{"schemaVersion":2,"mediaType":"%s","manifests":[]}' % INDEX.encode()
    early = hub.push_image(seed=b"early", subject=describe(INDEX, subject))
    assert hub.put("later", subject, INDEX).status == 201
    found = json.loads(hub.send("GET", f"referrers/{digest_of(subject)}").data)
    assert [one["digest"] for one in found["manifests"]] == [early.digest]


def test_a_body_is_waited_for_by_who_expects_to_continue(hub: HubClient) -> None:
    """As curl does for bodies above a megabyte."""
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    connection = http.client.HTTPConnection(hub.address)
    connection.putrequest("PUT", f"{location}?digest={digest_of(DATA)}")
    for name, value in (("expect", "100-continue"), ("content-length", str(len(DATA)))):
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(DATA)
    assert connection.getresponse().status == 201
    connection.close()


def test_a_manifest_without_a_type_in_its_request_has_its_own(hub: HubClient) -> None:
    pushed = hub.push_image("v1")
    connection = http.client.HTTPConnection(hub.address)
    connection.request("PUT", f"/v2/{hub.name}/manifests/v2", body=pushed.data)
    assert connection.getresponse().status == 201
    connection.close()
    assert hub.send("HEAD", "manifests/v2").headers["content-type"] == MANIFEST


def test_another_algorithm_of_digests_is_refused_and_said_so(hub: HubClient) -> None:
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    answer = hub.send("PUT", f"{location}?digest=sha512:{'0' * 128}", body=b"x")
    assert answer.status == 400
    assert b"sha256" in answer.data
