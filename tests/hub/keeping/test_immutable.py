"""Immutable tags: made once, neither moved nor deleted, through any door (SECURITY-CASES R6)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import Invalid
from capas.hub.app import App, create_app
from capas.hub.hub import Options
from capas.hub.keeping.patterns import list_inherited, list_patterns, set_patterns
from capas.hub.keeping.place import get_repository_place
from capas.hub.people.access import allows
from capas.hub.people.audit import By
from capas.hub.people.repositories import delete
from capas.hub.records.values import RuledOut
from support.hub import running_hub
from support.hub_client import CONFIG, INDEX, LAYER, MANIFEST, HubClient, code_of, describe, digest_of

NAME = "acme/app"


class Shelf:
    """A served hub, a client of `acme/app` there, and its rules."""

    def __init__(self, app: App, client: HubClient) -> None:
        self.app = app
        self.client = client

    def rule(self, *patterns: str) -> None:
        database = self.app.hub.database
        database.write(lambda db: set_patterns(db, get_repository_place(db, NAME), patterns))

    def points_at(self, tag: str) -> str:
        return str(self.client.send("HEAD", f"manifests/{tag}").headers["docker-content-digest"])

    def denied(self, method: str, path: str, **options: object) -> bool:
        answer = self.client.send(method, path, **options)
        return (answer.status, code_of(answer)) == (403, "DENIED")


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    app = create_app(tmp_path, options=Options(open=True))
    with running_hub(tmp_path, app=app) as address:
        client = HubClient(address, NAME)
        yield Shelf(app, client)
        client.close()


def test_a_tag_that_a_rule_matches_is_made_once(shelf: Shelf) -> None:
    first = shelf.client.push_image("v1.0", seed=b"1")
    shelf.rule("v*")
    other = shelf.client.push_image("edge", seed=b"2")
    answer = shelf.client.put("v1.0", other.data)
    assert (answer.status, code_of(answer)) == (403, "DENIED")
    assert "v1.0 is immutable (rule v*)" in answer.data.decode()
    assert shelf.points_at("v1.0") == first.digest
    assert shelf.client.put("v1.1", other.data).status == 201
    assert shelf.denied("PUT", "manifests/v1.1", body=first.data, headers={"content-type": MANIFEST})


def test_the_same_image_again_is_fine(shelf: Shelf) -> None:
    first = shelf.client.push_image("v1")
    shelf.rule("v*")
    assert shelf.client.put("v1", first.data).status == 201
    assert shelf.client.put(first.digest, first.data).status == 201


def test_a_push_again_does_not_change_the_type_that_is_served(shelf: Shelf) -> None:
    config, layer = b"{}", b"layer"
    shelf.client.push_blob(config)
    shelf.client.push_blob(layer)
    plain = {"schemaVersion": 2, "config": describe(CONFIG, config), "layers": [describe(LAYER, layer)]}
    shelf.client.put("v1", plain)
    shelf.client.put("v1", plain, "application/vnd.docker.distribution.manifest.v2+json")
    assert shelf.client.send("HEAD", "manifests/v1").headers["content-type"] == MANIFEST


def test_it_is_not_deleted_by_tag_nor_by_digest(shelf: Shelf) -> None:
    pushed = shelf.client.push_image("v1")
    shelf.client.put("other", pushed.data)
    shelf.rule("v1")
    assert shelf.denied("DELETE", "manifests/v1")
    assert shelf.denied("DELETE", f"manifests/{pushed.digest}")
    assert shelf.points_at("v1") == shelf.points_at("other") == pushed.digest
    assert shelf.client.send("DELETE", "manifests/other").status == 202


def test_what_an_immutable_image_is_made_of_stays(shelf: Shelf) -> None:
    shelf.client.push_image("v1", seed=b"1")
    shelf.rule("v1")
    assert shelf.denied("DELETE", f"blobs/{digest_of(b'layer of 1')}")
    loose = shelf.client.push_blob(b"of no image")
    assert shelf.client.send("DELETE", f"blobs/{loose}").status == 202


def test_what_an_immutable_index_lists_stays(shelf: Shelf) -> None:
    child = shelf.client.push_image(seed=b"1")
    inner = _index(child.data)
    shelf.client.put(digest_of(inner), inner, INDEX)
    shelf.client.put("v1", _index(inner, INDEX), INDEX)
    shelf.rule("v*")
    assert shelf.denied("DELETE", f"manifests/{child.digest}")
    assert shelf.denied("DELETE", f"manifests/{digest_of(inner)}")
    assert shelf.denied("DELETE", f"blobs/{digest_of(b'layer of 1')}")


def test_a_repository_with_immutable_tags_is_not_deleted_as_a_whole(shelf: Shelf) -> None:
    shelf.client.push_image("v1")
    shelf.rule("v*")
    with pytest.raises(RuledOut, match="v1 is immutable"):
        delete(shelf.app.hub.database, NAME, By("keeper", "", 1))
    shelf.rule()
    delete(shelf.app.hub.database, NAME, By("keeper", "", 1))
    assert shelf.client.send("HEAD", "manifests/v1").status == 404


def test_without_the_rule_all_of_it_may_go(shelf: Shelf) -> None:
    pushed = shelf.client.push_image("v1")
    shelf.rule("v*")
    shelf.rule()
    assert shelf.client.send("DELETE", "manifests/v1").status == 202
    assert shelf.client.send("DELETE", f"manifests/{pushed.digest}").status == 202


def test_of_many_who_make_a_tag_at_once_one_wins(shelf: Shelf) -> None:
    images = [shelf.client.push_image(seed=str(number).encode()) for number in range(8)]
    shelf.rule("v*")
    statuses: list[int] = []
    together = threading.Barrier(len(images))

    def push(data: bytes) -> None:
        client = HubClient(shelf.client.address, NAME)
        together.wait()
        statuses.append(client.put("v1", data).status)
        client.close()

    threads = [threading.Thread(target=push, args=(image.data,)) for image in images]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [403] * 7
    assert shelf.points_at("v1") in {image.digest for image in images}


@pytest.mark.parametrize("pattern", ["", "a b", "a/b", "x" * 129, "ñ*", "v*\n"])
def test_what_is_no_pattern_of_tags_is_refused(shelf: Shelf, pattern: str) -> None:
    shelf.client.push_image("v1")
    with pytest.raises(Invalid, match="is no pattern of tags"):
        shelf.rule(pattern)


def test_rules_of_a_repository_are_its_own(shelf: Shelf) -> None:
    shelf.client.push_image("v1")
    shelf.rule("v*", "latest", "v*")
    other = HubClient(shelf.client.address, "acme/other")
    other.push_image("v1")
    assert other.send("DELETE", "manifests/v1").status == 202
    other.close()
    place = shelf.app.hub.database.read(lambda db: get_repository_place(db, NAME))
    assert shelf.app.hub.database.read(lambda db: list_patterns(db, place)) == ["latest", "v*"]
    assert shelf.app.hub.database.read(lambda db: list_inherited(db, place)) == []


def _index(data: bytes, media_type: str = MANIFEST) -> bytes:
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [describe(media_type, data)]}
    return json.dumps(document).encode()


def test_who_may_only_make_tags_cannot_move_one(tmp_path: Path) -> None:
    app = create_app(tmp_path, authorise=lambda _identity, _name, action: allows("creator", action))
    with running_hub(tmp_path, app=app) as address:
        client = HubClient(address, NAME)
        first = client.push_image("latest", seed=b"1")
        other = client.push_image("v2", seed=b"2")
        answer = client.put("latest", other.data)
        assert (answer.status, code_of(answer)) == (403, "DENIED")
        assert client.put("latest", first.data).status == 201
        for path in ("manifests/latest", f"manifests/{first.digest}", f"blobs/{digest_of(b'layer of 1')}"):
            assert client.send("DELETE", path).status == 403
        assert client.send("HEAD", "manifests/latest").headers["docker-content-digest"] == first.digest
        client.close()
