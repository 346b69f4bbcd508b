"""Wildcards, durations, ports and signals: Go's and docker's rules as tables."""

from __future__ import annotations

import pytest

from capas.dockerfile.duration import parse_duration
from capas.dockerfile.match import Wildcard, has_wildcard, match
from capas.dockerfile.ports import list_ports
from capas.dockerfile.signals import check_signal
from capas.errors import Invalid

TABLE = [
    ("abc", "abc", True),
    ("*", "abc", True),
    ("*c", "abc", True),
    ("a*", "a", True),
    ("a*", "abc", True),
    ("a*", "ab/c", False),
    ("a*/b", "abc/b", True),
    ("a*/b", "a/c/b", False),
    ("a*b*c*d*e*/f", "axbxcxdxe/f", True),
    ("a*b*c*d*e*/f", "axbxcxdxexxx/f", True),
    ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", False),
    ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", False),
    ("a*b?c*x", "abxbbxdbxebxczzx", True),
    ("a*b?c*x", "abxbbxdbxebxczzy", False),
    ("ab[c]", "abc", True),
    ("ab[b-d]", "abc", True),
    ("ab[e-g]", "abc", False),
    ("ab[^c]", "abc", False),
    ("ab[^e-g]", "abc", True),
    ("a\\*b", "a*b", True),
    ("a\\*b", "ab", False),
    ("a?b", "a☺b", True),
    ("a[^a]b", "a☺b", True),
    ("a???b", "a☺b", False),
    ("[a-ζ]*", "α", True),
    ("*[a-ζ]", "A", False),
    ("a?b", "a/b", False),
    ("a*b", "a/b", False),
    ("[\\]a]", "]", True),
    ("[\\-]", "-", True),
    ("[x\\-]", "x", True),
    ("[x\\-]", "-", True),
    ("[x\\-]", "z", False),
    ("[\\-x]", "x", True),
    ("*x", "xxx", True),
    ("**", "ab", True),
    ("**", "a/b", False),
    ("", "", True),
    ("[!a]", "b", False),
    ("[!a]", "!", True),
    ("[c-a]", "b", False),
    ("a]b", "a]b", True),
    ("*.tar.gz", "x.tar.gz", True),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), TABLE)
def test_a_wildcard_matches_as_go_matches_it(pattern: str, path: str, expected: bool) -> None:
    assert match(pattern, path) is expected


@pytest.mark.parametrize(
    "pattern", ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "[a-\\", "a\\"]
)
def test_a_pattern_that_go_refuses_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid):
        Wildcard(pattern)


def test_plain_paths_are_told_from_patterns() -> None:
    assert [has_wildcard(word) for word in ("a/b.c", "a*", "a?", "[a]", "a\\b")] == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("0", 0), ("5s", 5 * 10**9), ("1h15m30.918s", 4530_918_000_000), ("1.5h", 5400 * 10**9), (".5s", 5 * 10**8),
     ("1.s", 10**9), ("-1m", -60 * 10**9), ("+1m", 60 * 10**9), ("100ns", 100), ("1µs", 1000), ("1us", 1000),
     ("3000ms", 3 * 10**9)],
)  # fmt: skip
def test_a_duration_is_read_as_go_reads_it(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text", ["", "3", "-", "s", ".", ".s", "1 s", "1d", "5s5", "10000000000h", "1e3s", "٣s", "+", "9" * 200]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_duration(text)


@pytest.mark.parametrize(
    ("word", "ports"),
    [("80", ["80/tcp"]), ("53/UDP", ["53/udp"]), ("7000-7002/sctp", ["7000/sctp", "7001/sctp", "7002/sctp"]),
     ("8080:80", ["80/tcp"]), ("127.0.0.1:8080:80/udp", ["80/udp"]), ("[::1]::90", ["90/tcp"]), ("0", ["0/tcp"])],
)  # fmt: skip
def test_ports_are_listed_one_by_one(word: str, ports: list[str]) -> None:
    assert list_ports(word) == ports


@pytest.mark.parametrize("word", ["", "x", "80/", "80/x", "65536", "9-8", "-1", "1-", "80 81", "٨٠", "123456"])
def test_what_is_no_port_is_refused(word: str) -> None:
    with pytest.raises(Invalid):
        list_ports(word)


@pytest.mark.parametrize("text", ["SIGTERM", "term", "sigkill", "9", "64", "SIGRTMIN+3", "RTMAX-14", "SIGRTMIN"])
def test_a_signal_has_a_name_or_a_number(text: str) -> None:
    check_signal(text)


@pytest.mark.parametrize("text", ["", "0", "65", "-9", "SIGNOPE", "RTMIN+16", "SIG", "９", "1.5"])
def test_what_is_no_signal_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        check_signal(text)
