"""Detach keys: read as docker writes them, and found however they come in pieces."""

from __future__ import annotations

import pytest

from capas.errors import Invalid
from capas.run.keys import DEFAULT, DetachKeys, parse_keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [(DEFAULT, b"\x10\x11"), ("ctrl-P,ctrl-Q", b"\x10\x11"), ("a,b", b"ab"), ("ctrl-@,ctrl-_", b"\x00\x1f"),
     ("ctrl-[,d", b"\x1bd"), ("", b"")],
)  # fmt: skip
def test_keys_are_read_as_docker_writes_them(text: str, keys: bytes) -> None:
    assert parse_keys(text) == keys


@pytest.mark.parametrize("text", ["xyz", "ctrl-", "ctrl-1", "ctrl-ab", "a,,b", "ñ", "shift-a"])
def test_what_are_no_keys_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="invalid detach keys"):
        parse_keys(text)


def test_keys_are_found_among_others() -> None:
    assert DetachKeys(b"\x10\x11").look(b"ls\x10\x11rest") == (b"ls", True)


def test_keys_that_come_in_pieces_are_found() -> None:
    keys = DetachKeys(b"\x10\x11")
    assert keys.look(b"ls\x10") == (b"ls", False)
    assert keys.look(b"\x11") == (b"", True)


def test_what_only_began_like_them_is_handed_on() -> None:
    keys = DetachKeys(b"\x10\x11")
    assert keys.look(b"\x10") == (b"", False)
    assert keys.look(b"x\x10") == (b"\x10x", False)
    assert keys.look(b"\x10\x11") == (b"\x10", True)


def test_without_keys_everything_goes_in() -> None:
    assert DetachKeys(b"").look(b"\x10\x11") == (b"\x10\x11", False)
