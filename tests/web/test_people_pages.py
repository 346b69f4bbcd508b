"""The pages of people in a real browser: settings, organisations, repositories' settings, administration."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from capas.hub.app import App
from capas.hub.people.accounts import log_in
from capas.hub.people.tokens import find_bearer
from support.browser import check_everywhere, open_page
from support.hub import running_hub
from support.people import NOW_NS, PASSWORD
from support.town import PUBLIC, SECRET, build_town, cookie_of, open_app

NEW_PASSWORD = "another one that is long"
Visitor = Callable[..., Page]


@pytest.fixture(scope="session")
def town_plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("town")
    with ThreadPoolExecutor(1) as apart:  # from the event loop that the browser has in this thread
        apart.submit(build_town, root).result()
    return root


@pytest.fixture
def app(town_plan: Path, tmp_path: Path) -> App:
    shutil.copytree(town_plan, tmp_path / "town")
    return open_app(tmp_path / "town")


@pytest.fixture
def address(app: App) -> Iterator[str]:
    with running_hub(app.hub.root, app=app) as found:
        yield found


@contextmanager
def visit(browser: Browser, address: str, who: str, path: str, **options: str) -> Iterator[Page]:
    """A page as somebody sees it who is logged in."""
    with open_page(browser, **options) as page:
        page.context.add_cookies([{"name": "capas_session", "value": cookie_of(who), "url": f"http://{address}"}])
        page.goto(f"http://{address}{path}")
        yield page


ALL = [
    ("other", "/settings"),
    ("owner", "/settings/tokens"),
    ("owner", "/settings/organisations"),
    ("owner", "/u/acme"),
    ("owner", "/u/acme/-/members"),
    ("reader", "/u/acme/-/members"),
    ("owner", "/u/acme/-/teams"),
    ("owner", "/u/acme/-/robots"),
    ("owner", "/u/acme/-/settings"),
    ("owner", "/u/acme/-/audit"),
    ("owner", f"/r/{SECRET}/-/settings"),
    ("maintainer", f"/r/{SECRET}/-/settings"),
    ("boss", "/admin/users"),
    ("boss", "/admin/users/other"),
    ("boss", "/admin/storage"),
    ("boss", "/admin/audit"),
]


@pytest.mark.parametrize(("who", "path"), ALL, ids=[f"{who} {path}" for who, path in ALL])
def test_every_page_of_people_is_accessible_and_fits(browser: Browser, address: str, who: str, path: str) -> None:
    with visit(browser, address, who, path) as page:
        assert page.locator("h1").count() == 1
        assert page.locator(".code").count() == 0, page.locator("h1").inner_text()
        check_everywhere(page)


def test_the_pages_speak_spanish(browser: Browser, address: str) -> None:
    with visit(browser, address, "owner", "/u/acme/-/members", locale="es-ES") as page:
        assert page.get_by_role("heading", name="6 miembros").is_visible()
        assert page.get_by_role("button", name="Añadir").is_visible()
        page.goto(f"http://{address}/settings/tokens")
        assert page.get_by_role("button", name="Crear un token").is_visible()
        check_everywhere(page)


def test_a_profile_and_a_password_are_changed(browser: Browser, address: str, app: App) -> None:
    with visit(browser, address, "other", "/settings") as page:
        page.get_by_label("Full name").fill("Óscar Otero")
        page.get_by_label("Electronic mail").fill("oscar@example.org")
        page.get_by_role("button", name="Save").click()
        assert page.get_by_role("status").inner_text() == "Your profile was saved."
        assert page.get_by_label("Full name").input_value() == "Óscar Otero"
        page.get_by_label("Present password").fill("not this one")
        page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
        page.get_by_label("New password once more").fill(NEW_PASSWORD)
        page.get_by_role("button", name="Change the password").click()
        assert "the present password is another one" in page.get_by_role("alert").inner_text()
        page.get_by_label("Present password").fill(PASSWORD)
        page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
        page.get_by_label("New password once more").fill(NEW_PASSWORD)
        page.get_by_role("button", name="Change the password").click()
        page.wait_for_load_state()
        assert log_in(app.hub.database, "other", NEW_PASSWORD)
        answer = page.goto(f"http://{address}/settings")
        assert answer is not None
        assert page.get_by_label("Full name").count() == 0, "the session has ended"


def test_a_token_is_made_shown_once_and_revoked(browser: Browser, address: str, app: App) -> None:
    with visit(browser, address, "owner", "/settings/tokens") as page:
        page.get_by_label("Name", exact=True).fill("laptop")
        page.get_by_label("Repositories").fill("acme/*")
        page.get_by_label("Role").select_option("reader")
        page.get_by_role("button", name="Make a token").click()
        token = page.get_by_role("status").locator("code").inner_text()
        assert find_bearer(app.hub.database, "owner", token, NOW_NS)
        check_everywhere(page)
        page.goto(f"http://{address}/settings/tokens")
        assert token not in page.content()
        page.get_by_role("button", name="Revoke laptop").click()
        assert page.get_by_role("status").inner_text() == "laptop lets nobody in any more."
        assert find_bearer(app.hub.database, "owner", token, NOW_NS) is None


def test_what_is_wrong_with_a_form_is_said_beside_what_was_typed(browser: Browser, address: str) -> None:
    with visit(browser, address, "owner", "/settings/tokens") as page:
        page.get_by_label("Name", exact=True).fill("Not A Name")
        page.get_by_role("button", name="Make a token").click()
        assert "not a name: Not A Name" in page.get_by_role("alert").inner_text()
        assert page.get_by_label("Name", exact=True).input_value() == "Not A Name"
        check_everywhere(page)


def test_an_organisation_is_made_and_somebody_taken_in_and_let_go(browser: Browser, address: str, app: App) -> None:
    with visit(browser, address, "other", "/settings/organisations") as page:
        page.get_by_label("Name", exact=True).fill("apex")
        page.get_by_role("button", name="Make an organisation").click()
        page.get_by_label("User name").fill("reader")
        page.get_by_label("Role", exact=True).select_option("writer")
        page.get_by_role("button", name="Take in").click()
        assert page.get_by_role("status").inner_text() == "reader is writer now."
        page.get_by_role("button", name="Remove other").click()
        assert "without an owner" in page.get_by_role("alert").inner_text()
        page.get_by_role("button", name="Remove reader").click()
        assert page.get_by_role("heading", name="1 member").is_visible()
        page.get_by_role("link", name="Teams").click()
        page.get_by_label("Name", exact=True).fill("devs")
        page.get_by_role("button", name="Make a team").click()
        page.get_by_label("User name, for the team devs").fill("reader")
        page.get_by_role("button", name="Take into devs").click()
        assert page.get_by_role("button", name="Remove reader from devs").is_visible()
        page.get_by_role("link", name="Audit log").click()
        assert "team.join" in page.get_by_role("table").inner_text()


def test_a_robot_is_made_for_an_organisation(browser: Browser, address: str, app: App) -> None:
    with visit(browser, address, "owner", "/u/acme/-/robots") as page:
        page.get_by_label("Name", exact=True).fill("deploy")
        page.get_by_role("button", name="Make a robot").click()
        token = page.get_by_role("status").locator("code").inner_text()
        found = find_bearer(app.hub.database, "acme+deploy", token, NOW_NS)
        assert found is not None
        assert page.get_by_role("heading", name="acme+deploy").is_visible()


def test_a_repository_is_described_shown_shared_and_deleted_by_its_name(
    browser: Browser, address: str, app: App
) -> None:
    with visit(browser, address, "owner", f"/r/{SECRET}") as page:
        page.get_by_role("navigation", name="Repository").get_by_role("link", name="Settings").click()
        page.get_by_label("In one line").fill("a quick proxy")
        page.get_by_label("README").fill("# A proxy\n\nquick")
        page.get_by_role("button", name="Save").first.click()
        assert page.get_by_role("heading", name="A proxy").is_visible()
        page.goto(f"http://{address}/r/{SECRET}/-/settings")
        page.get_by_label("Public: anybody").check()
        page.get_by_role("button", name="Save").nth(1).click()
        assert page.get_by_role("status").inner_text() == f"Anybody may pull {SECRET} now."
        page.get_by_label("Name", exact=True).fill("other")
        page.get_by_role("button", name="Give the role").click()
        assert page.get_by_role("button", name="Take the role of other away").is_visible()
        page.get_by_label(f"Type {SECRET} to confirm").fill(PUBLIC)
        page.get_by_role("button", name="Delete for good").click()
        assert "that is not the name" in page.get_by_role("alert").inner_text()
        page.get_by_label(f"Type {SECRET} to confirm").fill(SECRET)
        page.get_by_role("button", name="Delete for good").click()
        assert page.get_by_role("status").inner_text() == f"{SECRET} was deleted."
        answer = page.goto(f"http://{address}/r/{SECRET}")
        assert answer is not None
        assert answer.status == 404


def test_an_administrator_makes_closes_and_deletes_an_account(browser: Browser, address: str, app: App) -> None:
    with visit(browser, address, "boss", "/admin/users") as page:
        page.get_by_label("User name").fill("eva")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Make an account").click()
        assert log_in(app.hub.database, "eva", PASSWORD)
        page.get_by_role("link", name="eva").click()
        page.get_by_label("May come in").uncheck()
        page.get_by_role("button", name="Save").click()
        assert log_in(app.hub.database, "eva", PASSWORD) is None
        page.get_by_label("Type eva to confirm").fill("eva")
        page.get_by_role("button", name="Delete for good").click()
        assert page.get_by_role("status").inner_text() == "eva was deleted."
        assert page.get_by_role("link", name="eva").count() == 0


def test_storage_shows_what_repositories_hold_and_frees_what_nobody_needs(
    browser: Browser, address: str, app: App
) -> None:
    with visit(browser, address, "boss", "/admin/storage") as page:
        assert page.get_by_role("row").nth(1).inner_text().split() == [PUBLIC, "2", "44", "B"]
        page.get_by_role("button", name="Free what nobody needs").click()
        assert page.get_by_role("status").inner_text() == "0 blobs were freed."
