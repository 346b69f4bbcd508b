"""Coming in by a browser: the first start's link, invitations, login and logout, sessions."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from capas.hub.app import App, create_app
from capas.hub.config import Config, ServerConfig
from capas.hub.hub import Hub, Options
from capas.hub.people.accounts import find_user
from capas.hub.people.links import offer_setup
from capas.hub.people.sessions import PAGE_SECONDS, list_sessions, name_of
from support.browser import check_everywhere, follow, open_page
from support.hub import running_hub
from support.people import PASSWORD, person
from support.plain_browser import Plain

NAMES = {name: name for name in ("alice", "bob", "carol", "dave", "erin")}


@contextmanager
def hub_with_accounts(root: Path, config: Config = Config()) -> Iterator[tuple[str, Hub]]:  # noqa: B008
    app: App = create_app(root, options=Options(open=False), config=config)
    with running_hub(root, app=app) as address:
        yield address, app.hub


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Hub]]:
    with hub_with_accounts(tmp_path_factory.mktemp("hub")) as (address, hub):
        for name in NAMES:
            person(hub.database, name, password=PASSWORD)
        person(hub.database, "keeper", is_admin=True, password=PASSWORD)
        yield address, hub


def log_in(page: Page, address: str, name: str, password: str = PASSWORD, path: str = "/login") -> None:
    page.goto(f"http://{address}{path}")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.locator("main").get_by_role("button", name="Log in").click()


def test_the_first_link_makes_the_administrator_and_dies(page: Page, tmp_path: Path) -> None:
    with hub_with_accounts(tmp_path) as (address, hub):
        assert offer_setup(hub.database, "f" * 64, hub.now_ns())
        link = f"http://{address}/link/{'f' * 64}"
        page.goto(link)
        check_everywhere(page)
        page.get_by_label("User name").fill("ana")
        page.get_by_label("Password", exact=True).fill("a few words")
        page.get_by_label("The password again").fill("a few words")
        page.get_by_role("button", name="Make the account").click()
        page.get_by_role("link", name="ana").wait_for()
        made = find_user(hub.database, "ana")
        assert made is not None and made.is_admin
        answer = page.goto(link)
        assert answer is not None and answer.status == 404
        assert "used already" in page.locator("h1").inner_text()
        assert not offer_setup(hub.database, "e" * 64, hub.now_ns())


def test_what_was_wrong_is_said_and_the_link_lives_on(page: Page, tmp_path: Path) -> None:
    with hub_with_accounts(tmp_path) as (address, hub):
        offer_setup(hub.database, "f" * 64, hub.now_ns())
        for name, password, again, said in (
            ("ana", "a few words", "other words", "the two passwords are not the same"),
            ("Ana María", "a few words", "a few words", "not a name"),
            ("admin", "a few words", "a few words", "kept for the hub itself"),
            ("ana", "aaaaaaaaaa", "aaaaaaaaaa", "easy to guess"),
        ):
            page.goto(f"http://{address}/link/{'f' * 64}")
            page.get_by_label("User name").fill(name)
            page.get_by_label("Password", exact=True).fill(password)
            page.get_by_label("The password again").fill(again)
            page.get_by_role("button", name="Make the account").click()
            assert said in page.get_by_role("alert").inner_text()
            assert page.get_by_label("User name").input_value() == name
        check_everywhere(page)
        assert find_user(hub.database, "ana") is None


def test_one_link_makes_one_account_however_many_use_it_at_once(tmp_path: Path) -> None:
    with hub_with_accounts(tmp_path) as (address, hub):
        offer_setup(hub.database, "f" * 64, hub.now_ns())

        def use(number: int) -> int:
            browser = Plain(address)
            path = f"/link/{'f' * 64}"
            form = {"csrf": browser.token(path), "name": f"ana{number}", "password": PASSWORD, "again": PASSWORD}
            return browser.send("POST", path, urlencode(form)).status

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(use, range(8))) == [303] + [404] * 7


def test_an_administrator_invites_somebody(page: Page, browser: Browser, place: tuple[str, Hub]) -> None:
    address, hub = place
    log_in(page, address, "keeper", path="/login?next=/admin/links")
    check_everywhere(page)
    follow(page.get_by_role("button", name="Make a link"))
    check_everywhere(page)
    link = page.locator(".copy code").inner_text()
    with open_page(browser) as guest:
        guest.goto(link)
        check_everywhere(guest)
        guest.get_by_label("User name").fill("guest")
        guest.get_by_label("Password", exact=True).fill(PASSWORD)
        guest.get_by_label("The password again").fill(PASSWORD)
        guest.get_by_role("button", name="Make the account").click()
        guest.get_by_role("link", name="guest").wait_for()
    made = find_user(hub.database, "guest")
    assert made is not None and not made.is_admin


def test_a_forgotten_password_is_set_by_a_link_and_ends_all_sessions(
    page: Page, browser: Browser, place: tuple[str, Hub]
) -> None:
    address, _ = place
    log_in(page, address, "dave")
    with open_page(browser) as other:
        log_in(other, address, "keeper", path="/login?next=/admin/links")
        other.get_by_label("User name").fill("dave")
        other.get_by_role("button", name="Make a link").click()
        link = other.locator(".copy code").inner_text()
    with open_page(browser) as new:
        new.goto(link)
        check_everywhere(new)
        new.get_by_label("Password", exact=True).fill("some other words")
        new.get_by_label("The password again").fill("some other words")
        new.get_by_role("button", name="Set the password").click()
        new.get_by_role("link", name="dave").wait_for()
    page.reload()
    assert page.get_by_role("link", name="Log in").is_visible()
    assert Plain(address).log_in("dave").status == 401


def test_only_administrators_make_links(place: tuple[str, Hub]) -> None:
    browser = Plain(place[0])
    assert browser.send("GET", "/admin/links").headers["location"] == "/login?next=/admin/links"
    browser.log_in("erin")
    assert browser.send("GET", "/admin/links").status == 403
    form = urlencode({"csrf": browser.token("/settings/sessions"), "name": "keeper"})
    assert browser.send("POST", "/admin/links", form).status == 403


def test_a_reader_logs_in_and_out(page: Page, place: tuple[str, Hub]) -> None:
    address, _ = place
    page.goto(f"http://{address}/")
    follow(page.get_by_role("link", name="Log in"))
    check_everywhere(page)
    log_in(page, address, "alice", "wrong")
    assert page.get_by_role("alert").inner_text() == "wrong user name or password"
    assert page.get_by_label("User name").input_value() == "alice"
    check_everywhere(page)
    log_in(page, address, "alice")
    page.get_by_role("link", name="alice").wait_for()
    check_everywhere(page)
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Log in").wait_for()


def test_a_login_leads_back_to_where_it_was_asked(page: Page, place: tuple[str, Hub]) -> None:
    log_in(page, place[0], "alice", path="/settings/sessions")
    assert page.url.endswith("/settings/sessions")


@pytest.mark.parametrize(
    "after", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\t//evil", "evil"]
)
def test_a_login_leads_to_no_other_host(place: tuple[str, Hub], after: str) -> None:
    answer = Plain(place[0]).log_in("alice", next=after)
    assert (answer.status, answer.headers["location"]) == (303, "/")


def test_a_login_from_another_site_is_refused(place: tuple[str, Hub]) -> None:
    browser = Plain(place[0])
    form = urlencode({"name": "alice", "password": PASSWORD})
    assert browser.send("POST", "/login", form).status == 403
    token = browser.token("/login")
    mine = Plain(place[0])
    mine.token("/login")
    assert mine.send("POST", "/login", urlencode({"csrf": token, "name": "alice", "password": PASSWORD})).status == 403
    form = urlencode({"csrf": mine.token("/login"), "name": "alice", "password": PASSWORD})
    assert mine.send("POST", "/login", form, sec_fetch_site="cross-site").status == 403


def test_a_session_is_a_cookie_out_of_reach(place: tuple[str, Hub]) -> None:
    answer = Plain(place[0]).log_in("alice")
    (cookie,) = [line for line in answer.headers.getlist("set-cookie") if line.startswith("capas_session=")]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", f"max-age={PAGE_SECONDS}"} <= parts
    assert not any(part.startswith("domain") for part in parts)


def test_by_https_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    config = Config(server=ServerConfig(public_url="https://hub.example"))
    with hub_with_accounts(tmp_path, config) as (address, hub):
        person(hub.database, "alice", password=PASSWORD)
        answer = Plain(address).log_in("alice")
        (cookie,) = [line for line in answer.headers.getlist("set-cookie") if "session=" in line]
        assert cookie.startswith("__Host-capas_session=")
        assert "secure" in cookie.lower()


def test_the_records_hold_no_cookie(place: tuple[str, Hub]) -> None:
    address, hub = place
    browser = Plain(address)
    browser.log_in("alice")
    held = b"".join(file.read_bytes() for file in hub.root.glob("records.sqlite*"))
    assert browser.cookies["capas_session"].encode() not in held


def test_a_login_takes_over_no_cookie_that_was_there_before(place: tuple[str, Hub]) -> None:
    browser = Plain(place[0])
    browser.cookies["capas_session"] = "a" * 64
    browser.log_in("alice")
    assert browser.cookies["capas_session"] != "a" * 64


def test_sessions_are_listed_and_ended(page: Page, browser: Browser, place: tuple[str, Hub]) -> None:
    address, hub = place
    log_in(page, address, "bob", path="/settings/sessions")
    with open_page(browser) as other:
        log_in(other, address, "bob")
        page.reload()
        check_everywhere(page)
        cards = page.locator("main li.card")
        assert cards.count() == 2
        assert "Chrome, Linux" in cards.first.inner_text()
        cards.filter(has_not_text="this browser").get_by_role("button", name="Log out there").click()
        assert page.get_by_role("status").inner_text() == "That session has ended."
        other.reload()
        assert other.get_by_role("link", name="Log in").is_visible()
    assert len(list_sessions(hub.database, find_user(hub.database, "bob").number, hub.now_ns())) == 1  # type: ignore[union-attr]


def test_a_session_of_somebody_else_is_not_there(place: tuple[str, Hub]) -> None:
    address, hub = place
    mine, other = Plain(address), Plain(address)
    mine.log_in("carol")
    other.log_in("erin")
    carol = find_user(hub.database, "carol")
    assert carol is not None
    (session,) = list_sessions(hub.database, carol.number, hub.now_ns())
    form = urlencode({"csrf": other.token("/settings/sessions"), "id": session.id})
    assert other.send("POST", "/settings/sessions", form).status == 404
    assert mine.send("GET", "/settings/sessions").status == 200


def test_guesses_on_the_page_have_to_wait(tmp_path: Path) -> None:
    with hub_with_accounts(tmp_path) as (address, hub):
        person(hub.database, "alice", password=PASSWORD)
        browser = Plain(address)
        assert [browser.log_in("alice", "wrong").status for _ in range(6)] == [401] * 5 + [429]
        limited = browser.log_in("alice")
        assert limited.status == 429
        assert limited.headers["retry-after"] in ("1", "2")


def test_the_api_takes_the_cookie_with_the_token_of_a_page(place: tuple[str, Hub]) -> None:
    browser = Plain(place[0])
    browser.log_in("erin")
    assert b'"erin"' in browser.send("GET", "/api/v1/me").data
    mine = name_of(browser.cookies["capas_session"])
    assert mine in [one["id"] for one in browser.send("GET", "/api/v1/sessions").json()["items"]]
    path = f"/api/v1/sessions/{mine}"
    assert browser.send("DELETE", path).status == 401
    token = browser.token("/settings/sessions")
    assert browser.send("DELETE", path, x_csrf_token=token, sec_fetch_site="cross-site").status == 401
    assert browser.send("DELETE", path, x_csrf_token=token).status == 204
    assert browser.send("GET", "/api/v1/sessions").status == 401


def test_an_open_hub_has_no_login(page: Page, address: str) -> None:
    answer = page.goto(f"http://{address}/login")
    assert answer is not None and answer.status == 404
    assert page.get_by_role("link", name="Log in").count() == 0
