"""Logs: docker's lines, whole whatever the pieces they come in."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest

from capas.errors import CapasError
from capas.run.log_files import LogLimit, parse_log_options
from capas.run.log_reader import LogReader, iter_log
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


def _turning(path: Path, max_files: int = 3) -> LogWriter:
    """A writer whose files hold two lines each."""
    return LogWriter(path, lambda: 10**18, LogLimit(max_size=120, max_files=max_files))


def test_a_full_log_makes_room_and_the_newest_files_are_kept(tmp_path: Path) -> None:
    log = _turning(tmp_path / "log")
    for number in range(9):
        log.write("stdout", b"%d\n" % number)
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert [line.text for line in iter_log(tmp_path / "log")] == ["4\n", "5\n", "6\n", "7\n", "8\n"]


def test_a_tail_reaches_back_into_older_files(tmp_path: Path) -> None:
    log = _turning(tmp_path / "log")
    for number in range(9):
        log.write("stdout", b"%d\n" % number)
    log.close()
    for tail in range(7):
        assert [line.text for line in iter_log(tmp_path / "log", tail=tail)] == [
            f"{number}\n" for number in range(max(9 - tail, 4), 9)
        ]


def test_who_follows_a_log_goes_on_with_the_next_file(tmp_path: Path) -> None:
    log = _turning(tmp_path / "log", max_files=2)
    with LogReader(tmp_path / "log") as reader:
        seen = []
        for number in range(9):
            log.write("stdout", b"%d\n" % number)
            assert reader.has_grown()
            seen += [line.text for line in reader.read(100)]
        assert not reader.has_grown()
    log.close()
    assert seen == [f"{number}\n" for number in range(9)]


def test_a_log_of_one_file_begins_anew(tmp_path: Path) -> None:
    log = _turning(tmp_path / "log", max_files=1)
    for number in range(3):
        log.write("stdout", b"%d\n" % number)
    log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert [line.text for line in iter_log(tmp_path / "log")] == ["2\n"]


@pytest.mark.parametrize("options", [{"max-size": "x"}, {"max-file": "0"}, {"compress": "true"}])
def test_log_options_that_cannot_be_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(CapasError):
        parse_log_options(options)
