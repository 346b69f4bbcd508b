"""Who may what at every route (SECURITY-CASES R1, R2, R8): endpoint × method × identity × visibility.

Whoever may not know of a thing gets, byte for byte, the answer of a thing that is not there.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, select

from capas.hub.people.access import ROLES
from capas.hub.records.tables.people import users
from support.asgi import Answered, Direct
from support.matrix import HUB_SHAPES, Row, every_route, every_row
from support.town import (
    ABSENT,
    CONFIG_DIGEST,
    LAYER_DIGEST,
    MANIFEST_DIGEST,
    NOBODY,
    PUBLIC,
    REFUSED,
    SECRET,
    Town,
    open_app,
)

EVERYBODY = (
    NOBODY, "other", "reader", "creator", "writer", "maintainer", "owner", "boss", "robot", "scoped", "expired",
    "deactivated",
)  # fmt: skip
# what a path may name: what is hidden, what is public, what is not there; all of one length
THINGS = {
    "{repo}": (SECRET, PUBLIC, ABSENT),
    "{last}": ("secret", "public", "absent"),
    "{org}": ("acme", "", "xcme"),
    "{user}": ("other", "", "othex"),
}
COUNTED = {"pulls", "pulled_ns"}  # reading counts
ROWS = list(every_row())


@pytest.fixture(scope="module")
def shared(town_plan: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town for all requests that change nothing."""
    root = tmp_path_factory.mktemp("matrix") / "town"
    shutil.copytree(town_plan, root)
    found = Town(root)
    before = records(found)
    yield found
    after = records(found)
    found.close()
    assert after == before, "what was refused has changed something all the same"


KEPT = (
    "namespaces",
    "users",
    "members",
    "teams",
    "team_members",
    "grants",
    "repositories",
    "manifests",
    "tags",
    "stars",
)


def records(town: Town) -> dict[str, list[tuple[object, ...]]]:
    """All that the records hold, but for what tells of the requests themselves."""
    from capas.hub.records.tables.all import metadata

    def read(db):  # type: ignore[no-untyped-def]
        kept = [table for table in metadata.sorted_tables if table.name in KEPT]
        assert len(kept) == len(KEPT)
        columns = {table: [column for column in table.c if column.name not in COUNTED] for table in kept}
        return {table.name: sorted(map(repr, db.execute(select(*columns[table])).all())) for table in kept}

    found: dict[str, list[tuple[object, ...]]] = town.app.hub.database.read(read)
    return found


def test_every_route_has_its_row_and_no_row_is_without_a_route() -> None:
    routes = {(door, method, path) for door, method, path in every_route()}
    rows = {(door, row.method, row.path) for door, row in ROWS}
    assert sorted(routes - rows) == [], "say in tests/support/matrix.py who may use these"
    assert sorted(rows - routes) == [], "these are gone: take them out of tests/support/matrix.py"


@pytest.mark.parametrize(("door", "row"), ROWS, ids=[f"{door} {row}" for door, row in ROWS])
def test_who_may_gets_it_and_who_may_not_learns_nothing(
    shared: Town, town_plan: Path, tmp_path: Path, door: str, row: Row
) -> None:
    kind = next((mark for mark in THINGS if mark in row.ask), "")
    for who in EVERYBODY:
        if is_page(door, row) and not has_browser(shared, who):
            continue
        for place in THINGS[kind][:2] if kind else ("",):
            if kind and not place:
                continue
            known = knows(shared, who, kind, place)
            if may(shared, door, row, who, place):
                check_allowed(shared, town_plan, tmp_path, (door, row, who, place))
                continue
            answer = send(shared, door, row, who, place)
            refused = (200, 401) if row.path == "referrers" and not known else (401, 403, 404, 303)
            assert answer.status in refused or (who in REFUSED and answer.status == 401), (who, place, answer)
            if not known and kind:
                missing = send(shared, door, row, who, THINGS[kind][2])
                assert same(answer, place, THINGS[kind][2]) == same(missing, THINGS[kind][2], THINGS[kind][2]), who
            if row.lists or not known:
                assert b"secret" not in answer.data.replace(b"acme/secret", b"") or place, who


def check_allowed(shared: Town, plan: Path, scratch: Path, case: tuple[str, Row, str, str]) -> None:
    """The request succeeds; one that changes something does so in a town of its own."""
    door, row, who, place = case
    changes = row.method not in ("GET", "HEAD")
    town = own_town(plan, scratch) if changes else shared
    answer = send(town, door, row, who, place)
    wanted = (404,) if row.unknown else (200, 201, 202, 204, 303)
    if changes:
        town.close()
        shutil.rmtree(scratch / "own")
    assert answer.status in wanted, (who, place, answer)
    if row.lists:
        sees = knows(shared, who, "{repo}", SECRET)
        assert (b"acme/secret" in answer.data or b'"secret"' in answer.data) == sees, (who, answer.data)


def own_town(plan: Path, scratch: Path) -> Town:
    shutil.copytree(plan, scratch / "own")
    return Town(scratch / "own")


def is_page(door: str, row: Row) -> bool:
    return door == "site" and row not in HUB_SHAPES


def has_browser(town: Town, who: str) -> bool:
    return town.people[who].login in ("", who)


