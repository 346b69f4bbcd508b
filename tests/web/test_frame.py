"""The frame of the pages: languages, colours, headers, forms, and what is shown where nothing is."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
import urllib3
from playwright.sync_api import Browser, Page

from capas.hub.app import create_app
from capas.hub.config import Config, ServerConfig
from support.browser import check_everywhere, open_page
from support.hub import running_hub


def get(address: str, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib3.request("GET", f"http://{address}{path}", headers=sent, redirect=False)


def test_the_first_page_is_accessible(page: Page, address: str) -> None:
    page.goto(f"http://{address}/")
    check_everywhere(page)


def test_an_address_that_nothing_is_at_says_so(page: Page, address: str) -> None:
    answer = page.goto(f"http://{address}/nothing/here")
    assert answer is not None and answer.status == 404
    assert page.locator("h1").inner_text() == "There is nothing at this address"
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
    assert page.locator("h1").inner_text() == "No hay nada en esta dirección"


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


def test_a_hub_behind_https_sends_cookies_by_https_alone_and_tells_its_public_name(tmp_path: Path) -> None:
    config = Config(server=ServerConfig(public_url="https://hub.example.org"))
    with running_hub(tmp_path, app=create_app(tmp_path, config=config)) as address:
        answer = get(address, "/?lang=es&theme=dark")
    cookies = answer.headers.getlist("set-cookie")
    assert len(cookies) == 3
    assert all(cookie.startswith("__Host-") and "Secure" in cookie and "Path=/" in cookie for cookie in cookies)
    assert "docker push hub.example.org/" in answer.data.decode()


def test_htmx_is_the_file_that_npm_has() -> None:
    import hashlib

    place = Path(__file__).parents[2] / "src" / "capas" / "hub" / "pages" / "static"
    digest = hashlib.sha256((place / "htmx.js").read_bytes()).hexdigest()
    assert f"sha256:{digest}" in (place / "htmx.md").read_text()


FORM = "/r/library/web/-/star"


def post(address: str, fields: dict[str, str], **headers: str) -> urllib3.BaseHTTPResponse:
    sent = {"content-type": "application/x-www-form-urlencoded"} | {
        name.replace("_", "-"): v for name, v in headers.items()
    }
    return urllib3.request("POST", f"http://{address}{FORM}", body=urlencode(fields), headers=sent, redirect=False)


def visit(address: str) -> tuple[str, str]:
    """A reader's cookie, and the token of their forms."""
    answer = get(address, "/")
    cookie = next(one.partition(";")[0] for one in answer.headers.getlist("set-cookie") if "visit" in one)
    found = re.search(r'"x-csrf-token":"([0-9a-f]{64})"', answer.data.decode())
    assert found
    return cookie, found[1]


def test_a_form_of_ours_gets_through(address: str) -> None:
    cookie, token = visit(address)
    assert post(address, {"csrf": token}, cookie=cookie).status == 404  # such a repository is not there


def test_the_token_may_come_in_a_header(address: str) -> None:
    cookie, token = visit(address)
    assert post(address, {}, cookie=cookie, x_csrf_token=token).status == 404


def test_forms_of_others_are_refused(address: str) -> None:
    cookie, token = visit(address)
    other_cookie, other_token = visit(address)
    for fields, headers in (
        ({}, {"cookie": cookie}),
        ({"csrf": ""}, {"cookie": cookie}),
        ({"csrf": other_token}, {"cookie": cookie}),
        ({"csrf": token}, {"cookie": other_cookie}),
        ({"csrf": token}, {}),
        ({"csrf": "ü"}, {"cookie": cookie}),
        ({"csrf": token}, {"cookie": cookie, "sec_fetch_site": "cross-site"}),
        ({"csrf": token}, {"cookie": cookie, "sec_fetch_site": "same-site"}),
    ):
        answer = post(address, fields, **headers)
        assert answer.status == 403
        assert b"not from a page of this session" in answer.data


def test_forms_are_bounded(address: str) -> None:
    cookie, token = visit(address)
    assert post(address, {"csrf": token, "x": "y" * 1_100_000}, cookie=cookie).status == 400
    assert post(address, {"csrf": token} | {f"f{n}": "" for n in range(600)}, cookie=cookie).status == 400


def test_only_plain_forms_are_read(address: str) -> None:
    cookie, token = visit(address)
    for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain"):
        assert post(address, {"csrf": token}, cookie=cookie, content_type=kind).status == 400
