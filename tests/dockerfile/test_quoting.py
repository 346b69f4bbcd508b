"""Small readers and writers: modes, owners' numbers, addresses, Go's ways of printing."""

from __future__ import annotations

import pytest

from capas.build.copying import absolute
from capas.build.modes import parse_mode
from capas.build.urls import is_git, is_http, without_credentials
from capas.dockerfile.duration import print_duration
from capas.dockerfile.quoting import quote_list
from capas.errors import Invalid
from capas.image.created import format_created


@pytest.mark.parametrize(
    ("text", "before", "is_directory", "after"),
    [
        ("755", 0o644, False, 0o755),
        ("04755", 0, False, 0o4755),
        ("+x", 0o644, False, 0o755),
        ("a-w", 0o666, False, 0o444),
        ("u=rwX,go=rX", 0o600, False, 0o644),
        ("u=rwX,go=rX", 0o600, True, 0o755),
        ("go=u", 0o640, False, 0o666),
        ("u+s,+t", 0o755, True, 0o5755),
        ("g-rwx,o=", 0o777, False, 0o700),
    ],
)
def test_modes_are_read_as_chmod_reads_them(text: str, before: int, is_directory: bool, after: int) -> None:
    assert oct(parse_mode(text)(before, is_directory)) == oct(after)


@pytest.mark.parametrize("text", ["", "8", "77777", "u", "x+y", "u=rwx,", "0o755"])
def test_other_modes_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="invalid --chmod"):
        parse_mode(text)


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("a", "/w/a"),
        ("a/", "/w/a/"),
        (".", "/w/"),
        ("/", "/"),
        ("/x/../y", "/y"),
        ("../..", "/"),
        ("..", "/"),
        ("./", "/w/"),
    ],
)
def test_targets_are_made_absolute(path: str, result: str) -> None:
    assert absolute(path, "/w") == result


@pytest.mark.parametrize(
    ("text", "git", "http"),
    [
        ("https://example.org/a.tar", False, True),
        ("https://example.org/a.git", True, False),
        ("https://example.org/a.git#v1:dir", True, False),
        ("git@example.org:me/it", True, False),
        ("ssh://example.org/it", True, False),
        ("file.git", False, False),
        ("./dir", False, False),
    ],
)
def test_addresses_are_told_apart(text: str, git: bool, http: bool) -> None:
    assert (is_git(text), is_http(text)) == (git, http)


def test_credentials_are_taken_out_of_addresses() -> None:
    assert without_credentials("ADD https://me:pw@x/y http://z /a@b") == "ADD https://x/y http://z /a@b"


def test_lists_are_quoted_as_go_does() -> None:
    assert quote_list(["a b", 'c"d', "\n\\", "é", "\x01"]) == '["a b" "c\\"d" "\\n\\\\" "é" "\\x01"]'


DURATIONS = {
    0: "0s",
    1_500_000: "1.5ms",
    30 * 10**9: "30s",
    90 * 10**9: "1m30s",
    3600 * 10**9: "1h0m0s",
    10**9 + 1: "1.000000001s",
}


@pytest.mark.parametrize(("value_ns", "text"), DURATIONS.items())
def test_durations_are_written_as_go_does(value_ns: int, text: str) -> None:
    assert print_duration(value_ns) == text


def test_times_have_no_more_digits_than_there_are() -> None:
    assert format_created(1_600_000_000 * 10**9) == "2020-09-13T12:26:40Z"
    assert format_created(1_600_000_000 * 10**9 + 120_000_000) == "2020-09-13T12:26:40.12Z"
