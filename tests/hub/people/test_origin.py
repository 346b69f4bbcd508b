"""Where a request came from and what the client calls the hub, with and without proxies before it."""

from __future__ import annotations

from typing import Any

import pytest

from capas.errors import Invalid
from capas.hub.people.origin import Origin, Origins


def scope(client: str, scheme: str = "http", **headers: str) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (client, 50_000), "scheme": scheme, "headers": [(b"host", b"hub:5000"), *pairs]}


FORWARDED = {"x_forwarded_for": "203.0.113.9", "x_forwarded_proto": "https", "x_forwarded_host": "hub.example"}


def test_what_nobody_vouches_for_is_not_believed() -> None:
    assert Origins("", []).find(scope("203.0.113.1", **FORWARDED)) == Origin("http", "hub:5000", "203.0.113.1")
    beside = Origins("", ["10.0.0.0/8"]).find(scope("203.0.113.1", **FORWARDED))
    assert beside == Origin("http", "hub:5000", "203.0.113.1")


def test_a_proxy_of_ours_is_believed() -> None:
    found = Origins("", ["10.0.0.0/8"]).find(scope("10.1.2.3", **FORWARDED))
    assert found == Origin("https", "hub.example", "203.0.113.9")


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),  # the client wrote the first itself
        ("1.1.1.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),  # two proxies of ours
        ("10.7.7.7, 10.9.9.9", "10.7.7.7"),
        ("nonsense", "10.1.2.3"),
        ("203.0.113.9, nonsense", "10.1.2.3"),
        ("2001:db8::1", "2001:db8::1"),
        ("", "10.1.2.3"),
    ],
)
def test_the_address_is_the_last_that_is_no_proxy(forwarded: str, address: str) -> None:
    assert Origins("", ["10.0.0.0/8"]).find_address(scope("10.1.2.3", x_forwarded_for=forwarded)) == address


def test_a_public_address_wins() -> None:
    found = Origins("https://hub.example", []).find(scope("203.0.113.1"))
    assert found.url == "https://hub.example"


@pytest.mark.parametrize("host", ["", "a b", 'a"b', "a/b", "a@b", "a,b", "-a", "a:port", "[::1", "a\\b", "á"])
def test_a_host_that_cannot_be_is_refused(host: str) -> None:
    with pytest.raises(Invalid, match="does not say a host"):
        Origins("", []).find({"client": None, "headers": [(b"host", host.encode("latin-1"))]})


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "hub.example", "[::1]:5000", "127.0.0.1", "HUB-1.example"]
)
def test_a_host_that_can_be_is_taken(host: str) -> None:
    assert Origins("", []).find({"client": None, "headers": [(b"host", host.encode())]}).host == host


@pytest.mark.parametrize("url", ["hub.example", "ftp://hub.example", "https://", "https://a/b", "https://u:p@hub"])
def test_a_public_address_that_cannot_be_is_said_so(url: str) -> None:
    with pytest.raises(Invalid, match="public_url"):
        Origins(url, [])


def test_a_network_that_is_none_is_said_so() -> None:
    with pytest.raises(Invalid, match="not a network"):
        Origins("", ["10.0.0.1/8"])
