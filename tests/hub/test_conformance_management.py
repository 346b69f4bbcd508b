"""The content management category of the conformance suite: deleting tags, manifests and blobs."""

from __future__ import annotations

from pathlib import Path

from capas.hub.hub import Options
from support.hub import running_hub
from support.hub_client import HubClient, code_of, digest_of


def test_deleting_a_tag_keeps_the_manifest(hub: HubClient) -> None:
    pushed = hub.push_image("v1")
    hub.put("v2", pushed.data)
    assert hub.send("DELETE", "manifests/v1").status == 202
    assert hub.send("HEAD", "manifests/v1").status == 404
    assert hub.send("HEAD", "manifests/v2").status == 200
    assert hub.send("HEAD", f"manifests/{pushed.digest}").status == 200


def test_deleting_a_manifest_deletes_its_tags(hub: HubClient) -> None:
    pushed, kept = hub.push_image("v1", seed=b"1"), hub.push_image("v2", seed=b"2")
    assert hub.send("DELETE", f"manifests/{pushed.digest}").status == 202
    assert hub.send("HEAD", "manifests/v1").status == 404
    assert hub.send("HEAD", f"manifests/{pushed.digest}").status == 404
    assert hub.send("HEAD", "manifests/v2").headers["docker-content-digest"] == kept.digest


def test_what_is_gone_cannot_be_deleted_again(hub: HubClient) -> None:
    pushed = hub.push_image("v1")
    for path in ("manifests/v1", f"manifests/{pushed.digest}"):
        assert hub.send("DELETE", path).status == 202
        answer = hub.send("DELETE", path)
        assert (answer.status, code_of(answer)) == (404, "MANIFEST_UNKNOWN")


def test_a_deleted_blob_is_gone(hub: HubClient) -> None:
    digest = hub.push_blob(b"to be deleted")
    assert hub.send("DELETE", f"blobs/{digest}").status == 202
    assert hub.send("HEAD", f"blobs/{digest}").status == 404
    answer = hub.send("DELETE", f"blobs/{digest}")
    assert (answer.status, code_of(answer)) == (404, "BLOB_UNKNOWN")
    hub.push_blob(b"to be deleted")
    assert hub.send("HEAD", f"blobs/{digest}").status == 200


def test_a_blob_deleted_here_stays_elsewhere(hub: HubClient) -> None:
    other = HubClient(hub.address, hub.name + "-other")
    digest = hub.push_blob(b"shared")
    other.push_blob(b"shared")
    hub.send("DELETE", f"blobs/{digest}")
    assert other.send("GET", f"blobs/{digest}").data == b"shared"
    other.close()


def test_a_hub_that_does_not_delete_keeps_tags_too(tmp_path: Path) -> None:
    with running_hub(tmp_path, options=Options(delete=False)) as address:
        hub = HubClient(address, "kept")
        pushed = hub.push_image("v1")
        for path in ("manifests/v1", f"manifests/{pushed.digest}", f"blobs/{digest_of(b'layer of ')}"):
            answer = hub.send("DELETE", path)
            assert (answer.status, code_of(answer)) == (405, "UNSUPPORTED")
            assert hub.send("HEAD", path).status == 200
        hub.close()
