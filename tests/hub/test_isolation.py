"""One repository neither reads nor proves what another holds (SECURITY-CASES R2); rights meet requests in one place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.app import create_app
from capas.hub.people.access import Action, Identity
from support.hub import running_hub
from support.hub_client import HubClient, code_of, digest_of


def refuse_private(_identity: Identity, repository: str, action: Action) -> bool:
    return not repository.startswith("private/") or action == "push"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[HubClient, HubClient]]:
    """A repository that may be written and not read, and a public one."""
    with running_hub(tmp_path, app=create_app(tmp_path, authorise=refuse_private)) as address:
        pair = HubClient(address, "private/app"), HubClient(address, "public/app")
        yield pair
        for client in pair:
            client.close()


def test_a_blob_of_another_repository_is_not_found(hub: HubClient) -> None:
    digest = hub.push_blob(b"mine")
    other = HubClient(hub.address, hub.name + "-other")
    other.push_blob(b"something")
    for method in ("GET", "HEAD", "DELETE"):
        assert other.send(method, f"blobs/{digest}").status == 404
    other.close()


def test_a_manifest_cannot_take_a_blob_from_another_repository(hub: HubClient) -> None:
    pushed = hub.push_image("v1")
    other = HubClient(hub.address, hub.name + "-other")
    answer = other.put("v1", pushed.data)
    assert (answer.status, code_of(answer)) == (400, "MANIFEST_BLOB_UNKNOWN")
    other.close()


def test_a_wrong_upload_of_anothers_digest_opens_nothing(hub: HubClient) -> None:
    digest = hub.push_blob(b"the secret")
    other = HubClient(hub.address, hub.name + "-other")
    assert other.send("POST", f"blobs/uploads/?digest={digest}", body=b"a guess").status == 400
    assert other.send("GET", f"blobs/{digest}").status == 404
    other.close()


def test_a_mount_needs_the_right_to_read_its_source(guarded: tuple[HubClient, HubClient]) -> None:
    private, public = guarded
    digest = private.push_blob(b"the secret")
    for source in (f"&from={private.name}", ""):
        assert public.send("POST", f"blobs/uploads/?mount={digest}{source}").status == 202
    assert public.send("GET", f"blobs/{digest}").status == 404


def test_what_may_not_be_read_does_not_exist(guarded: tuple[HubClient, HubClient]) -> None:
    private, public = guarded
    pushed = private.push_image("v1")
    nowhere = HubClient(private.address, "public/nowhere")
    blob = f"blobs/{digest_of(b'layer of ')}"
    for path in ("manifests/v1", f"manifests/{pushed.digest}", "tags/list", blob, f"referrers/{pushed.digest}"):
        for method in ("GET", "HEAD", "DELETE"):
            answer, unknown = private.send(method, path), nowhere.send(method, path)
            assert answer.status == unknown.status
            assert answer.data == unknown.data.replace(b"public/nowhere", b"private/app")
    public.push_image("v1")
    assert json.loads(public.send("GET", "/v2/_catalog").data) == {"repositories": ["public/app"]}
    nowhere.close()


def test_the_catalog_fills_its_pages_with_what_may_be_seen(guarded: tuple[HubClient, HubClient]) -> None:
    _, client = guarded
    for number in range(6):
        for client.name in (f"private/{number}", f"public/{number}"):
            client.push_blob(b"x")
    answer = client.send("GET", "/v2/_catalog?n=2")
    assert json.loads(answer.data) == {"repositories": ["public/0", "public/1"]}
    assert "private" not in answer.headers["link"]
