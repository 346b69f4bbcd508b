"""The frame of the pages: languages, colours, headers, forms, and what is shown where nothing is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import Browser, Page

from support.browser import check_everywhere, open_page


def get(address: str, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib3.request("GET", f"http://{address}{path}", headers=sent, redirect=False)


def test_the_first_page_is_accessible(page: Page, address: str) -> None:
    page.goto(f"http://{address}/")
    check_everywhere(page)


def test_an_address_that_nothing_is_at_says_so(page: Page, address: str) -> None:
    answer = page.goto(f"http://{address}/nothing/here")
    assert answer is not None and answer.status == 404
    assert page.locator("h1").inner_text() == "there is nothing at this address"
    check_everywhere(page)


def test_the_browser_says_which_language_is_spoken(browser: Browser, address: str) -> None:
    with open_page(browser, locale="es-MX") as page:
        page.goto(f"http://{address}/")
        assert page.locator("html").get_attribute("lang") == "es"
        assert page.get_by_role("button", name="Buscar").is_visible()
        check_everywhere(page)


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("es", "es"),
        ("fr, es-AR;q=0.5, en;q=0.4", "es"),
        ("en, es;q=0.9", "en"),
        ("fr", "en"),
        ("es;q=0", "en"),
        (";;q=x,", "en"),
    ],
)
def test_the_best_language_that_the_browser_accepts_is_spoken(address: str, accepted: str, spoken: str) -> None:
    assert f'<html lang="{spoken}"' in get(address, "/", accept_language=accepted).data.decode()


def test_a_chosen_language_stays(page: Page, address: str) -> None:
    page.goto(f"http://{address}/")
    page.get_by_role("link", name="Español").click()
    assert page.locator("html").get_attribute("lang") == "es"
    page.goto(f"http://{address}/nothing")
    assert page.locator("h1").inner_text() == "no hay nada en esta dirección"


def test_chosen_colours_stay(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"http://{address}/")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("link", name="Dark").click()
    page.goto(f"http://{address}/")
    assert page.evaluate(ground) != light


def test_dark_follows_the_system_where_nothing_was_chosen(page: Page, address: str) -> None:
    page.goto(f"http://{address}/")
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) != light


def test_a_reader_by_keyboard_skips_to_the_content(page: Page, address: str) -> None:
    page.goto(f"http://{address}/nothing")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_pages_forbid_what_is_not_theirs(address: str) -> None:
    headers = get(address, "/").headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "img-src", "form-action")} == {"'self'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "private" in headers["cache-control"]


def test_missing_pages_have_the_same_headers(address: str) -> None:
    assert "content-security-policy" in get(address, "/nothing").headers


def test_an_inline_script_does_not_run(browser: Browser, address: str) -> None:
    with pytest.raises(AssertionError, match="Content Security Policy"), open_page(browser) as page:
        page.goto(f"http://{address}/")
        page.evaluate(
            "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
        )
        assert page.evaluate("window.ran") is None


def test_static_files_are_kept_by_browsers_under_names_of_their_content(address: str) -> None:
    found = re.findall(r"/static/[\w.]+", get(address, "/").data.decode())
    assert len(found) >= 4
    for path in found:
        answer = get(address, path)
        assert answer.status == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert re.search(r"\.[0-9a-f]{12}\.", path)


def test_static_files_lead_nowhere_else(address: str) -> None:
    assert get(address, "/static/..%2fframe.py").status == 404
    assert get(address, "/static/htmx.js").status == 404


def test_cookies_are_out_of_reach(address: str) -> None:
    plain = get(address, "/?lang=es&theme=dark").headers.getlist("set-cookie")
    assert len(plain) == 3
    assert all("HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie for cookie in plain)
    secure = get(address, "/?lang=es", x_forwarded_proto="https").headers.getlist("set-cookie")
    assert all(cookie.startswith("__Host-") and "Secure" in cookie and "Path=/" in cookie for cookie in secure)


def test_htmx_is_the_file_that_npm_has() -> None:
    import hashlib

    place = Path(__file__).parents[2] / "src" / "capas" / "hub" / "pages" / "static"
    digest = hashlib.sha256((place / "htmx.js").read_bytes()).hexdigest()
    assert f"sha256:{digest}" in (place / "htmx.md").read_text()
