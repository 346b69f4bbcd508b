"""Search: against a plain model, and what a person would type."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from capas.hub.app import App
from capas.hub.finding.query import Filters, Query
from capas.hub.finding.search import search
from capas.hub.people.access import Identity

ANYBODY = Identity()


def names(app: App, text: str, **fields: object) -> list[str]:
    return [one.name for one in search(app.hub, ANYBODY, Query(text, **fields)).results]  # type: ignore[arg-type]


def test_the_beginning_and_the_middle_of_a_name_find_it(app: App, add: Callable[..., int]) -> None:
    add("acme/nginx")
    add("acme/other")
    for text in ("nginx", "ngin", "ginx", "NGI", "acme/nginx", "acme nginx", "nginx acme"):
        assert names(app, text)[0] == "acme/nginx", text
    assert names(app, "nginxx") == []


def test_two_letters_find_only_whole_words(app: App, add: Callable[..., int]) -> None:
    add("acme/go")
    add("acme/gopher")
    assert names(app, "go") == ["acme/go"]


def test_accents_and_case_are_nothing(app: App, add: Callable[..., int]) -> None:
    add("acme/a", description="Imágenes de la Compañía")
    for text in ("imagenes", "IMÁGENES", "compañia", "compania", "imágenes de la compañía"):
        assert names(app, text) == ["acme/a"], text


def test_all_words_have_to_be_there(app: App, add: Callable[..., int]) -> None:
    add("acme/proxy", description="a fast web server", readme="Written in Rust")
    assert names(app, "proxy rust fast") == ["acme/proxy"]
    assert names(app, "proxy rust slow") == []


def test_official_and_exact_names_come_first_then_names_descriptions_readmes(app: App, add: Callable[..., int]) -> None:
    add("a/readme", readme="about nginx", stars=900)
    add("a/described", description="nginx in front", stars=800)
    add("a/nginx-proxy", stars=700)
    add("a/nginx", stars=1)
    add("library/nginx-extra", is_official=True)
    add("library/nginx", is_official=True)
    expected = ["library/nginx", "library/nginx-extra", "a/nginx", "a/nginx-proxy", "a/described", "a/readme"]
    assert names(app, "nginx") == expected
    assert names(app, "nginx", order="stars")[:2] == ["a/readme", "a/described"]


def test_orders_and_pages(app: App, add: Callable[..., int]) -> None:
    for number in range(7):
        add(f"a/app{number}", stars=number % 3, pulls=number)
    by_pulls = [f"a/app{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert names(app, "app", order="pulls") == by_pulls
    assert names(app, "", order="pulls", limit=3, offset=2) == by_pulls[2:5]
    assert names(app, "app", order="stars")[:2] == ["a/app5", "a/app2"]
    page = search(app.hub, ANYBODY, Query("app", limit=2, offset=6))
    assert (len(page.results), page.total, page.is_more) == (1, 7, False)
    assert search(app.hub, ANYBODY, Query("app", limit=0)).total == 7


def test_filters(app: App, add: Callable[..., int]) -> None:
    add("library/a", is_official=True, stars=5, updated_ns=100)
    add("b/a", stars=1, updated_ns=200, platform="linux/arm/v7")
    add("b/p", is_public=False)
    for filters, expected in [
        (Filters(official=True), ["library/a"]),
        (Filters(official=False), ["b/a", "b/p"]),
        (Filters(visibility="private"), ["b/p"]),
        (Filters(visibility="public"), ["library/a", "b/a"]),
        (Filters(platform="linux/arm"), ["b/a"]),
        (Filters(platform="linux/arm/v7"), ["b/a"]),
        (Filters(platform="linux/ar"), []),
        (Filters(platform="%"), []),
        (Filters(updated_since_ns=150), ["b/a"]),
        (Filters(least_stars=2), ["library/a"]),
        (Filters(namespace="b"), ["b/a", "b/p"]),
    ]:
        assert names(app, "", filters=filters) == expected, filters


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE repositories; --", '" OR 1=1', "*", "%", "_", "\\", "\x00", "a" * 5000, "(((", "💥"]
)
def test_what_is_typed_is_only_ever_words(app: App, add: Callable[..., int], text: str) -> None:
    add("acme/web")
    assert names(app, text) == []
    assert names(app, "web") == ["acme/web"]


def test_words_that_are_said_no_more_find_it_no_more(app: App, add: Callable[..., int]) -> None:
    add("acme/web", description="old words", readme="and more")
    add("acme/web", description="new words")
    assert names(app, "old") == names(app, "more") == []
    assert names(app, "new words web") == ["acme/web"]
