"""Suggestions for mistyped names, among what the asker may know of."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from capas.hub.app import App
from capas.hub.finding.suggest import suggest
from capas.hub.people.access import Identity
from capas.hub.records.words import distance

ANYBODY = Identity()


@pytest.mark.parametrize(("typed", "meant"), [
    ("ngnix", "library/nginx"), ("nginxx", "library/nginx"), ("ngin", "library/nginx"), ("mginx", "library/nginx"),
    ("postgers", "library/postgres"), ("postgress", "library/postgres"), ("POSTGRSE", "library/postgres"),
    ("acme/wbe-server", "acme/web-server"), ("acmee/web-server", "acme/web-server"), ("library/ngnix", "library/nginx"),
    ("nobody/ngnix", "library/nginx"),
])  # fmt: skip
def test_a_mistyped_name_finds_the_one_that_was_meant(
    app: App, add: Callable[..., int], typed: str, meant: str
) -> None:
    for name in ("library/nginx", "library/postgres", "acme/web-server", "acme/other"):
        add(name)
    assert suggest(app.hub, ANYBODY, typed)[0] == meant


@pytest.mark.parametrize("typed", ["", "zzzzz", "%", "no", "elasticsearch"])
def test_what_is_like_nothing_has_no_suggestion(app: App, add: Callable[..., int], typed: str) -> None:
    add("library/nginx")
    assert suggest(app.hub, ANYBODY, typed) == []


def test_a_repository_that_is_gone_is_not_suggested(app: App, add: Callable[..., int]) -> None:
    number = add("acme/nginx")
    app.hub.database.write(lambda db: db.exec_driver_sql(f"DELETE FROM repositories WHERE id = {number}"))
    assert suggest(app.hub, ANYBODY, "ngnix") == []


@pytest.mark.parametrize(("one", "other", "away"), [
    ("", "", 0), ("a", "", 1), ("nginx", "ngnix", 1), ("nginx", "nginx", 0), ("kitten", "sitting", 3), ("ab", "ba", 1),
    ("ca", "abc", 3),
])  # fmt: skip
def test_the_distance_counts_what_a_typist_does_wrong(one: str, other: str, away: int) -> None:
    assert distance(one, other) == distance(other, one) == away
