"""The doors of finding: the JSON API, docker's index, and Docker Hub's shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from capas.hub.app import App
from capas.hub.finding.pulls import Pull, count_pulls
from capas.hub.spans import DAY_NS
from support.hub import running_hub
from support.hub_client import CONFIG, LAYER, MANIFEST, HubClient, describe

API = "/api/v1"


@pytest.fixture
def client(app: App, tmp_path: Path) -> Iterator[HubClient]:
    with running_hub(tmp_path / "hub", app=app) as address:
        client = HubClient(address, "library/nginx")
        yield client
        client.close()


def get(client: HubClient, path: str, status: int = 200) -> Any:
    answer = client.send("GET", path)
    assert answer.status == status, answer.data
    return json.loads(answer.data)


def push(client: HubClient, tag: str) -> str:
    config = b'{"os":"linux","architecture":"arm64","variant":"v8","created":"2026-01-02T03:04:05Z"}'
    client.push_blob(config)
    client.push_blob(b"layer")
    document = {"schemaVersion": 2, "config": describe(CONFIG, config), "layers": [describe(LAYER, b"layer")]}
    data = json.dumps(document).encode()
    assert client.put(tag, data).status == 201
    return describe(MANIFEST, data)["digest"]  # type: ignore[no-any-return]


def test_the_api_searches_page_by_page(client: HubClient, add: Callable[..., int]) -> None:
    for number in range(3):
        add(f"acme/app{number}", stars=number)
    first = get(client, f"{API}/search?q=app&order=stars&limit=2")
    assert ([one["name"] for one in first["items"]], first["total"]) == (["acme/app2", "acme/app1"], 3)
    rest = get(client, f"{API}/search?q=app&order=stars&limit=2&after={first['next']}")
    assert ([one["name"] for one in rest["items"]], rest["next"]) == (["acme/app0"], None)


def test_the_api_suggests_where_nothing_is_found(client: HubClient, add: Callable[..., int]) -> None:
    add("library/nginx")
    assert get(client, f"{API}/search?q=ngnix")["suggestions"] == ["library/nginx"]
    assert get(client, f"{API}/search?q=nginx")["suggestions"] == []
    missing = get(client, f"{API}/repositories/library/ngnix", 404)["errors"][0]
    assert "did you mean library/nginx?" in missing["message"]


@pytest.mark.parametrize("query", [
    "order=age", "limit=0", "limit=101", "limit=x", "stars=-1", "official=perhaps", "unknown=1", "after=-1", "after=x",
    "q=a&q=b",
    "visibility=both",
])  # fmt: skip
def test_the_api_refuses_what_it_does_not_know(client: HubClient, query: str) -> None:
    assert get(client, f"{API}/search?{query}", 400)["errors"][0]["code"] == "INVALID"


def test_the_api_shows_a_repository_and_its_tags(client: HubClient, add: Callable[..., int]) -> None:
    digest = push(client, "latest")
    push(client, "1.27")
    add("library/nginx", description="Official build", readme="# nginx")
    shown = get(client, f"{API}/repositories/library/nginx")
    assert (shown["description"], shown["readme"], shown["tags"]) == ("Official build", "# nginx", 2)
    assert (shown["platforms"], shown["is_official"], shown["is_public"]) == (["linux/arm64"], True, True)
    (tag,) = get(client, f"{API}/tags/library/nginx?q=lat")["items"]
    assert (tag["name"], tag["digest"], tag["same"]) == ("latest", digest, [{"tag": "1.27", "platforms": []}])
    assert tag["images"][0]["platform"] == "linux/arm64"
    assert [one["tag"] for one in get(client, f"{API}/digests/{digest}")["items"]] == ["1.27", "latest"]
    assert get(client, f"{API}/digests/sha256:x", 400)["errors"][0]["code"] == "INVALID"


def test_the_api_shows_pulls_by_day(app: App, client: HubClient, add: Callable[..., int]) -> None:
    add("library/nginx")
    now_ns = app.hub.now_ns()
    count_pulls(app.hub.database, {Pull("library/nginx", "latest", "sha256:a"): 3}, now_ns - 2 * DAY_NS)
    counts = get(client, f"{API}/counts/library/nginx?days=4")
    assert (counts["pulls"], counts["stars"]) == ([0, 3, 0, 0], [0, 0, 0, 0])
    assert get(client, f"{API}/counts/library/nginx?days=0", 400)


def test_nobody_in_particular_stars_nothing(client: HubClient, add: Callable[..., int]) -> None:
    add("library/nginx")
    assert client.send("PUT", f"{API}/stars/library/nginx").status == 403
    assert client.send("PUT", f"{API}/stars/library/none").status == 404


def test_docker_finds_its_index(client: HubClient, add: Callable[..., int]) -> None:
    add("library/nginx", description="Official build", stars=7, pulls=9)
    add("acme/nginx")
    assert get(client, "/v1/_ping") == {"standalone": True}
    found = get(client, "/v1/search?q=nginx&n=1&page=1&unknown=1")
    assert (found["num_results"], found["num_pages"], found["page"], found["page_size"]) == (2, 2, 1, 1)
    assert found["results"] == [
        {"name": "library/nginx", "description": "Official build", "star_count": 7, "pull_count": 9,
         "is_official": True, "is_automated": False, "is_trusted": False}
    ]  # fmt: skip
    assert [one["name"] for one in get(client, "/v1/search?q=nginx&n=1&page=2")["results"]] == ["acme/nginx"]
    assert len(get(client, "/v1/search?q=nginx&n=5000")["results"]) == 2
    assert get(client, "/v1/search?q=nginx&n=0", 400)


@pytest.mark.parametrize("base", ["/v2/repositories/library", "/v2/namespaces/library/repositories"])
@pytest.mark.parametrize("end", ["", "/"])
def test_repositories_and_tags_have_docker_hubs_shapes(
    client: HubClient, add: Callable[..., int], base: str, end: str
) -> None:
    digest = push(client, "latest")
    push(client, "1.27")
    add("library/nginx", description="Official build", readme="# nginx", stars=7, pulls=9)
    (one,) = get(client, base + end)["results"]
    assert (one["namespace"], one["name"], one["star_count"], one["pull_count"]) == ("library", "nginx", 7, 9)
    shown = get(client, f"{base}/nginx{end}")
    assert (shown["full_description"], shown["is_private"], shown["has_starred"]) == ("# nginx", False, False)
    first = get(client, f"{base}/nginx/tags{end}?page_size=1&ordering=name")
    assert (first["count"], first["previous"], first["results"][0]["name"]) == (2, None, "1.27")
    second = get(client, "/" + first["next"].split("/", 3)[3])
    assert first["next"].startswith(f"http://{client.address}/") and second["next"] is None
    assert "page=1" in second["previous"] and second["results"][0]["name"] == "latest"
    tag = get(client, f"{base}/nginx/tags/latest{end}")
    assert (tag["digest"], tag["full_size"], tag["tag_last_pulled"]) == (digest, tag["images"][0]["size"], None)
    image = tag["images"][0]
    assert (image["os"], image["architecture"], image["variant"], image["digest"]) == ("linux", "arm64", None, digest)
    assert get(client, f"{base}/nginx/tags/none{end}", 404) and get(client, f"{base}/none{end}", 404)


def test_the_search_has_docker_hubs_shape(client: HubClient, add: Callable[..., int]) -> None:
    add("library/nginx", description="Official build", stars=7, pulls=9)
    add("acme/nginx")
    found = get(client, "/v2/search/repositories/?query=nginx&page_size=1")
    assert (
        (found["count"], found["previous"]) == (2, None)
        and "page=2" in found["next"]
        and "query=nginx" in found["next"]
    )
    assert found["results"] == [
        {"repo_name": "nginx", "short_description": "Official build", "star_count": 7, "pull_count": 9,
         "is_official": True, "repo_owner": "", "is_automated": False}
    ]  # fmt: skip
    only = get(client, "/v2/search/repositories?query=nginx&is_official=false")["results"]
    assert [one["repo_name"] for one in only] == ["acme/nginx"]


def test_a_repository_may_be_called_like_docker_hubs_paths(client: HubClient) -> None:
    for client.name in ("repositories/library/nginx", "namespaces/a/repositories/b", "search/repositories"):
        digest = push(client, "v1")
        assert get(client, f"/v2/{client.name}/tags/list")["tags"] == ["v1"]
        assert client.send("HEAD", f"manifests/{digest}").status == 200
        assert client.send("HEAD", "manifests/v1").status == 200
    assert get(client, "/v2/acme/web/tags", 404)["errors"][0]["code"] == "UNSUPPORTED"
