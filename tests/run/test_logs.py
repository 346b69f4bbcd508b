"""Logs: docker's lines, whole whatever the pieces they come in."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

from capas.run.log_reader import iter_log
from capas.run.logs import LogWriter


def written(path: Path, *pieces: tuple[str, bytes]) -> None:
    ticks = count(10**18)
    log = LogWriter(path, lambda: next(ticks))
    for stream, data in pieces:
        log.write(stream, data)
    log.close()


def test_lines_are_put_together_from_pieces(tmp_path: Path) -> None:
    written(tmp_path / "log", ("stdout", b"on"), ("stderr", b"bad\n"), ("stdout", b"e\ntwo\nthr"), ("stdout", b"ee"))
    lines = [(line.stream, line.text) for line in iter_log(tmp_path / "log")]
    assert lines == [("stderr", "bad\n"), ("stdout", "one\n"), ("stdout", "two\n"), ("stdout", "three")]


def test_the_format_is_dockers(tmp_path: Path) -> None:
    written(tmp_path / "log", ("stdout", b"hi\n"))
    entry = json.loads((tmp_path / "log").read_text())
    assert entry == {"log": "hi\n", "stream": "stdout", "time": "2001-09-09T01:46:40.000000000Z"}


def test_a_long_line_is_several_entries_that_make_one(tmp_path: Path) -> None:
    written(tmp_path / "log", ("stdout", b"x" * 40_000 + b"\n"))
    lines = [line.text for line in iter_log(tmp_path / "log")]
    assert "".join(lines) == "x" * 40_000 + "\n"


def test_the_tail_and_the_span_are_chosen(tmp_path: Path) -> None:
    written(tmp_path / "log", *(("stdout", b"%d\n" % i) for i in range(5)))
    assert [line.text for line in iter_log(tmp_path / "log", tail=2)] == ["3\n", "4\n"]
    assert [line.text for line in iter_log(tmp_path / "log", since_ns=10**18 + 3)] == ["3\n", "4\n"]
    assert [line.text for line in iter_log(tmp_path / "log", until_ns=10**18 + 1)] == ["0\n", "1\n"]


def test_a_line_cut_short_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    written(tmp_path / "log", ("stdout", b"good\n"))
    with open(tmp_path / "log", "a") as file:
        file.write('{"log": "ba\n{"log":"half')
    assert [line.text for line in iter_log(tmp_path / "log")] == ["good\n"]


def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    assert list(iter_log(tmp_path / "none")) == []


def test_bytes_that_are_no_text_do_not_stop_it(tmp_path: Path) -> None:
    written(tmp_path / "log", ("stdout", b"\xff\xfe\n"))
    assert [line.text for line in iter_log(tmp_path / "log")] == ["\ufffd\ufffd\n"]
