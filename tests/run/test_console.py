"""Terminals of containers: what is printed last arrives, the size is there from the start, nobody is held up."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from capas.errors import NotFound
from capas.run.attending import start_attached
from capas.run.executing import execute
from capas.run.execution import ExecSpec
from capas.run.pump import set_size
from capas.run.streams import Attached
from support.containers import Lab

pytestmark = [pytest.mark.root]
_BUSY, _TIMES = 4, 8


@contextmanager
def busy_machine() -> Iterator[None]:
    """Every processor has something else to do."""
    busy = [subprocess.Popen(["timeout", "60", "sh", "-c", "while :; do :; done"]) for _ in range(_BUSY)]
    try:
        yield
    finally:
        for one in busy:
            one.terminate()
            one.wait()


@contextmanager
def screen(rows: int, columns: int) -> Iterator[tuple[int, Attached]]:
    """A terminal of this size: our end, and it as a client's output."""
    ours, theirs = os.openpty()
    set_size(ours, (rows, columns))
    try:
        yield ours, Attached(None, theirs, theirs)
    finally:
        os.close(ours)
        os.close(theirs)


def test_the_last_words_arrive_though_the_process_ends_at_once(each_lab: Lab) -> None:
    record = each_lab.start("sleep", "1000")
    with busy_machine():
        for _ in range(_TIMES):
            assert each_lab.execute(record, "tty", tty=True) == (0, "/dev/pts/0\r\n", "")
            assert each_lab.run("tty", tty=True) == (0, "/dev/pts/0\r\n", "")


def test_the_exit_code_is_the_commands_own(each_lab: Lab) -> None:
    record = each_lab.start("sleep", "1000")
    assert each_lab.execute(record, "sh", "-c", "exit 7", tty=True)[0] == 7
    assert each_lab.run("sh", "-c", "exit 8", tty=True)[0] == 8


def test_a_command_that_is_not_there_is_said_so_with_a_terminal_too(each_lab: Lab) -> None:
    record = each_lab.start("sleep", "1000")
    with pytest.raises(NotFound):
        each_lab.execute(record, "nothing-of-this-name", tty=True)
    with pytest.raises(NotFound):
        each_lab.run("nothing-of-this-name", tty=True)


def test_the_size_is_there_from_the_start(each_lab: Lab) -> None:
    with screen(31, 97) as (ours, attached):
        start_attached(each_lab.containers, each_lab.create("stty", "size", tty=True).id, attached)
        assert os.read(ours, 4096) == b"31 97\r\r\n"


def test_one_more_process_gets_the_size_too(each_lab: Lab) -> None:
    """crun 1.8 starts it before it hands the terminal over: a program that asks at once may be too early."""
    record = each_lab.start("sleep", "1000")
    words = ("sh", "-c", "until stty size 2>/dev/null; do :; done; sleep 1")
    with screen(31, 97) as (ours, attached):
        code = execute(each_lab.containers, record.id, ExecSpec(words, tty=True), attached)
        assert code == 0
        assert select.select([ours], [], [], 60)[0], "it said nothing"
        assert os.read(ours, 4096) == b"31 97\r\r\n"


def test_who_holds_the_terminal_in_the_background_holds_up_nobody(each_lab: Lab) -> None:
    record = each_lab.start("sleep", "1000")
    begun = time.monotonic()
    code, out, _ = each_lab.execute(record, "sh", "-c", "setsid sleep 60 & echo left", tty=True)
    assert (code, out) == (0, "left\r\n")
    assert time.monotonic() - begun < 30


def test_a_process_whose_client_has_left_is_not_held_up(each_lab: Lab) -> None:
    record = each_lab.start("sleep", "1000")
    words = ("sh", "-c", "seq 1 100000; touch /done")
    assert execute(each_lab.containers, record.id, ExecSpec(words, tty=True, detach=True), Attached()) == 0
    waiting = "n=0; until test -e /done; do n=$((n+1)); test $n -lt 600 || exit 1; sleep 0.05; done"
    assert each_lab.execute(record, "sh", "-c", waiting)[0] == 0
