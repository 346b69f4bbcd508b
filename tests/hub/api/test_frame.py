"""The frame of the JSON API: what is asked is decoded strictly, what is wrong is said in one shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import AlreadyExists, Denied, Exhausted, Invalid, NotFound
from capas.hub.api.door import Door
from capas.hub.api.openapi import describe
from capas.hub.api.operation import Ask, Operation, Page, Paging, Taken
from capas.hub.app import create_app
from capas.hub.hub import Options
from support.asgi import Answered, Direct


class NewThing(Taken, frozen=True):
    name: str
    count: int = 1


class Find(Paging, frozen=True):
    word: str = ""


def list_things(ask: Ask, *, query: Find) -> Page[str]:
    """The things."""
    names = [name for name in ("a", "b", "c") if name > query.after and query.word in name]
    more = len(names) > query.limit
    return Page(names[: query.limit], names[query.limit - 1] if more else None)


def add_thing(ask: Ask, *, body: NewThing) -> Page[str]:
    """Add one."""
    return Page([body.name] * body.count)


def drop_thing(ask: Ask, name: str) -> None:
    """Drop one. In a folder, too."""
    kind = {"missing": NotFound, "mine": Denied, "bad": Invalid, "twice": AlreadyExists, "full": Exhausted}.get(name)
    if kind is not None:
        raise kind("there is {name} in /var/lib/capas", name=name)
    if name == "broken":
        raise RuntimeError("/secret/path")


THINGS = (
    Operation("GET", "/things", list_things, public=True),
    Operation("POST", "/things", add_thing, status=201, public=True),
    Operation("DELETE", "/things/{name:path}", drop_thing, public=True),
)


@pytest.fixture
def direct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Direct]:
    from starlette.routing import Mount, Route

    from capas.hub.api import all as api

    paths = [
        Route("/things", Door({"GET": THINGS[0], "POST": THINGS[1]})),
        Route(THINGS[2].path, Door({"DELETE": THINGS[2]})),
    ]
    monkeypatch.setattr(api, "ROUTES", (Mount("/api/test", routes=paths), *api.ROUTES))
    client = Direct(create_app(tmp_path))
    yield client
    client.close()


def post(direct: Direct, body: bytes, kind: str = "application/json") -> Answered:
    return direct.send("POST", "/api/test/things", body, {"content-type": kind})


def first_error(answer: Answered) -> dict[str, object]:
    (error,) = json.loads(answer.data)["errors"]
    assert set(error) == {"code", "message", "detail"}
    return dict(error)


def test_a_list_comes_in_pages_with_a_link_to_the_next(direct: Direct) -> None:
    first = direct.send("GET", "/api/test/things?limit=2")
    assert json.loads(first.data) == {"items": ["a", "b"], "next": "b"}
    assert first.headers["link"] == '</api/test/things?limit=2&after=b>; rel="next"'
    last = direct.send("GET", "/api/test/things?limit=2&after=b")
    assert json.loads(last.data) == {"items": ["c"], "next": None}
    assert "link" not in last.headers


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=0", "`int` >= 1"),
        ("limit=1001", "`int` <= 1000"),
        ("limit=many", "Expected `int`"),
        ("colour=red", "unknown field `colour`"),
        ("word=a&word=b", "'word' is given twice"),
        ("word=%FF", "not UTF-8"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_right_is_said_so(direct: Direct, query: str, words: str) -> None:
    answer = direct.send("GET", f"/api/test/things?{query}")
    assert answer.status == 400
    assert words in str(first_error(answer)["message"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"name": 5}', "Expected `str`, got `int` - at `$.name`"),
        (b'{"name": "a", "is_admin": true}', "unknown field `is_admin`"),
        (b'{"count": 2}', "missing required field `name`"),
        (b'{"name": "a", "count": "2"}', "Expected `int`, got `str`"),
        (b"{", "truncated"),
    ],
)
def test_a_body_that_cannot_be_right_is_said_so(direct: Direct, body: bytes, words: str) -> None:
    answer = post(direct, body)
    assert answer.status == 400
    assert words in str(first_error(answer)["message"])


def test_a_body_is_json_and_says_so(direct: Direct) -> None:
    assert post(direct, b'{"name": "a"}', "application/json; charset=utf-8").status == 201
    assert post(direct, b'{"name": "a"}', "text/plain").status == 415


def test_a_body_is_bounded(direct: Direct) -> None:
    assert post(direct, b'{"name": "' + b"a" * (1 << 20) + b'"}').status == 413


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("missing", 404, "NOT_FOUND"),
        ("mine", 403, "DENIED"),
        ("bad", 400, "INVALID"),
        ("twice", 409, "ALREADY_EXISTS"),
        ("full", 507, "UNAVAILABLE"),
        ("broken", 500, "UNKNOWN"),
    ],
)
def test_kinds_of_error_have_their_status(direct: Direct, name: str, status: int, code: str) -> None:
    answer = direct.send("DELETE", f"/api/test/things/{name}")
    assert (answer.status, first_error(answer)["code"]) == (status, code)


def test_what_is_the_hubs_own_fault_tells_no_paths(direct: Direct) -> None:
    for name in ("full", "broken"):
        data = direct.send("DELETE", f"/api/test/things/{name}").data
        assert b"/var" not in data
        assert b"secret" not in data


def test_nothing_to_give_is_204(direct: Direct) -> None:
    answer = direct.send("DELETE", "/api/test/things/a/b")
    assert (answer.status, answer.data) == (204, b"")


def test_a_method_that_is_not_there_names_those_that_are(direct: Direct) -> None:
    answer = direct.send("PUT", "/api/test/things")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


def test_an_address_of_nothing_is_said_in_json(direct: Direct) -> None:
    assert first_error(direct.send("GET", "/api/v1/nothing"))["code"] == "NOT_FOUND"


def test_an_open_hub_says_so(direct: Direct) -> None:
    me = json.loads(direct.send("GET", "/api/v1/me").data)
    assert me == {"name": "", "kind": "nobody", "is_admin": False, "is_open": True}


def test_the_document_is_made_of_the_operations(direct: Direct) -> None:
    document = json.loads(direct.send("GET", "/api/v1/openapi.json").data)
    assert document["openapi"] == "3.1.0"
    assert document["paths"]["/me"]["get"]["operationId"] == "get_me"
    assert "is_open" in document["components"]["schemas"]["Me"]["properties"]


def test_parts_parameters_and_bodies_are_described() -> None:
    paths = describe(THINGS, "1")["paths"]
    assert [one["name"] for one in paths["/things"]["get"]["parameters"]] == ["limit", "after", "word"]
    assert paths["/things"]["post"]["requestBody"]["required"]
    assert "201" in paths["/things"]["post"]["responses"]
    assert paths["/things/{name}"]["delete"]["parameters"][0]["in"] == "path"
    assert paths["/things/{name}"]["delete"]["summary"] == "Drop one. In a folder, too"


def test_wrong_credentials_are_refused_where_nobody_is_asked_to_log_in(tmp_path: Path) -> None:
    client = Direct(create_app(tmp_path, options=Options(open=False)))
    answer = client.send("GET", "/api/v1/me", headers={"authorization": "Basic YWxpY2U6d3Jvbmc="})
    client.close()
    assert (answer.status, first_error(answer)["code"]) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"] == 'Bearer realm="capas"'
