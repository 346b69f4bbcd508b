"""Readers who are somebody: stars, and images that only some may see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import Browser, Page, expect

from capas.hub.app import App, create_app
from capas.hub.hub import Options
from capas.hub.pages.cookies import SESSION, VISIT
from capas.hub.people.access import Identity
from capas.hub.people.audit import By
from capas.hub.people.repositories import set_visibility
from capas.hub.people.sessions import start_session
from support.browser import check_everywhere, open_page
from support.hub import running_hub
from support.hub_client import HubClient
from support.hub_images import WEB, push_made
from support.people import person

COOKIE = {"ana": "a" * 64, "eva": "e" * 64}
PRIVATE_PAGES = ["", "/-/tags", "/-/image/latest", "/-/compare", "/-/compare?from=latest&to=latest"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    """A hub with accounts: ana has a public and a private image, eva has none."""
    root: Path = tmp_path_factory.mktemp("hub")
    with running_hub(root, options=Options(open=True)) as address:
        for name in ("ana/open", "ana/secret"):
            push_made(HubClient(address, name), "latest", WEB)
    app = create_app(root, options=Options(open=False))
    by = By("test", "127.0.0.1", app.hub.now_ns())
    for name, secret in COOKIE.items():
        log_in(app, person(app.hub.database, name), secret, by)
    set_visibility(app.hub.database, "ana/open", True, by)
    set_visibility(app.hub.database, "ana/secret", False, by)
    return app


def log_in(app: App, who: Identity, secret: str, by: By) -> None:
    assert who.user is not None
    app.hub.database.write(lambda db: start_session(db, who.user, secret, "page", client="test", by=by))  # type: ignore[arg-type]


@pytest.fixture
def ana(browser: Browser, address: str) -> Iterator[Page]:
    with open_page(browser) as page:
        page.context.add_cookies([{"name": SESSION, "value": COOKIE["ana"], "url": f"http://{address}"}])
        yield page


def get(address: str, path: str, who: str = "") -> urllib3.BaseHTTPResponse:
    cookie = f"{SESSION}={COOKIE[who]}" if who else f"{VISIT}={'v' * 64}"  # forms are bound to one of them
    return urllib3.request("GET", f"http://{address}{path}", headers={"cookie": cookie}, redirect=False)


def test_a_star_is_put_and_taken_back_where_the_reader_stands(ana: Page, address: str) -> None:
    ana.goto(f"http://{address}/r/ana/open")
    ana.evaluate("window.stayed = true")
    button = ana.get_by_role("button", name="Star")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_contain_text("1")
    assert ana.evaluate("window.stayed && document.activeElement.id") == "star"
    check_everywhere(ana)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")


def test_a_star_is_put_without_a_script_too(browser: Browser, address: str) -> None:
    with open_page(browser, java_script_enabled=False) as page:
        page.context.add_cookies([{"name": SESSION, "value": COOKIE["eva"], "url": f"http://{address}"}])
        page.goto(f"http://{address}/r/ana/open")
        page.get_by_role("button", name="Star").click()
        expect(page).to_have_url(f"http://{address}/r/ana/open")
        assert page.get_by_role("button", name="Star").get_attribute("aria-pressed") == "true"
        page.get_by_role("button", name="Star").click()


def test_whoever_is_not_logged_in_sees_the_count_alone(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/ana/open")
    assert page.get_by_role("button", name="Star").count() == 0
    assert page.locator(".starring").inner_text() == "★ 0 stars"


@pytest.mark.parametrize("path", PRIVATE_PAGES)
@pytest.mark.parametrize("who", ["", "eva"])
def test_a_private_image_is_to_others_as_one_that_is_not_there(address: str, who: str, path: str) -> None:
    private, missing = (get(address, f"/r/ana/{name}{path}", who) for name in ("secret", "nosuch"))
    assert private.status == missing.status == 404
    assert private.data.replace(b"secret", b"nosuch") == missing.data
    assert [(name, value) for name, value in private.headers.items() if name != "date"] == [
        (name, value) for name, value in missing.headers.items() if name != "date"
    ]


@pytest.mark.parametrize("path", PRIVATE_PAGES)
def test_a_private_image_is_shown_to_its_owner(address: str, path: str) -> None:
    answer = get(address, f"/r/ana/secret{path}", "ana")
    assert answer.status == 200
    assert b"secret" in answer.data


@pytest.mark.parametrize(
    "path", ["/", "/search?q=secret", "/search?q=ana", "/u/ana", "/search?q=secre", "/r/ana/secre"]
)
def test_a_private_image_is_in_no_list_of_others(address: str, path: str) -> None:
    assert b"ana/secret" in get(address, path, "ana").data
    for who in ("", "eva"):
        assert b"ana/secret" not in get(address, path, who).data


def test_who_has_an_account_is_not_for_everybody_to_try(address: str) -> None:
    """Eva shares nothing: to nobody in particular she is as one who is not here."""
    assert get(address, "/u/eva").status == get(address, "/u/none").status == 404
    assert get(address, "/u/eva", "ana").status == 200


def test_what_is_private_is_said_so(ana: Page, address: str) -> None:
    ana.goto(f"http://{address}/r/ana/secret")
    assert ana.locator("h1 .badge").inner_text() == "private"
    ana.goto(f"http://{address}/search?q=ana")
    ana.get_by_label("mine").check()
    expect(ana.get_by_role("status")).to_have_text("2 images")
