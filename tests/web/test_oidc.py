"""Logging in with an identity provider, in a real browser and with a provider that lies."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Page

from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.hub import Hub, Options
from capas.hub.people.accounts import find_user, set_active
from capas.hub.people.oidc import OidcConfig
from capas.hub.people.organisations import create_organisation, list_members
from support.browser import check_everywhere
from support.hub import running_hub
from support.oidc_provider import CLIENT, SECRET, OidcProvider, running_provider
from support.people import KEEPER, PASSWORD, person
from support.plain_browser import Plain


@pytest.fixture(scope="module")
def module_provider() -> Iterator[OidcProvider]:
    with running_provider() as found:
        yield found


@pytest.fixture(scope="module")
def place(module_provider: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Hub]]:
    groups = {"developers": "acme:writer", "operators": "acme:owner"}
    oidc = OidcConfig(module_provider.issuer, CLIENT, SECRET, "Acme", groups=groups)
    strict = OidcConfig(module_provider.issuer, CLIENT, SECRET, "Strict", create=False)
    root: Path = tmp_path_factory.mktemp("hub")
    app = create_app(root, options=Options(open=False), config=Config(oidc={"acme": oidc, "strict": strict}))
    with running_hub(root, app=app) as address:
        keeper = person(app.hub.database, "keeper", is_admin=True, password=PASSWORD)
        create_organisation(app.hub.database, "acme", {}, keeper.user or 0, KEEPER)
        yield address, app.hub


@pytest.fixture
def provider(module_provider: OidcProvider) -> Iterator[OidcProvider]:
    yield module_provider
    module_provider.twist = lambda claims: claims
    module_provider.sign = module_provider._sign
    module_provider.iss = ""


def begin(browser: Plain, query: str = "", name: str = "acme") -> str:
    """The provider's address that the hub sends the browser to."""
    answer = browser.send("GET", f"/login/oidc/{name}{query}")
    assert answer.status == 303, answer.data
    return str(answer.headers["location"])


def log_in(provider: OidcProvider, browser: Plain, person: str, place: str = "") -> urllib3.BaseHTTPResponse:
    """There and back; the hub's last answer."""
    sent = urllib3.request("GET", f"{place or begin(browser)}&as={person}", redirect=False)
    back = urlsplit(sent.headers["location"])
    return browser.send("GET", f"{back.path}?{back.query}")


def test_somebody_new_gets_an_account(page: Page, place: tuple[str, Hub], provider: OidcProvider) -> None:
    address, hub = place
    provider.add("rosa", name="Rosa Pérez", groups=["developers", "others"])
    page.goto(f"http://{address}/login")
    check_everywhere(page)
    page.get_by_role("link", name="Log in with Acme").click()
    page.get_by_role("button", name="rosa").click()
    page.get_by_role("link", name="rosa").wait_for()
    made = find_user(hub.database, "rosa")
    assert made is not None
    assert (made.display_name, made.email, made.has_password, made.is_admin) == (
        "Rosa Pérez",
        "rosa@acme.example",
        False,
        False,
    )
    assert {one.name: one.role for one in list_members(hub.database, "acme")} == {"keeper": "owner", "rosa": "writer"}
    page.get_by_role("button", name="Log out").click()
    page.goto(f"http://{address}/login")
    page.get_by_role("link", name="Log in with Acme").click()
    page.get_by_role("button", name="rosa").click()
    page.get_by_role("link", name="rosa").wait_for()


def test_groups_that_are_gone_take_their_role_along(place: tuple[str, Hub], provider: OidcProvider) -> None:
    address, hub = place
    roles = []
    for groups in (["developers"], ["developers", "operators"], []):
        provider.add("nico", groups=groups)
        assert log_in(provider, Plain(address), "nico").status == 303
        roles.append({one.name: one.role for one in list_members(hub.database, "acme")}.get("nico"))
    assert roles == ["writer", "owner", None]


def test_a_name_or_address_that_is_equal_links_nothing(place: tuple[str, Hub], provider: OidcProvider) -> None:
    address, hub = place
    person(hub.database, "vera", password=PASSWORD)
    provider.add("vera", email="keeper@acme.example")
    answer = log_in(provider, Plain(address), "vera")
    assert answer.status == 409
    assert b"not linked with yours" in answer.data


