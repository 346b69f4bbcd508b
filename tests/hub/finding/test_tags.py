"""Tags: what they lead to, and which others are the same image."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capas.hub.app import App
from capas.hub.finding.holders import Holder, find_holders
from capas.hub.finding.tags import Same, Tag, TagQuery, find_tag, list_tags
from capas.hub.people.access import Identity
from support.hub import running_hub
from support.hub_client import CONFIG, INDEX, LAYER, MANIFEST, HubClient, Pushed, describe, digest_of

ANYBODY = Identity()


@pytest.fixture
def client(app: App, tmp_path: Path) -> Iterator[HubClient]:
    with running_hub(tmp_path / "hub", app=app) as address:
        client = HubClient(address, "acme/web")
        yield client
        client.close()


def push(
    client: HubClient, tag: str, architecture: str = "amd64", *, seed: str = "", layer: bytes = b"layer"
) -> Pushed:
    """An image with a config that says what it is."""
    config = json.dumps(
        {"os": "linux", "architecture": architecture, "created": "2026-01-02T03:04:05Z", "author": seed}
    ).encode()
    client.push_blob(config)
    client.push_blob(layer)
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": describe(CONFIG, config),
        "layers": [describe(LAYER, layer)],
    }
    data = json.dumps(document).encode()
    assert client.put(tag or digest_of(data), data).status == 201
    return Pushed(digest_of(data), data)


def push_index(client: HubClient, tag: str, *children: dict[str, Any]) -> str:
    data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).encode()
    assert client.put(tag, data, INDEX).status == 201
    return digest_of(data)


def entry(pushed: Pushed, platform: str = "", **fields: Any) -> dict[str, Any]:
    system, _, architecture = platform.partition("/")
    said = {"platform": {"os": system, "architecture": architecture}} if platform else {}
    return {**describe(MANIFEST, pushed.data), **said, **fields}


def get(app: App, name: str) -> Tag:
    found = find_tag(app.hub, "acme/web", name)
    assert found is not None
    return found


def test_a_tag_says_platform_size_and_age_of_its_image(app: App, client: HubClient) -> None:
    pushed = push(client, "v1", "arm64")
    (part,) = get(app, "v1").parts
    config = json.loads(pushed.data)["config"]
    assert (part.platform, part.digest, part.image) == ("linux/arm64", pushed.digest, config["digest"])
    assert part.image_bytes == config["size"] + len(b"layer")
    assert part.created_ns == 1767323045_000000000


def test_an_index_leads_to_its_images_and_counts_its_attestations(app: App, client: HubClient) -> None:
    amd, arm = push(client, "", "amd64"), push(client, "", "arm64", layer=b"a longer layer")
    statement = push(client, "", "unknown", seed="statement")
    about = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": amd.digest}
    push_index(client, "v1", entry(amd, "linux/amd64"), entry(arm, "linux/arm64"), entry(statement, annotations=about))
    tag = get(app, "v1")
    assert [part.platform for part in tag.parts] == ["linux/amd64", "linux/arm64"]
    assert tag.parts[1].image_bytes - tag.parts[0].image_bytes == len(b"a longer layer") - len(b"layer")
    assert tag.attestations == 1


def test_an_image_whose_config_says_nothing_is_kept_without_a_platform(app: App, client: HubClient) -> None:
    client.push_image("odd")
    (part,) = get(app, "odd").parts
    assert (part.platform, part.created_ns) == ("", 0)


@pytest.mark.parametrize("words", ["<b>/x", "a" * 100, "linux\n"])
def test_a_platform_that_is_none_is_left_out(app: App, client: HubClient, words: str) -> None:
    push(client, "odd", words)
    assert get(app, "odd").parts[0].platform == ""


def test_tags_of_one_digest_are_the_same_image(app: App, client: HubClient) -> None:
    for tag in ("latest", "1", "1.2"):
        push(client, tag)
    push(client, "0.9", seed="older")
    assert get(app, "latest").same == (Same("1"), Same("1.2"))
    assert get(app, "0.9").same == ()


def test_one_image_through_different_indexes_is_the_same(app: App, client: HubClient) -> None:
    amd, arm = push(client, "", "amd64"), push(client, "", "arm64")
    statement = push(client, "", "unknown", seed="statement")
    both = entry(amd, "linux/amd64"), entry(arm, "linux/arm64")
    push_index(client, "plain", *both)
    push_index(
        client, "attested", *both, entry(statement, annotations={"vnd.docker.reference.type": "attestation-manifest"})
    )
    assert get(app, "plain").same == (Same("attested"),)
    assert get(app, "attested").same == (Same("plain"),)


def test_a_tag_of_one_platform_is_the_same_as_the_index_for_that_platform(app: App, client: HubClient) -> None:
    amd, arm = push(client, "v1-amd64", "amd64"), push(client, "", "arm64")
    push_index(client, "v1", entry(amd, "linux/amd64"), entry(arm, "linux/arm64"))
    assert get(app, "v1").same == (Same("v1-amd64", ("linux/amd64",)),)
    assert get(app, "v1-amd64").same == (Same("v1", ("linux/amd64",)),)


def test_layers_packed_otherwise_are_the_same_image(app: App, client: HubClient) -> None:
    push(client, "gzip", layer=b"packed so")
    push(client, "zstd", layer=b"and packed otherwise")
    assert get(app, "gzip").same == (Same("zstd"),)


def test_tags_come_newest_first_or_by_name_in_pages(app: App, client: HubClient) -> None:
    for tag in ("b", "c", "a"):
        push(client, tag, seed=tag)
    newest = list_tags(app.hub, "acme/web", TagQuery())
    assert ([tag.name for tag in newest.tags], newest.total) == (["a", "c", "b"], 3)
    second = list_tags(app.hub, "acme/web", TagQuery(order="name", limit=1, offset=1))
    assert ([tag.name for tag in second.tags], second.total) == (["b"], 3)
    assert [tag.name for tag in list_tags(app.hub, "acme/web", TagQuery(text="C")).tags] == ["c"]
    assert list_tags(app.hub, "acme/web", TagQuery(text="%")).total == 0


def test_a_tag_that_is_not_there_is_not_found(app: App, client: HubClient) -> None:
    assert find_tag(app.hub, "acme/web", "none") is None
    assert find_tag(app.hub, "acme/none", "none") is None
    assert list_tags(app.hub, "acme/none").total == 0


def test_the_tags_that_lead_to_a_digest_are_found_across_repositories(app: App, client: HubClient) -> None:
    amd, arm = push(client, "amd", "amd64"), push(client, "", "arm64")
    index = push_index(client, "v1", entry(amd, "linux/amd64"), entry(arm, "linux/arm64"))
    client.name = "library/web"
    push(client, "stable", "amd64")
    image = json.loads(amd.data)["config"]["digest"]
    found = [Holder("library/web", "stable", amd.digest, False), Holder("acme/web", "amd", amd.digest, False),
             Holder("acme/web", "v1", index, False)]  # fmt: skip
    assert find_holders(app.hub, ANYBODY, [image]) == found
    exact = [holder._replace(is_exact=holder.digest == amd.digest) for holder in found]
    assert find_holders(app.hub, ANYBODY, [amd.digest]) == exact
    assert find_holders(app.hub, ANYBODY, [digest_of(b"none")]) == []


def test_a_manifest_pushed_before_profiles_gets_its_own_when_it_is_pushed_again(app: App, client: HubClient) -> None:
    pushed = push(client, "v1")
    app.hub.database.write(lambda db: db.exec_driver_sql("UPDATE manifests SET platform = '', image_bytes = 0"))
    assert get(app, "v1").parts[0].platform == ""
    client.put("v1", pushed.data)
    assert get(app, "v1").parts[0].platform == "linux/amd64"