def send(town: Town, door: str, row: Row, who: str, place: str) -> Answered:
    path = row.ask or row.path
    for mark in THINGS:
        path = path.replace(mark, place)
    if is_page(door, row):
        return town.browse(who, row.method, path, str(row.body) if row.body else "")
    assert not isinstance(row.body, str)
    prefix = "/api/v1" if door == "api" else ""
    return town.send(who, row.method, prefix + path, row.body, **row.headers)


def same(answer: Answered, name: str, other: str) -> tuple[int, dict[str, str], bytes]:
    """An answer with one name in the place of another."""
    headers = {key: value.replace(name, other) for key, value in answer.headers.items()}
    return answer.status, headers, answer.data.replace(name.encode(), other.encode())


def role_in(town: Town, who: str, kind: str, place: str) -> str | None:
    """The role of somebody in a repository of acme, or in acme as a whole."""
    role = town.people[who].role
    if who == "robot" and kind == "{org}":
        return None
    if who == "scoped":
        return role if kind in ("{repo}", "{last}") and place.endswith("secret") else None
    return None if who in REFUSED else role


def knows(town: Town, who: str, kind: str, place: str) -> bool:
    """Whether somebody may know of it."""
    if kind == "{user}":
        return who in ("other", "boss")
    return role_in(town, who, kind, place) is not None or place.endswith("public")


def may(town: Town, door: str, row: Row, who: str, place: str) -> bool:
    """Whether somebody may do what the row asks for there."""
    kind = next((mark for mark in THINGS if mark in row.ask), "")
    if who in REFUSED and not is_page(door, row):
        return False  # who shows what is not valid is told so, also where anybody may come in
    person = who not in (NOBODY, "robot", "scoped", "deactivated")
    simple = {
        "anybody": True,
        "person": who not in (NOBODY, *REFUSED),
        "a person": person,
        "admin": who == "boss",
        "self": who in ("other", "boss"),
        "self alone": who == "other",
    }
    if row.need in simple:
        return simple[row.need]
    least, _, also = row.need.partition(" ")
    if also and not person:
        return False
    role = role_in(town, who, kind, place)
    if least == "reader" and place.endswith("public") and kind != "{org}":
        return True
    return role is not None and ROLES.index(role) >= ROLES.index(least)  # type: ignore[arg-type]


def count_questions(town: Town, ask: Callable[[], object]) -> int:
    """How many statements a request has the records answer."""
    seen: list[object] = []

    def note(*facts: object) -> None:
        seen.append(facts)

    engine = town.app.hub.database._reader
    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["manifests/v1", f"blobs/{LAYER_DIGEST}", "tags/list", f"referrers/{MANIFEST_DIGEST}"])
def test_what_is_hidden_costs_the_records_as_much_as_what_is_not_there(town: Town, method: str, path: str) -> None:
    for _ in range(2):
        town.send("other", method, f"/v2/acme/nowhere/{path}")  # who asks is known from here on

    def cost(name: str) -> int:
        return count_questions(town, lambda: town.send("other", method, f"/v2/{name}/{path}"))

    cold, warm = (cost(SECRET), cost(ABSENT)), (cost(SECRET), cost(ABSENT))
    assert cold[0] == cold[1]
    assert warm[0] == warm[1]


@pytest.mark.parametrize("who", ["other", "robot", "owner"])
def test_a_mount_takes_what_its_client_may_read_and_tells_of_nothing_else(town: Town, who: str) -> None:
    made = "acme/made00" if who != "other" else "other/made00"
    known = {"robot": True, "owner": True, "other": False}[who]
    for source in (f"&from={SECRET}", ""):
        digest = CONFIG_DIGEST if source else LAYER_DIGEST
        hidden = town.send(who, "POST", f"/v2/{made}/blobs/uploads/?mount={digest}{source}")
        assert hidden.status == (201 if known or not source else 202), hidden
    absent = town.send(who, "POST", f"/v2/{made}/blobs/uploads/?mount={CONFIG_DIGEST}&from={ABSENT}")
    assert absent.status == 202
    if not known:
        hidden = town.send(who, "POST", f"/v2/{made}/blobs/uploads/?mount={CONFIG_DIGEST}&from={SECRET}")
        assert sorted(hidden.headers) == sorted(absent.headers)
        assert town.send(who, "HEAD", f"/v2/{made}/blobs/{CONFIG_DIGEST}").status == 404


def test_an_upload_is_gone_on_with_by_its_own_client_alone(town: Town) -> None:
    began = town.send("writer", "POST", f"/v2/{SECRET}/blobs/uploads/")
    place = began.headers["location"]
    assert town.send("writer", "GET", place).status == 204
    for who in ("owner", "robot", "maintainer"):
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            query = f"?digest={LAYER_DIGEST}" if method == "PUT" else ""
            assert town.send(who, method, place + query).status == 404, (who, method)
    assert town.send("writer", "GET", place).status == 204


def test_there_is_no_password_that_a_hub_has_by_itself(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    assert app.hub.database.read(lambda db: db.execute(users.select()).all()) == []
    direct = Direct(app)
    for login in ("admin:admin", "admin:Harbor12345", "admin:password", "root:root", ":"):
        shown = base64.b64encode(login.encode()).decode()
        headers = {"host": "x", "authorization": f"Basic {shown}"}
        assert direct.send("GET", "/v2/", headers=headers).status in (401, 429)
        assert direct.send("POST", "/api/v1/users", b"{}", headers).status in (401, 429)
    direct.close()
