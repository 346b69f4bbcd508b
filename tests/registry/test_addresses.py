"""Where registries are, and which way leads there."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.errors import Invalid, Unsupported
from capas.registry.endpoint import mirrors_of, origin_of
from capas.registry.proxy import find_proxy, without_login
from capas.settings import RegistrySettings, Settings

HERE = Path("/nowhere")


def settings(**registries: RegistrySettings) -> Settings:
    return Settings(HERE, HERE, HERE, {}, {name.replace("_", "."): value for name, value in registries.items()})


@pytest.mark.parametrize(
    ("domain", "bases"),
    [
        ("docker.io", ("https://registry-1.docker.io",)),
        ("ghcr.io", ("https://ghcr.io",)),
        ("10.0.0.5:5000", ("https://10.0.0.5:5000",)),
        ("localhost:5000", ("http://localhost:5000", "https://localhost:5000")),
        ("127.0.0.3", ("http://127.0.0.3", "https://127.0.0.3")),
        ("named.insecure", ("https://named.insecure", "http://named.insecure")),
    ],
)
def test_plain_http_is_for_this_machine_and_for_registries_named_so(domain: str, bases: tuple[str, ...]) -> None:
    assert origin_of(domain, settings(named_insecure=RegistrySettings(insecure=True))).bases == bases


@pytest.mark.parametrize("address", ["", "ftp://x", "http://", "http://u:p@h", "http://h/?q", "h h", "http://h\n"])
def test_a_mirror_that_is_no_address_is_told(address: str) -> None:
    with pytest.raises(Invalid, match=r"mirror .* of docker\.io is not an address"):
        mirrors_of("docker.io", settings(docker_io=RegistrySettings(mirrors=(address,))))


def test_a_mirror_without_a_scheme_is_like_a_registry() -> None:
    chosen = settings(docker_io=RegistrySettings(mirrors=("mirror.example.com/v2/", "localhost:5000")))
    first, second = mirrors_of("docker.io", chosen)
    assert first.bases == ("https://mirror.example.com",)
    assert second.bases == ("http://localhost:5000", "https://localhost:5000")
    assert first.domain == "mirror.example.com"  # its login, not docker.io's


PROXIES = {"http_proxy": "http://p:1", "https_proxy": "p:2"}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://a.example.com/", "http://p:1"),
        ("https://a.example.com/", "http://p:2"),
        ("http://localhost:5000/", None),
        ("http://127.0.0.1/", None),
    ],
)
def test_a_proxy_is_chosen_by_scheme_and_never_for_this_machine(url: str, proxy: str | None) -> None:
    assert find_proxy(url, PROXIES) == proxy


@pytest.mark.parametrize(
    ("word", "url", "direct"),
    [
        ("example.com", "http://a.example.com/", True),
        (".example.com", "http://a.example.com/", True),
        ("*.example.com", "http://a.example.com/", True),
        ("ample.com", "http://a.example.com/", False),
        ("a.example.com:80", "http://a.example.com/", True),
        ("a.example.com:81", "http://a.example.com/", False),
        ("*", "https://x.org/", True),
        ("10.0.0.0/8", "https://10.9.8.7:5000/", True),
        ("10.0.0.0/8", "https://11.9.8.7:5000/", False),
        ("[fd00::1]:443, other", "https://[fd00::1]/", True),
        ("not/a/network", "https://x.org/", False),
    ],
)
def test_no_proxy_names_what_is_asked_directly(word: str, url: str, direct: bool) -> None:
    assert (find_proxy(url, {"all_proxy": "http://p:1", "no_proxy": word}) is None) is direct


def test_a_proxy_that_cannot_be_used_is_told() -> None:
    with pytest.raises(Unsupported, match="of kind socks5"):
        find_proxy("http://x.org", {"all_proxy": "socks5://p:1"})


def test_a_proxys_login_is_kept_out_of_its_address() -> None:
    assert without_login("http://u:p@h:1/x") == ("http://h:1/x", "u:p")
