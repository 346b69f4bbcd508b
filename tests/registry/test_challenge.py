"""WWW-Authenticate headers, well formed and not."""

from __future__ import annotations

import pytest

from capas.registry.challenge import parse_challenges


def test_a_bearer_challenge_is_read_with_its_parameters() -> None:
    text = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
    (found,) = parse_challenges(text)
    assert found.scheme == "bearer"
    assert found.get("realm") == "https://auth.docker.io/token"
    assert found.get("scope") == "repository:a/b:pull,push"
    assert found.get("error") == ""


def test_several_challenges_in_one_header_are_told_apart() -> None:
    found = parse_challenges('Negotiate, Basic realm="a \\"quoted\\" one" , BEARER realm=https://x/t, Service = "s"')
    assert [one.scheme for one in found] == ["negotiate", "basic", "bearer"]
    assert found[1].get("realm") == 'a "quoted" one'
    assert found[2].get("service") == "s"


@pytest.mark.parametrize("text", ["", ",,,", '"', "=", 'Basic realm="no end', "Bearer realm=\x00", "é"])
def test_what_cannot_be_read_ends_the_list_without_an_error(text: str) -> None:
    for challenge in parse_challenges(text):
        assert challenge.get("realm") == ""


def test_a_megabyte_of_commas_is_read_in_no_time() -> None:
    assert parse_challenges(", " * 500_000 + "Basic") == []
