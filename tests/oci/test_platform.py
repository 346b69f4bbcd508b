"""Platforms: read, put in normal form, compared."""

from __future__ import annotations

import pytest

from capas.errors import Invalid
from capas.oci.platform import Platform


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux/amd64", "linux/amd64"),
        ("Linux/x86_64", "linux/amd64"),
        ("linux/x86-64", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/i386", "linux/386"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("arm64", "linux/arm64"),
        ("s390x", "linux/s390x"),
        ("windows", "windows/amd64"),
        ("linux", "linux/amd64"),
    ],
)
def test_a_platform_has_one_normal_form(text: str, normal: str) -> None:
    assert str(Platform.parse(text)) == normal
    assert Platform.parse(normal) == Platform.parse(text)


@pytest.mark.parametrize(
    "text", ["", "/", "linux/", "/amd64", "a/b/c/d", "linux/a md64", "linux/$ARCH", "linux//v7", "\0"]
)
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Platform.parse(text)


def test_an_operating_system_alone_takes_the_hosts_processor() -> None:
    assert str(Platform.parse("linux", Platform("linux", "arm64"))) == "linux/arm64"


def best(here: str, *offered: str) -> str | None:
    host = Platform.parse(here)
    score, name = max((host.runs(Platform.parse(text)), text) for text in offered)
    return name if score else None


def test_an_exact_match_is_best() -> None:
    assert best("linux/amd64", "linux/386", "linux/arm64", "linux/amd64") == "linux/amd64"
    assert best("linux/arm/v7", "linux/arm/v5", "linux/arm/v7", "linux/arm/v6") == "linux/arm/v7"


def test_an_older_processor_of_the_family_serves() -> None:
    assert best("linux/arm/v7", "linux/arm/v5", "linux/arm/v6") == "linux/arm/v6"
    assert best("linux/amd64/v3", "linux/amd64", "linux/386") == "linux/amd64"
    assert best("linux/amd64", "linux/386", "linux/arm64") == "linux/386"


def test_what_cannot_run_here_is_never_chosen() -> None:
    assert best("linux/amd64", "linux/arm64", "windows/amd64") is None
    assert best("linux/arm/v6", "linux/arm/v7") is None
