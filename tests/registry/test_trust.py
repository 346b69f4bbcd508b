"""Which hosts belong together, and which are only near here."""

from __future__ import annotations

import pytest

from capas.registry.trust import is_loopback, is_private, is_related


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("registry-1.docker.io", "auth.docker.io"),
        ("registry.gitlab.com", "gitlab.com"),
        ("example.com", "auth.example.com"),
        ("localhost:5000", "localhost:5001"),
        ("registry.example.co.uk", "auth.example.co.uk"),
    ],
)
def test_sisters_and_children_are_related(host: str, other: str) -> None:
    assert is_related(host, other)


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("registry-1.docker.io", "docker.io.evil.com"),
        ("registry-1.docker.io", "evildocker.io"),
        ("example.com", "evil.com"),
        ("example.co.uk", "evil.co.uk"),
        ("10.0.0.1", "10.0.0.2"),
        ("quay.io", "docker.io"),
    ],
)
def test_strangers_are_not_related(host: str, other: str) -> None:
    assert not is_related(host, other)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:80", "127.9.9.9", "[::1]:5000", "a.localhost"]
)
def test_loopback_is_known_by_its_names(host: str) -> None:
    assert is_loopback(host)
    assert is_private(host)


@pytest.mark.parametrize("host", ["localhost.evil.com", "127.0.0.1.nip.io", "128.0.0.1", "docker.io", "0177.0.0.1.x"])
def test_what_only_looks_like_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["10.1.2.3", "169.254.169.254", "192.168.0.1:443", "[fd00::1]"])
def test_private_addresses_are_private(host: str) -> None:
    assert is_private(host)