def test_an_account_is_linked_by_who_is_logged_in_to_it(place: tuple[str, Hub], provider: OidcProvider) -> None:
    address, hub = place
    person(hub.database, "olga", password=PASSWORD)
    provider.add("olga.at.work")
    browser = Plain(address)
    browser.log_in("olga")
    assert log_in(provider, browser, "olga.at.work", begin(browser, "?link&next=/settings/sessions")).status == 303
    other = Plain(address)
    assert log_in(provider, other, "olga.at.work").status == 303
    assert b'"olga"' in other.send("GET", "/api/v1/me").data
    provider.add("stranger")
    assert log_in(provider, browser, "stranger", begin(browser, "?link")).status == 409
    thief = Plain(address)
    person(hub.database, "thief", password=PASSWORD)
    thief.log_in("thief")
    assert log_in(provider, thief, "olga.at.work", begin(thief, "?link")).status == 409


def test_a_link_that_somebody_else_began_links_nothing(place: tuple[str, Hub], provider: OidcProvider) -> None:
    address, hub = place
    for name in ("hugo", "ines"):
        person(hub.database, name, password=PASSWORD)
    provider.add("hugo.at.work")
    hugo = Plain(address)
    hugo.log_in("hugo")
    out = begin(hugo, "?link")
    ines = Plain(address)
    ines.log_in("ines")
    ines.cookies["capas_oidc"] = hugo.cookies["capas_oidc"]
    assert log_in(provider, ines, "hugo.at.work", out).status == 403


def test_a_closed_account_stays_closed(place: tuple[str, Hub], provider: OidcProvider) -> None:
    address, hub = place
    provider.add("luis")
    assert log_in(provider, Plain(address), "luis").status == 303
    set_active(hub.database, "luis", False, KEEPER)
    assert log_in(provider, Plain(address), "luis").status == 403


def test_nobody_new_comes_in_where_the_keeper_says_so(place: tuple[str, Hub], provider: OidcProvider) -> None:
    provider.add("new")
    browser = Plain(place[0])
    assert log_in(provider, browser, "new", begin(browser, name="strict")).status == 403
    assert find_user(place[1].database, "new") is None


def test_keys_that_changed_are_asked_for_again(
    place: tuple[str, Hub], provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.add("tere")
    assert log_in(provider, Plain(place[0]), "tere").status == 303
    before = provider.asked.count("/keys")
    provider.rotate()
    monkeypatch.setattr("capas.hub.people.oidc._AGAIN_SECONDS", -1.0)
    assert log_in(provider, Plain(place[0]), "tere").status == 303
    assert log_in(provider, Plain(place[0]), "tere").status == 303
    assert provider.asked.count("/keys") == before + 1


def test_unknown_keys_do_not_make_the_hub_ask_all_the_time(place: tuple[str, Hub], provider: OidcProvider) -> None:
    provider.add("tere")
    log_in(provider, Plain(place[0]), "tere")
    before = provider.asked.count("/keys")
    key = rsa.generate_private_key(65537, 2048)
    provider.sign = lambda claims: jwt.encode(claims, key, algorithm="RS256", headers={"kid": "unknown"})
    for _ in range(3):
        assert log_in(provider, Plain(place[0]), "tere").status == 403
    assert provider.asked.count("/keys") <= before + 1


LIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "issuer": lambda claims: {**claims, "iss": "https://evil.example"},
    "audience": lambda claims: {**claims, "aud": "another"},
    "several audiences": lambda claims: {**claims, "aud": [CLIENT, "another"]},
    "authorized party": lambda claims: {**claims, "azp": "another"},
    "nonce": lambda claims: {**claims, "nonce": "another"},
    "no nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "expired": lambda claims: {**claims, "iat": claims["iat"] - 1000, "exp": claims["iat"] - 100},
    "future": lambda claims: {**claims, "iat": claims["iat"] + 1000, "exp": claims["iat"] + 2000},
    "not yet": lambda claims: {**claims, "nbf": claims["iat"] + 1000},
    "no subject": lambda claims: {**claims, "sub": ""},
    "odd subject": lambda claims: {**claims, "sub": ["keeper"]},
    "odd times": lambda claims: {**claims, "exp": "never"},
}


