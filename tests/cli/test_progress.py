"""Progress as it is shown: a picture that fits its terminal, plain lines, JSON lines in BuildKit's form."""

from __future__ import annotations

import io
import json
from base64 import b64decode
from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from rich.console import Console

from capas.cli.progress import open_progress
from capas.cli.progress_json import JsonProgress
from capas.cli.progress_plain import PlainProgress
from capas.cli.progress_terminal import TerminalProgress
from capas.errors import Invalid
from capas.events import Advanced, Cause, Event, Explained, Failed, Finished, Planned, Said, Started

DIGEST = "sha256:" + "1" * 64
BASE = "sha256:" + "0" * 64


def words(text: str, **facts: object) -> str:
    return text.format_map(facts)


class Clock:
    """Time that goes on when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def planned(*steps: str) -> list[Event]:
    return [Planned(step, f"RUN {step}", f"sha256:{number:064}") for number, step in enumerate(steps)]


def drawn(events: Sequence[Event], *, width: int = 80, height: int | None = 22, seconds: float = 2.5) -> list[str]:
    """The picture after these events, that many seconds after the last of them."""
    clock = Clock()
    console = Console(file=io.StringIO(), width=width, height=24, force_terminal=True)
    picture = TerminalProgress(words, console, clock)
    for event in events:
        picture.board.hear(event)
    clock.now += seconds
    return [line.plain for line in picture.draw(width, height)]


def test_a_running_step_is_shown_with_its_seconds_and_its_last_lines() -> None:
    said = [Said(f"line {number}", "2/2", "out") for number in range(9)]
    lines = drawn([*planned("1/2", "2/2"), Started("2/2", "RUN make all"), *said])
    assert lines[0] == "[+] Building 2.5s (0/2)"
    assert lines[1].startswith(" => [2/2] RUN make all")
    assert lines[1].endswith(" 2.5s")
    assert len(lines[1]) == 80
    assert [line.strip() for line in lines[2:]] == [f"line {number}" for number in range(3, 9)]


def test_a_step_that_has_ended_keeps_one_line() -> None:
    lines = drawn([*planned("1/1"), Started("1/1", "RUN x"), Said("out", "1/1", "out"), Finished("1/1", "DONE 0.0s")])
    assert [line.split("RUN")[0] for line in lines] == ["[+] Building 2.5s (1/1)", " => [1/1] "]


def test_steps_of_the_cache_are_folded_into_one_line() -> None:
    events = planned("1/3", "2/3", "3/3")
    for step in ("1/3", "2/3", "3/3"):
        events += [Started(step, "COPY a b"), Finished(step, "CACHED")]
    assert drawn(events)[1:] == [" => CACHED 3: 1/3, 2/3, 3/3"]


def test_one_step_of_the_cache_is_named() -> None:
    events = [*planned("1/1"), Started("1/1", "COPY a b"), Finished("1/1", "CACHED")]
    assert drawn(events)[1:] == [" => CACHED [1/1] COPY a b"]


def test_why_a_step_runs_stands_below_it() -> None:
    cause = Cause("file", "src/a", "mode 644", "mode 755")
    lines = drawn([*planned("1/1"), Started("1/1", "COPY a b"), Explained("1/1", (cause, cause))])
    assert lines[2] == "    because file src/a changed: mode 644 → mode 755 (and 1 more)"


def test_a_step_that_was_never_done_before_needs_no_reason() -> None:
    assert len(drawn([*planned("1/1"), Started("1/1", "COPY a b"), Explained("1/1", (Cause("first"),))])) == 2


def test_a_failed_step_says_so_where_a_narrow_terminal_shows_it() -> None:
    lines = drawn([*planned("1/1"), Started("1/1", "RUN " + "x" * 100), Failed("1/1", "ERROR")], width=40)
    assert lines[1].startswith(" => ERROR [1/1] RUN xxx")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    events = [
        *planned("builder 1/2", "builder 2/2"),
        Started("builder 1/2", "RUN " + "long " * 80),
        Explained("builder 1/2", (Cause("instruction", "", "old " * 80, "new " * 80),)),
        Said("öutput 漢字" * 60, "builder 1/2", "out"),
        Started("0123456789ab", "Pulling fs layer", 10**9),
        Advanced("0123456789ab", 10**8, 10**9, "Downloading"),
    ]
    assert max(map(cell_len, drawn(events, width=width))) <= width


def test_the_picture_is_no_higher_than_the_terminal_and_says_what_it_left_out() -> None:
    events = planned(*(f"{number}/40" for number in range(40)))
    for number in range(39):
        events += [Started(f"{number}/40", "RUN x"), Finished(f"{number}/40", "DONE 0.1s")]
    events += [Started("39/40", "RUN last"), *(Said(f"line {number}", "39/40", "out") for number in range(6))]
    lines = drawn(events, height=12)
    assert len(lines) <= 12
    assert "above" in lines[1]
    assert "line 5" in lines[-1]
    assert len(drawn(events, height=4)) <= 4


def test_bytes_of_a_pull_are_shown_and_on_a_narrow_terminal_their_share() -> None:
    events = [
        Started("0123456789ab", "Pulling", 4_000_000),
        Advanced("0123456789ab", 1_000_000, 4_000_000, "Downloading"),
    ]
    assert drawn(events)[0].endswith("1MB / 4MB")
    assert drawn(events, width=40)[0].endswith("25%")


def test_output_cannot_move_the_cursor() -> None:
    said = Said("\x1b[2J\x1b]0;title\x07red\ragain\tx", "1/1", "out")
    lines = drawn([*planned("1/1"), Started("1/1", "RUN x"), said])
    assert lines[2] == "    red again   x"


def printed(events: Sequence[Event], capsys: pytest.CaptureFixture[str]) -> list[str]:
    plain = PlainProgress(words, Clock())
    for event in events:
        plain.report(event)
    return capsys.readouterr().err.splitlines()


def test_plain_lines_have_the_number_of_their_step(capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        *planned("1/2", "2/2"),
        Started("2/2", "RUN a \\\n  b"),
        Explained("2/2", (Cause("arg", "V", "1", "2"),)),
        Started("1/2", "COPY x y"),
        Said("hello", "2/2", "out"),
        Finished("1/2", "CACHED"),
        Finished("2/2", "DONE 0.3s"),
    ]
    assert printed(events, capsys) == [
        "#1 [2/2] RUN a \\ b",
        "#1 because ARG V changed: 1 → 2",
        "#2 [1/2] COPY x y",
        "#1 0.000 hello",
        "#2 CACHED",
        "#1 DONE 0.3s",
    ]


def test_plain_lines_of_a_pull_are_as_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        Started("abc", "Pulling fs layer", 5),
        Advanced("abc", 3, 5, "Downloading"),
        Finished("abc", "Pull complete"),
    ]
    assert printed(events, capsys) == ["abc: Pulling fs layer", "abc: Pull complete"]


def parsed(events: Sequence[Event], capsys: pytest.CaptureFixture[str]) -> list[dict[str, list[dict[str, object]]]]:
    lines = JsonProgress(lambda: 1_600_000_000_000_000_000)
    for event in events:
        lines.report(event)
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_json_has_vertexes_with_digest_inputs_times_and_causes(capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        Planned("1/1", "RUN x", DIGEST, (BASE,)),
        Started("1/1", "RUN x"),
        Explained("1/1", (Cause("arg", "V", "1", "2"),)),
        Finished("1/1", "DONE 0.1s"),
    ]
    found = [line["vertexes"][0] for line in parsed(events, capsys)]
    time = "2020-09-13T12:26:40Z"
    vertex = {"digest": DIGEST, "name": "[1/1] RUN x", "inputs": [BASE]}
    assert found[0] == vertex
    assert found[1] == {**vertex, "started": time}
    assert found[2]["causes"] == [{"kind": "arg", "name": "V", "old": "1", "new": "2"}]
    assert found[3] == {**vertex, "started": time, "completed": time}


def test_json_says_what_was_cached_and_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        *planned("1/2", "2/2"),
        Started("1/2", "a"),
        Finished("1/2", "CACHED"),
        Started("2/2", "b"),
        Failed("2/2", "ERROR"),
    ]
    lines = parsed(events, capsys)
    assert lines[3]["vertexes"][0]["cached"] is True
    assert lines[5]["vertexes"][0]["error"] == "ERROR"


def test_json_has_logs_statuses_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        Planned("1/1", "RUN x", DIGEST),
        Said("öut", "1/1", "err"),
        Started("abc", "Pulling fs layer", 5),
        Advanced("abc", 3, 5, "Downloading"),
        Said("take care", stream="err"),
    ]
    _, log, _, status, warning = parsed(events, capsys)
    assert log["logs"][0]["vertex"] == DIGEST
    assert log["logs"][0]["stream"] == 2
    assert b64decode(str(log["logs"][0]["data"])).decode() == "öut\n"
    assert {"id": "abc", "name": "Downloading", "current": 3, "total": 5}.items() <= status["statuses"][0].items()
    assert b64decode(str(warning["warnings"][0]["short"])) == b"take care"


def test_a_mode_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(Invalid) as caught:
        open_progress("json", quiet=False, words=words)
    assert "rawjson" in caught.value.hint
