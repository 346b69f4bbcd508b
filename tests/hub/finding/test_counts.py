"""Stars and pulls: exact, however many come at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from capas.hub.app import App
from capas.hub.finding.days import Day, list_pulls, list_stars
from capas.hub.finding.pulls import Pull, count_pulls
from capas.hub.finding.query import Filters, Query
from capas.hub.finding.search import search
from capas.hub.finding.stars import Stars, read_stars, star, unstar, unstar_all
from capas.hub.finding.tags import find_tag
from capas.hub.people.access import Identity
from capas.hub.people.accounts import NewUser, create_user, find_user
from capas.hub.people.audit import By
from capas.hub.people.closing import delete_user
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import namespaces, users
from capas.hub.spans import DAY_NS
from support.hub import running_hub
from support.hub_client import INDEX, MANIFEST, HubClient, describe, digest_of


def person(app: App, name: str) -> int:
    def make(db):  # type: ignore[no-untyped-def]
        number = db.execute(namespaces.insert().values(name=name, kind="user", created_ns=0)).inserted_primary_key[0]
        db.execute(users.insert().values(id=number))
        return number

    return int(app.hub.database.write(make))


def counted(app: App, repository: int) -> tuple[int, int, int]:
    c = repositories.c
    row = app.hub.database.read(
        lambda db: db.execute(select(c.stars, c.pulls, c.pulled_ns).where(c.id == repository)).one()
    )
    return row.stars, row.pulls, row.pulled_ns


def test_starring_twice_is_starring_once(app: App, add: Callable[..., int]) -> None:
    repository, ana = add("acme/web"), person(app, "ana")
    database = app.hub.database
    assert star(database, ana, repository, 1) == star(database, ana, repository, 2) == Stars(1, True)
    assert database.read(lambda db: read_stars(db, None, repository)) == Stars(1, False)
    found = search(app.hub, Identity("ana", ana), Query(filters=Filters(starred=True)))
    assert [(one.name, one.is_starred) for one in found.results] == [("acme/web", True)]
    assert search(app.hub, Identity(), Query(filters=Filters(starred=True))).results == ()
    assert unstar(database, ana, repository, 3) == unstar(database, ana, repository, 4) == Stars(0, False)


def test_many_who_star_and_unstar_at_once_leave_the_exact_count(app: App, add: Callable[..., int]) -> None:
    repository, people = add("acme/web"), [person(app, f"user{number}") for number in range(8)]
    database, gate = app.hub.database, threading.Barrier(16)

    def change(user: int, keep: bool) -> None:
        gate.wait()
        for _ in range(10):
            star(database, user, repository, 1)
            unstar(database, user, repository, 1)
        if keep:
            star(database, user, repository, 1)

    # two threads a person; the first half of the people keep their star in both
    threads = [
        threading.Thread(target=change, args=(user, number < 4)) for number, user in enumerate(people) for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for user in people[:4]:
        star(database, user, repository, 1)
    assert counted(app, repository)[0] == 4
    assert database.read(lambda db: list_stars(db, repository, range(1))) == [Day(0, 4)]


def test_the_stars_of_a_person_who_goes_are_taken_back(app: App, add: Callable[..., int]) -> None:
    one, other, ana, ben = add("acme/a"), add("acme/b"), person(app, "ana"), person(app, "ben")
    for user, repository in ((ana, one), (ben, one), (ana, other)):
        star(app.hub.database, user, repository, 1)
    app.hub.database.write(lambda db: unstar_all(app.hub.database, db, ana, 2))
    assert [counted(app, repository)[0] for repository in (one, other)] == [1, 0]


def test_an_account_that_is_deleted_takes_its_stars_along(app: App, add: Callable[..., int]) -> None:
    database, by = app.hub.database, By("keeper", "", 5)
    create_user(database, NewUser("keeper", "a good long password", is_admin=True), by)
    create_user(database, NewUser("ana", "a good long password"), by)
    repository = add("library/web")
    user = find_user(database, "ana")
    assert user is not None
    star(database, user.number, repository, 1)
    delete_user(database, "ana", by)
    assert counted(app, repository)[0] == 0


def test_stars_over_time_stay_what_they_were_until_they_change(app: App, add: Callable[..., int]) -> None:
    repository, people = add("acme/web"), [person(app, name) for name in ("ana", "ben")]
    database = app.hub.database
    star(database, people[0], repository, 3 * DAY_NS)
    star(database, people[1], repository, 5 * DAY_NS)
    unstar(database, people[1], repository, 5 * DAY_NS + 1)
    unstar(database, people[0], repository, 6 * DAY_NS)
    series = database.read(lambda db: list_stars(db, repository, range(2, 8)))
    assert [day.total for day in series] == [0, 1, 1, 1, 0, 0]
    assert database.read(lambda db: list_stars(db, repository, range(4, 5))) == [Day(4, 1)]


def test_pulls_are_counted_by_manifest_and_day(app: App, add: Callable[..., int]) -> None:
    repository = add("acme/web")
    database = app.hub.database
    count_pulls(database, {Pull("acme/web", "v1", "sha256:a"): 3, Pull("acme/gone", "v1", "sha256:a"): 9}, DAY_NS)
    count_pulls(database, {Pull("acme/web", "", "sha256:a"): 2, Pull("acme/web", "v2", "sha256:b"): 1}, 2 * DAY_NS)
    assert counted(app, repository) == (0, 6, 2 * DAY_NS)

    def series(digest: str) -> list[int]:
        return [day.total for day in database.read(lambda db: list_pulls(db, repository, range(4), digest))]

    assert (series(""), series("sha256:a"), series("sha256:b")) == ([0, 3, 3, 0], [0, 3, 2, 0], [0, 0, 1, 0])


def test_counts_of_many_processes_add_up(app: App, add: Callable[..., int]) -> None:
    numbers = [add(f"acme/app{number}") for number in range(20)]
    counts = {Pull(f"acme/app{number}", "v1", f"sha256:{tag}"): 1 for number in range(20) for tag in "ab"}
    threads = [
        threading.Thread(target=count_pulls, args=(app.hub.database, dict(reversed(counts.items())), 1))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {counted(app, number)[1] for number in numbers} == {20}


def pulled(app: App) -> int:
    """Pulls of acme/web, when all that was told is written."""
    app.hub.events.close()
    app.hub.pulls.close()
    return app.hub.database.read(
        lambda db: db.execute(select(repositories.c.pulls).where(repositories.c.name == "acme/web")).scalar_one()
    )


def test_an_index_and_its_child_are_one_pull_and_a_head_is_none(app: App, tmp_path: Path) -> None:
    with running_hub(tmp_path / "hub", app=app) as address:
        client = HubClient(address, "acme/web")
        child = client.push_image()
        index = json.dumps(
            {"schemaVersion": 2, "mediaType": INDEX, "manifests": [describe(MANIFEST, child.data)]}
        ).encode()
        client.put("v1", index, INDEX)
        for _ in range(3):
            assert client.send("GET", "manifests/v1").status == 200
            assert client.send("GET", f"manifests/{child.digest}").status == 200
            assert client.send("HEAD", "manifests/v1").status == 200
        client.send("GET", "manifests/none")
        client.close()
        assert pulled(app) == 3
        tag = find_tag(app.hub, "acme/web", "v1")
        assert tag is not None and tag.pulled_ns > 0 and tag.digest == digest_of(index)


def test_a_tag_was_pulled_too_when_its_manifest_was_asked_for_by_digest(app: App, tmp_path: Path) -> None:
    with running_hub(tmp_path / "hub", app=app) as address:
        client = HubClient(address, "acme/web")
        pushed = client.push_image("v1")
        other = client.push_image("v2", seed=b"another")
        assert client.send("GET", f"manifests/{pushed.digest}").status == 200
        client.close()
        assert pulled(app) == 1
        tag, untouched = find_tag(app.hub, "acme/web", "v1"), find_tag(app.hub, "acme/web", "v2")
        assert tag is not None and tag.pulled_ns > 0 and other.digest != pushed.digest
        assert untouched is not None and untouched.pulled_ns == 0


@pytest.mark.parametrize("tag", ["v1", ""])
def test_an_image_that_no_index_lists_counts_by_tag_and_by_digest(app: App, tmp_path: Path, tag: str) -> None:
    with running_hub(tmp_path / "hub", app=app) as address:
        client = HubClient(address, "acme/web")
        pushed = client.push_image("v1")
        client.send("GET", f"manifests/{tag or pushed.digest}")
        client.close()
        assert pulled(app) == 1
