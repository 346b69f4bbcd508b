"""Trying again, redirects, and what neither may do."""

from __future__ import annotations

import pytest

from capas.errors import CapasError, Corrupt, Denied, Unavailable
from capas.registry.message import Request, Response, converse
from capas.registry.redirect import follow
from capas.registry.retry import back_off, insist, unavailable
from support.scripted import Reply, Scripted, in_turn

URL = "https://r.example.com/v2/a/manifests/1"
SECRETS = {"Authorization": "Bearer x", "Cookie": "c", "Proxy-Authorization": "p", "Accept": "a"}


def insisted(*replies: Reply | CapasError) -> tuple[Response, Scripted]:
    transport = Scripted(in_turn(*replies))
    return converse(transport, insist(Request("GET", URL))), transport


def followed(*replies: Reply, method: str = "GET", url: str = URL) -> tuple[Response, Scripted]:
    transport = Scripted(in_turn(*replies))
    return converse(transport, follow(Request(method, url, SECRETS))), transport


def test_a_busy_server_is_asked_again_after_as_long_as_it_says() -> None:
    response, transport = insisted(Reply(429, headers={"Retry-After": "7"}), Reply(200, b"x"))
    assert response.status == 200
    assert [request.after_seconds for request in transport.requests] == [0.0, 7.0]


def test_a_date_in_retry_after_counts_from_the_servers_own_clock() -> None:
    when = {"Retry-After": "Wed, 21 Oct 2015 07:28:09 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    _, transport = insisted(Reply(503, headers=when), Reply())
    assert transport.requests[1].after_seconds == 9.0


def test_who_asks_to_wait_for_an_hour_is_not_waited_for() -> None:
    response, transport = insisted(Reply(429, headers={"Retry-After": "3600"}))
    assert response.status == 429
    assert len(transport.requests) == 1


@pytest.mark.parametrize("text", ["soon", "-1", "1e9", "²", "Wed, 99 Foo"])
def test_a_retry_after_that_makes_no_sense_is_not_heeded(text: str) -> None:
    _, transport = insisted(Reply(503, headers={"Retry-After": text}), Reply())
    assert 0 < transport.requests[1].after_seconds < 2


def test_waits_grow_and_are_bounded() -> None:
    waits = [back_off(URL, number) for number in range(12)]
    assert waits[0] == 0
    assert waits[1] < waits[2] < waits[3]
    assert max(waits) <= 10


def test_the_fifth_failure_is_the_answer() -> None:
    response, transport = insisted(*[Reply(503)] * 5)
    assert response.status == 503
    assert len(transport.requests) == 5


def test_a_broken_connection_is_tried_again_and_a_refused_one_is_not() -> None:
    broken, refused = unavailable(URL, "reset", "broken"), unavailable(URL, "no", "refused")
    response, transport = insisted(broken, Reply(200))
    assert response.status == 200
    assert transport.requests[1].after_seconds == 0
    with pytest.raises(Unavailable, match=r"cannot reach r\.example\.com: no"):
        insisted(refused)


@pytest.mark.parametrize(
    "place",
    ["https://s3.example.com/b", "https://r.example.com:444/b", "https://r.example.com.evil.com/v2/", "//other/b"],
)
def test_a_redirect_to_another_origin_drops_what_is_secret(place: str) -> None:
    _, transport = followed(Reply(307, headers={"Location": place}), Reply())
    assert dict(transport.requests[1].headers) == {"Accept": "a"}


@pytest.mark.parametrize("place", ["/elsewhere", "https://r.example.com/x", "https://r.example.com:443/x", "?q=1"])
def test_a_redirect_on_the_same_origin_keeps_it(place: str) -> None:
    _, transport = followed(Reply(302, headers={"Location": place}), Reply())
    assert dict(transport.requests[1].headers) == SECRETS


def test_credentials_do_not_come_back_with_a_redirect_that_comes_back() -> None:
    there, back = Reply(302, headers={"Location": "https://evil/"}), Reply(302, headers={"Location": URL})
    _, transport = followed(there, back, Reply())
    assert dict(transport.requests[2].headers) == {"Accept": "a"}


def test_a_redirect_from_https_to_http_is_refused() -> None:
    with pytest.raises(Denied, match="plain http: refused"):
        followed(Reply(302, headers={"Location": "http://r.example.com/x"}))


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://h/", "https://u:p@h/", "https://[", "https://h/\x00"])
def test_a_redirect_to_nowhere_is_refused(place: str) -> None:
    with pytest.raises(Corrupt, match="address that is none"):
        followed(Reply(302, headers={"Location": place}))


def test_redirects_in_a_loop_end() -> None:
    with pytest.raises(Corrupt, match="redirects without end"):
        followed(*[Reply(302, headers={"Location": URL})] * 6)


def test_a_post_is_not_turned_into_something_else() -> None:
    response, transport = followed(Reply(302, headers={"Location": "/x"}), method="POST")
    assert response.status == 302
    assert len(transport.requests) == 1
