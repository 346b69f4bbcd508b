"""Directories of clients: what they tell is made, what they may not tell is refused, and nothing is written outside."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.receiving import METHOD, Received, receive
from capas.errors import CapasError, Conflict, Corrupt, Exhausted, Interrupted, Invalid, NotFound
from support.clients import DEVICE, Files, Packet, both_ways, file, folder, link, offering

LINKS = [
    folder(b"d"),
    file(b"d/f", 2, 0o640),
    file(b"d/same", linkname=b"d/f"),
    link(b"l", b"d/f"),
    folder(b"shut", 0o500),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def take(root: Path, files: Files) -> Received:
    with offering({METHOD: both_ways(files.send)}) as caller:
        return receive(caller, "context", root)


def test_files_links_and_modes_are_as_the_client_has_them(root: Path) -> None:
    received = take(root, Files(LINKS, {b"d/f": b"hi"}))
    assert received == Received(2, [])
    assert (root / "d/f").read_text() == "hi"
    assert (root / "d/f").stat().st_mode & 0o777 == 0o640
    assert (root / "d/same").samefile(root / "d/f")
    assert (root / "l").readlink() == Path("d/f")
    assert (root / "shut").stat().st_mode & 0o777 == 0o500


def test_a_name_need_not_be_text(root: Path) -> None:
    take(root, Files([file(b"caf\xe9", 1)], {b"caf\xe9": b"x"}))
    assert os.listdir(os.fsencode(root)) == [b"caf\xe9"]


def test_only_what_is_new_is_asked_for_again_and_what_is_gone_goes(root: Path) -> None:
    take(
        root,
        Files([file(b"a", 1), file(b"b", 1), folder(b"d"), file(b"d/c", 1)], {b"a": b"1", b"b": b"2", b"d/c": b"3"}),
    )
    again = Files([file(b"a", 1), file(b"b", 1, time_ns=2_000_000_000)], {b"b": b"4"})
    take(root, again)
    assert again.asked == [b"b"]
    assert {path.name: path.read_text() for path in root.iterdir()} == {"a": "1", "b": "4"}


def test_a_kind_that_changed_is_made_anew(root: Path) -> None:
    take(root, Files([folder(b"a"), file(b"a/b"), link(b"l", b"a"), file(b"f", 1)], {b"f": b"x"}))
    take(root, Files([link(b"a", b"f"), file(b"f", 1), folder(b"l")], {b"f": b"x"}))
    assert (root / "a").readlink() == Path("f")
    assert (root / "l").is_dir() and not (root / "l").is_symlink()


def test_more_files_come_than_are_asked_for_at_once(root: Path) -> None:
    names = [b"%04d" % number for number in range(700)]
    take(root, Files([file(name, 4) for name in names], {name: name for name in names}))
    assert sorted(path.read_text() for path in root.iterdir()) == [name.decode() for name in names]


def test_devices_and_sockets_are_left_out_and_told(root: Path) -> None:
    device = wire.Stat(path=b"null", mode=DEVICE | 0o666)
    assert take(root, Files([device, file(b"z")])).passed_over == ["null"]
    assert os.listdir(root) == ["z"]


@pytest.mark.parametrize(
    "entries",
    [
        [file(b"../out")],
        [file(b"..")],
        [file(b"/out")],
        [file(b"")],
        [file(b"a//b")],
        [folder(b"."), file(b"./b")],
        [file(b"missing/out")],
        [file(b"f"), file(b"f/out")],
        [link(b"l", b".."), file(b"l/out")],
        [link(b"l", b"/"), folder(b"l"), file(b"l/out")],
        [file(b"a\0b")],
        [file(b"a"), file(b"a")],
        [file(b"out", linkname=b"../secret")],
        [link(b"l", b"../secret"), file(b"out", linkname=b"l")],
        [folder(b"d"), file(b"out", linkname=b"d")],
    ],
)
def test_paths_that_lead_outside_are_refused(root: Path, entries: list[wire.Stat]) -> None:
    (root.parent / "secret").write_text("secret")
    with pytest.raises(Invalid):
        take(root, Files(entries))
    assert sorted(os.listdir(root.parent)) == ["root", "secret"]


def test_a_link_that_was_here_before_leads_nowhere(root: Path) -> None:
    (root.parent / "outside").mkdir()
    (root / "d").symlink_to(root.parent / "outside")
    take(root, Files([folder(b"d"), file(b"d/f", 1)], {b"d/f": b"x"}))
    assert os.listdir(root.parent / "outside") == []
    assert (root / "d/f").read_text() == "x"


async def _unasked(stream: Stream[Any, Any]) -> None:
    await stream.send_message(Packet(type=Packet.DATA, id=7, data=b"x"))
    await stream.recv_message()


async def _says_why(stream: Stream[Any, Any]) -> None:
    await stream.send_message(Packet(type=Packet.ERR, data=b"no such directory"))


async def _has_no_room(stream: Stream[Any, Any]) -> None:
    await stream.send_message(Packet(type=Packet.STAT, stat=file(b"a")))
    raise GRPCError(Status.RESOURCE_EXHAUSTED, "no space left")


async def _ends_early(stream: Stream[Any, Any]) -> None:
    await stream.send_message(Packet(type=Packet.STAT, stat=file(b"a")))


@pytest.mark.parametrize(
    ("work", "kinds"),
    [(_unasked, Conflict), (_says_why, NotFound), (_has_no_room, Exhausted), (_ends_early, (Corrupt, Interrupted))],
)
def test_a_client_that_breaks_off_is_told_of(root: Path, work: Any, kinds: type[CapasError]) -> None:
    with offering({METHOD: both_ways(work)}) as caller, pytest.raises(kinds):
        receive(caller, "context", root)


def test_a_client_that_goes_ends_what_waits_for_it(root: Path) -> None:
    async def leave(stream: Stream[Any, Any]) -> None:
        await stream.send_message(Packet(type=Packet.STAT, stat=file(b"a", 1)))
        await stream.recv_message()
        asyncio.get_running_loop().call_soon(caller.session.end)
        await asyncio.Event().wait()

    with offering({METHOD: both_ways(leave)}) as caller, pytest.raises(Interrupted):
        receive(caller, "context", root)
