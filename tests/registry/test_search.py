"""Search as a client: each kind of registry in its own shape, as its documents say (docker.io is out of reach)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from capas.engine.searching import search, split_term
from capas.errors import CapasError, Invalid, Unauthenticated, Unavailable, Unsupported
from capas.registry.client import Client
from capas.registry.credentials import Login
from capas.registry.message import Request
from capas.registry.retry import unavailable
from capas.registry.search import Hit, Hits, Wanted
from capas.settings import RegistrySettings, Settings
from support.scripted import Reply, Scripted

# as hub.docker.com and index.docker.io answered to `nginx`, cut to two results
HUB = {
    "count": 10000,
    "next": "https://hub.docker.com/v2/search/repositories/?page=2&page_size=2&query=nginx",
    "previous": "",
    "results": [
        {"repo_name": "nginx", "short_description": "Official build of Nginx.", "star_count": 20641,
         "pull_count": 12464372637, "repo_owner": "", "is_automated": False, "is_official": True},
        {"repo_name": "nginx/nginx-ingress", "short_description": "NGINX and  NGINX Plus Ingress Controllers",
         "star_count": 109, "pull_count": 1000020210, "repo_owner": "", "is_automated": False, "is_official": False},
    ],
}  # fmt: skip
INDEX = {
    "num_pages": 5000,
    "num_results": 10000,
    "page": 1,
    "page_size": 2,
    "query": "nginx",
    "results": [
        {"is_automated": False, "name": "nginx", "is_trusted": False, "is_official": True, "star_count": 20641,
         "description": "Official build of Nginx."},
        {"is_automated": True, "name": "jwilder/nginx-proxy", "is_trusted": True, "is_official": False,
         "star_count": 2000, "description": None},
    ],
}  # fmt: skip
OURS = {
    "items": [
        {"name": "library/nginx", "description": "oficial", "is_official": True, "is_public": True, "stars": 7,
         "pulls": 9, "updated_ns": 1, "pulled_ns": 0, "is_starred": False},
        {"name": "acme/nginx", "description": "", "is_official": False, "is_public": False, "stars": 0, "pulls": 0,
         "updated_ns": 1, "pulled_ns": 0, "is_starred": False},
    ],
    "next": None, "total": 2, "is_more": False, "suggestions": [],
}  # fmt: skip
NOTHING = {"items": [], "next": None, "total": 0, "is_more": False, "suggestions": ["library/nginx", "acme/web"]}


class Net:
    """Hosts and what they answer, by the beginning of host and path; all else is 404, other hosts are not there."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.transport = Scripted(self.answer)

    def answer(self, request: Request) -> Reply | CapasError:
        url = urlsplit(request.url)
        hosts = {key.partition("/")[0] for key in self.answers}
        if url.netloc not in hosts:
            return unavailable(request.url, "no such host", "name")
        for key, value in self.answers.items():
            if (url.netloc + url.path).startswith(key):
                return value(request) if callable(value) else Reply(200, json.dumps(value).encode())
        return Reply(404, b"404 page not found")

    def asked(self, part: str) -> dict[str, list[str]]:
        """The query of the only request with this in its address."""
        (one,) = self.transport.asked("GET", part)
        return parse_qs(urlsplit(one.url).query)


def client(net: Net, tmp_path: Path, *mirrors: str, login: Login | None = None) -> Client:
    named = {"docker.io": RegistrySettings(mirrors=mirrors)}
    settings = Settings(tmp_path, tmp_path, tmp_path / "config.json", {}, named)
    return Client(settings, transport=net.transport, find=lambda domain, path: login)


@pytest.mark.parametrize(("term", "parts"), [
    ("nginx", ("docker.io", "nginx")), ("acme/web", ("docker.io", "acme/web")),
    ("web server", ("docker.io", "web server")),
    ("docker.io/library/nginx", ("docker.io", "nginx")), ("index.docker.io/nginx", ("docker.io", "nginx")),
    ("localhost/nginx", ("localhost", "nginx")), ("quay.io/acme/web", ("quay.io", "acme/web")),
    ("localhost:5000/", ("localhost:5000", "")),
])  # fmt: skip
def test_a_registry_may_stand_before_the_words(term: str, parts: tuple[str, str]) -> None:
    assert split_term(term) == parts


@pytest.mark.parametrize("term", ["", " ", "docker.io/"])
def test_docker_hub_is_not_searched_for_nothing(term: str) -> None:
    with pytest.raises(Invalid):
        split_term(term)


def test_docker_hub_answers_with_stars_and_pulls(tmp_path: Path) -> None:
    net = Net(**{"hub.docker.com/v2/search/repositories/": HUB})
    found = search(client(net, tmp_path), Wanted("nginx", limit=2))
    assert found.hits[0] == Hit("nginx", "Official build of Nginx.", 20641, 12464372637, True, False)
    assert [hit.name for hit in found.hits] == ["nginx", "nginx/nginx-ingress"]
    assert net.asked("/search/") == {"query": ["nginx"], "page_size": ["2"], "page": ["1"]}


def test_the_index_is_asked_where_docker_hub_does_not_answer(tmp_path: Path) -> None:
    net = Net(**{"index.docker.io/v1/search": INDEX})
    found = search(client(net, tmp_path), Wanted("nginx"))
    assert found.hits[0] == Hit("nginx", "Official build of Nginx.", 20641, None, True, False)
    assert found.hits[1] == Hit("jwilder/nginx-proxy", "", 2000, None, False, True)
    assert net.asked("/v1/search") == {"q": ["nginx"], "n": ["25"], "page": ["1"]}