@pytest.mark.parametrize("lie", LIES)
def test_an_id_token_that_is_not_for_this_login_is_refused(
    place: tuple[str, Hub], provider: OidcProvider, lie: str
) -> None:
    provider.add("eva")
    provider.twist = LIES[lie]
    browser = Plain(place[0])
    assert log_in(provider, browser, "eva").status == 403
    assert b'"nobody"' in browser.send("GET", "/api/v1/me").data


def by_secret(claims: dict[str, Any], kid: str, secret: bytes) -> str:
    """Signed with a secret, as who confuses public keys with secrets would take it."""
    parts = ({"alg": "HS256", "kid": kid, "typ": "JWT"}, claims)
    text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    digest = hmac.new(secret, text.encode(), "sha256").digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def test_an_id_token_that_is_signed_by_nobody_is_refused(place: tuple[str, Hub], provider: OidcProvider) -> None:
    provider.add("eva")
    other = rsa.generate_private_key(65537, 2048)
    public = provider.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for sign in (
        lambda claims: jwt.encode(claims, None, algorithm="none", headers={"kid": provider.kid}),
        lambda claims: by_secret(claims, provider.kid, public),
        lambda claims: by_secret(claims, provider.kid, SECRET.encode()),
        lambda claims: jwt.encode(claims, other, algorithm="RS256", headers={"kid": provider.kid}),
        lambda claims: "nonsense",
    ):
        provider.sign = sign
        assert log_in(provider, Plain(place[0]), "eva").status == 403


def test_an_answer_is_good_for_the_browser_that_began(place: tuple[str, Hub], provider: OidcProvider) -> None:
    provider.add("eva")
    address = place[0]
    out = begin(Plain(address))
    assert log_in(provider, Plain(address), "eva", out).status == 403  # no cookie
    mine = Plain(address)
    begin(mine)
    assert log_in(provider, mine, "eva", out).status == 403  # another state
    forged = Plain(address)
    forged.cookies["capas_oidc"] = "forged"
    assert log_in(provider, forged, "eva", out).status == 403


def test_an_answer_is_good_once(place: tuple[str, Hub], provider: OidcProvider) -> None:
    provider.add("eva")
    browser = Plain(place[0])
    sent = urllib3.request("GET", f"{begin(browser)}&as=eva", redirect=False)
    back = urlsplit(sent.headers["location"])
    cookie = browser.cookies["capas_oidc"]
    assert browser.send("GET", f"{back.path}?{back.query}").status == 303
    browser.cookies["capas_oidc"] = cookie
    assert browser.send("GET", f"{back.path}?{back.query}").status == 500


def test_an_answer_in_the_name_of_another_provider_is_refused(place: tuple[str, Hub], provider: OidcProvider) -> None:
    provider.add("eva")
    provider.iss = "https://evil.example"
    assert log_in(provider, Plain(place[0]), "eva").status == 403


def test_what_the_provider_says_is_shown(place: tuple[str, Hub], provider: OidcProvider) -> None:
    browser = Plain(place[0])
    state = parse_qs(urlsplit(begin(browser)).query)["state"][0]
    query = urlencode({"state": state, "error": "access_denied", "error_description": "<b>not today</b>"})
    answer = browser.send("GET", f"/login/oidc/acme/back?{query}")
    assert answer.status == 403
    assert b"&lt;b&gt;not today" in answer.data


def test_a_login_goes_on_to_no_other_host(place: tuple[str, Hub], provider: OidcProvider) -> None:
    provider.add("eva")
    browser = Plain(place[0])
    answer = log_in(provider, browser, "eva", begin(browser, "?next=//evil.example"))
    assert answer.headers["location"] == "/"


def test_a_provider_that_is_not_there_is_said_so(place: tuple[str, Hub]) -> None:
    assert Plain(place[0]).send("GET", "/login/oidc/other").status == 404
