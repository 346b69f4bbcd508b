"""Being let in: tokens, logins, and who is told what."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from capas.errors import CapasError, Corrupt, Denied, Unauthenticated
from capas.registry.auth import Account, Authorizer
from capas.registry.credentials import Login
from capas.registry.message import Request, Response, converse
from capas.registry.scope import pulling, pushing
from support.scripted import Reply, Scripted

HOST = "registry.example.com"
URL = f"https://{HOST}/v2/me/app/manifests/1"
ALI = Login("ali", "open sesame")


class Town:
    """A registry with a token service, and one client of it."""

    def __init__(self, challenge: str, login: Login | None = None, *, known: str = "") -> None:
        self.now = 1000.0
        self.valid = {"t1", "t2", "t3", "t4"}
        self.expires: object = 300
        self.issued = 0
        self.challenge = challenge
        self.accepts = ALI
        logins = {HOST: login, known: login}
        self.transport = Scripted(self.answer)
        self.authorizer = Authorizer(lambda domain, path: logins.get(domain), monotonic=lambda: self.now)

    def answer(self, request: Request) -> Reply | CapasError:
        sent = request.headers.get("Authorization", "")
        if "/token" in request.url:
            return self.token(request, sent)
        basic = "Basic " + base64.b64encode(f"{self.accepts.username}:{self.accepts.secret}".encode()).decode()
        if sent.removeprefix("Bearer ") in self.valid or (sent == basic and "Basic" in self.challenge):
            return Reply(200, b"in")
        return Reply(401, headers={"WWW-Authenticate": self.challenge})

    def token(self, request: Request, sent: str) -> Reply:
        if sent and base64.b64decode(sent.removeprefix("Basic ")).decode() != "ali:open sesame":
            return Reply(401)
        self.issued += 1
        return Reply(200, json.dumps({"token": f"t{self.issued}", "expires_in": self.expires}).encode())

    def ask(self, path: str = "me/app", scopes: frozenset[str] | None = None, url: str = URL) -> Response:
        account = Account(HOST, path)
        return converse(self.transport, self.authorizer.exchange(Request("GET", url), account, scopes or pulling(path)))

    def tokens_asked(self) -> list[Request]:
        return self.transport.asked(part="/token")


def bearer(realm: str = "https://auth.example.com/token") -> str:
    return f'Bearer realm="{realm}",service="svc",scope="repository:evil/other:*"'


def test_an_anonymous_pull_gets_a_token_for_what_it_asked_and_nothing_else() -> None:
    town = Town(bearer())
    assert town.ask().status == 200
    (asked,) = town.tokens_asked()
    assert parse_qs(urlsplit(asked.url).query) == {"service": ["svc"], "scope": ["repository:me/app:pull"]}
    assert "Authorization" not in asked.headers


def test_a_token_is_used_again_for_the_same_scope() -> None:
    town = Town(bearer())
    town.ask()
    town.ask()
    assert len(town.tokens_asked()) == 1
    assert len(town.transport.requests) == 4


def test_another_scope_gets_another_token_without_a_refusal_first() -> None:
    town = Town(bearer())
    town.ask()
    town.ask(scopes=pushing("me/app"))
    town.ask(path="me/other")
    assert len(town.tokens_asked()) == 3
    sent = [request.headers.get("Authorization") for request in town.transport.asked(part="/v2/")]
    assert sent == [None, "Bearer t1", "Bearer t2", "Bearer t3"]


def test_a_token_that_has_expired_is_not_sent() -> None:
    town = Town(bearer())
    town.ask()
    town.now += 269
    town.ask()
    assert town.issued == 1
    town.now += 2
    town.ask()
    assert town.issued == 2


def test_a_token_that_the_registry_takes_back_is_asked_for_anew_once() -> None:
    town = Town(bearer())
    town.ask()
    town.valid = {"t2"}
    assert town.ask().status == 200
    town.valid = set()
    assert town.ask().status == 401
    assert town.issued == 3


def test_a_login_goes_to_the_token_service_and_a_token_to_the_registry() -> None:
    town = Town(bearer(), ALI)
    town.ask()
    (asked,) = town.tokens_asked()
    assert asked.headers["Authorization"].startswith("Basic ")
    assert parse_qs(urlsplit(asked.url).query)["account"] == ["ali"]
    assert all(r.headers.get("Authorization", "Bearer").startswith("Bearer") for r in town.transport.asked(part="/v2/"))


def test_an_identity_token_is_posted_and_not_put_into_an_address() -> None:
    town = Town(bearer(), Login(identity_token="refresh me"))
    town.ask()
    (asked,) = town.tokens_asked()
    assert asked.method == "POST"
    assert "refresh" not in asked.url
    form = parse_qs(town.transport.bodies[town.transport.requests.index(asked)].decode())
    assert form["grant_type"] == ["refresh_token"]
    assert form["refresh_token"] == ["refresh me"]


def test_a_wrong_login_says_so_and_not_the_secret() -> None:
    for challenge in (bearer(), 'Basic realm="r"'):
        town = Town(challenge, Login("ali", "hunter2"))
        with pytest.raises(Unauthenticated, match=r"wrong user name or password for registry\.example\.com") as caught:
            town.ask()
        assert "capas login" in caught.value.hint
        assert "hunter2" not in repr(caught.value) + str(caught.value.__dict__)


def test_basic_is_answered_and_then_sent_at_once() -> None:
    town = Town('Basic realm="r"', ALI)
    assert town.ask().status == 200
    assert town.ask().status == 200
    assert len(town.transport.requests) == 3


def test_basic_without_a_login_is_the_registrys_refusal() -> None:
    assert Town('Basic realm="r"').ask().status == 401


def test_a_token_is_preferred_to_sending_the_secret_everywhere() -> None:
    town = Town('Basic realm="r", ' + bearer(), ALI)
    town.ask()
    assert len(town.tokens_asked()) == 1


@pytest.mark.parametrize(
    ("realm", "words"),
    [
        ("http://auth.example.com/token", "in plain http: refused"),
        ("http://registry.example.com/token", "in plain http: refused"),
        ("https://169.254.169.254/token", "private address"),
        ("https://localhost/token", "private address"),
        ("https://10.0.0.1/token", "private address"),
    ],
)
def test_a_realm_that_may_not_be_asked_is_not_asked(realm: str, words: str) -> None:
    town = Town(bearer(realm))
    with pytest.raises(Denied, match=words):
        town.ask()
    assert not town.tokens_asked()


@pytest.mark.parametrize(
    "realm", ["/token", "token", "file:///token", "https:///token", "https://u:p@h/token", "https://["]
)
def test_a_realm_that_is_no_address_is_refused(realm: str) -> None:
    with pytest.raises(Corrupt, match="address that is none"):
        Town(bearer(realm)).ask()


def test_a_login_is_not_told_to_a_stranger() -> None:
    town = Town(bearer("https://evil.com/token"), ALI)
    with pytest.raises(Denied, match=r"evil\.com, which is not related") as caught:
        town.ask()
    assert caught.value.hint == "if you trust it: `capas login evil.com`"
    assert not town.tokens_asked()


def test_a_stranger_gives_tokens_to_nobody_in_particular() -> None:
    town = Town(bearer("https://cdn-auth.net/token"))
    assert town.ask().status == 200


def test_a_stranger_that_the_user_gave_the_same_login_is_told() -> None:
    town = Town(bearer("https://sso.net/token"), ALI, known="sso.net")
    assert town.ask().status == 200


def test_over_plain_http_only_the_registry_itself_may_be_the_realm() -> None:
    near = "http://localhost:5000/v2/me/app/manifests/1"
    assert Town(bearer("http://localhost:5001/token")).ask(url=near).status == 200
    with pytest.raises(Denied, match="plain http"):
        Town(bearer("http://auth.example.com/token")).ask(url=near)


@pytest.mark.parametrize("token", ["a b", "a\r\nX-Evil: 1", "é", 7, None, "", ["t"]])
def test_what_is_no_token_does_not_become_a_header(token: object) -> None:
    town = Town(bearer())
    town.token = lambda request, sent: Reply(200, json.dumps({"token": token}).encode())  # type: ignore[method-assign]
    with pytest.raises(Corrupt, match="no token"):
        town.ask()


@pytest.mark.parametrize("expires", [0, -5, "soon", None, float("nan")])
def test_a_lifetime_that_makes_no_sense_is_a_minute(expires: object) -> None:
    town = Town(bearer())
    town.expires = expires
    town.ask()
    town.now += 50
    town.ask()
    assert town.issued == 1
    town.now += 5
    town.ask()
    assert town.issued == 2


def test_a_refusal_from_where_a_redirect_led_is_not_answered() -> None:
    def answer(request: Request) -> Reply:
        if "storage" in request.url:
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="give me"'})
        return Reply(307, headers={"Location": "https://storage.example.com/b"})

    transport = Scripted(answer)
    authorizer = Authorizer(lambda domain, path: ALI)
    response = converse(transport, authorizer.exchange(Request("GET", URL), Account(HOST), frozenset()))
    assert response.status == 401
    assert not [one for one in transport.requests if "Authorization" in one.headers]


def test_nothing_that_is_secret_shows_in_a_repr() -> None:
    town = Town(bearer(), ALI)
    town.ask()
    assert "sesame" not in repr(ALI)
    assert "t1" not in repr(town.authorizer.__dict__)


def test_a_refusal_says_as_whom_it_was_asked() -> None:
    for login, user in ((None, ""), (ALI, "ali"), (Login("", "", "idtoken"), "<token>")):
        town = Town(bearer(), login)
        assert town.authorizer.name_of(Account(HOST, "me/app")) == user