@pytest.mark.parametrize(("fields", "names"), [
    ({"official": True}, ["nginx"]), ({"official": False}, ["nginx/nginx-ingress"]), ({"least_stars": 200}, ["nginx"]),
    ({"automated": True}, []), ({"order": "pulls"}, ["nginx", "nginx/nginx-ingress"]), ({"limit": 1}, ["nginx"]),
])  # fmt: skip
def test_filters_and_orders_hold_where_the_other_side_knows_none(
    tmp_path: Path, fields: dict[str, Any], names: list[str]
) -> None:
    reverse = {**HUB, "results": list(reversed(HUB["results"]))}  # type: ignore[call-overload]
    shown = HUB if "limit" in fields else reverse
    net = Net(**{"hub.docker.com/v2/search/repositories/": shown})
    assert [hit.name for hit in search(client(net, tmp_path), Wanted("nginx", **fields)).hits] == names


def test_a_hub_of_ours_filters_and_orders_itself(tmp_path: Path) -> None:
    net = Net(**{"localhost:5000/api/v1/search": OURS, "localhost:5000/v2/": {}})
    wanted = Wanted("localhost:5000/nginx", order="pulls", official=None, least_stars=0, limit=7)
    names = [hit.name for hit in search(client(net, tmp_path), wanted).hits]
    assert names == ["localhost:5000/library/nginx", "localhost:5000/acme/nginx"]
    assert net.asked("/api/v1/search") == {"q": ["nginx"], "order": ["pulls"], "limit": ["7"]}


def test_an_index_of_old_is_asked_where_there_is_no_hub(tmp_path: Path) -> None:
    net = Net(**{"quay.io/v1/search": INDEX, "quay.io/v2/": {}})
    assert search(client(net, tmp_path), Wanted("quay.io/nginx")).hits[0].name == "quay.io/nginx"


def test_a_page_of_html_is_no_answer(tmp_path: Path) -> None:
    page: Callable[[Request], Reply] = lambda request: Reply(200, b"<!doctype html>", {"Content-Type": "text/html"})  # noqa: E731
    net = Net(**{"quay.io/api/": page, "quay.io/v1/": INDEX, "quay.io/v2/": {}})
    assert len(search(client(net, tmp_path), Wanted("quay.io/nginx")).hits) == 2


def test_a_registry_that_only_lists_is_searched_by_names(tmp_path: Path) -> None:
    catalog = {"repositories": ["acme/nginx", "acme/web", "nginx"]}
    net = Net(**{"localhost:5000/v2/_catalog": catalog, "localhost:5000/v2/": {}})
    found = search(client(net, tmp_path), Wanted("localhost:5000/nginx")).hits
    assert [hit.name for hit in found] == ["localhost:5000/acme/nginx", "localhost:5000/nginx"]


def test_a_registry_that_knows_no_way_is_said_to_be_none(tmp_path: Path) -> None:
    net = Net(**{"localhost:5000/v2/_catalog": lambda request: Reply(404), "localhost:5000/v2/": {}})
    with pytest.raises(Unsupported, match=r"localhost:5000 cannot be searched"):
        search(client(net, tmp_path), Wanted("localhost:5000/nginx"))


def test_mirrors_of_docker_hub_are_asked_before_it_and_keep_its_short_names(tmp_path: Path) -> None:
    net = Net(**{"localhost:5000/api/v1/search": OURS, "localhost:5000/v2/": {}, "hub.docker.com/v2/search": HUB})
    found = search(client(net, tmp_path, "http://localhost:5000"), Wanted("nginx"))
    assert [hit.name for hit in found.hits] == ["nginx", "acme/nginx"]
    assert net.transport.asked(part="docker.com") == []


def test_where_a_mirror_finds_nothing_docker_hub_is_asked(tmp_path: Path) -> None:
    net = Net(**{"localhost:5000/api/v1/search": NOTHING, "localhost:5000/v2/": {}, "hub.docker.com/v2/search": HUB})
    assert len(search(client(net, tmp_path, "http://localhost:5000"), Wanted("nginx")).hits) == 2


def test_suggestions_of_a_mirror_count_where_nobody_finds_anything(tmp_path: Path) -> None:
    net = Net(**{"localhost:5000/api/v1/search": NOTHING, "localhost:5000/v2/": {}})
    found = search(client(net, tmp_path, "http://localhost:5000"), Wanted("ngnix"))
    assert found == Hits((), ("nginx", "acme/web"))


def test_nobody_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"index\.docker\.io"):
        search(client(Net(), tmp_path, "http://localhost:5000"), Wanted("nginx"))


def test_a_login_is_shown_so_that_private_repositories_are_found(tmp_path: Path) -> None:
    def private(request: Request) -> Reply:
        if not request.headers.get("Authorization", "").startswith("Basic "):
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="hub"'})
        return Reply(200, json.dumps(OURS).encode())

    def anybody(request: Request) -> Reply:
        shown = OURS if request.headers.get("Authorization") else NOTHING
        return Reply(200, json.dumps(shown).encode())

    net = Net(**{"localhost:5000/api/": anybody, "localhost:5000/v2/": private})
    wanted = Wanted("localhost:5000/nginx")
    assert len(search(client(net, tmp_path, login=Login("ana", "secret")), wanted).hits) == 2
    assert search(client(net, tmp_path), wanted).hits == ()


def test_a_refusal_is_told(tmp_path: Path) -> None:
    def refuse(request: Request) -> Reply:
        return Reply(401)

    net = Net(**{"localhost:5000/": refuse})
    with pytest.raises(Unauthenticated):
        search(client(net, tmp_path), Wanted("localhost:5000/nginx"))


@pytest.mark.parametrize("fields", [{"limit": 0}, {"limit": 101}, {"order": "age"}])
def test_what_cannot_be_asked_is_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        search(client(Net(), tmp_path), Wanted("nginx", **fields))
