"""The parser on anything: it raises its own errors, keeps its meaning, and takes linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capas.dockerfile.expand import Expander, expand_instruction
from capas.dockerfile.parse import parse_dockerfile, parse_triggers
from capas.errors import CapasError

KEYWORDS = st.sampled_from(
    ["FROM", "RUN", "CMD", "LABEL", "EXPOSE", "ENV", "ADD", "COPY", "ENTRYPOINT", "VOLUME", "USER", "WORKDIR", "ARG",
     "ONBUILD", "STOPSIGNAL", "HEALTHCHECK", "SHELL", "MAINTAINER", "#", "NOPE", "from", "run"]
)  # fmt: skip
PIECES = st.sampled_from(
    ["a", "/b", "=", "a=b", "--from=x", "--mount=type=cache,target=/x", "--", "--x", "[", ']', '["a"]', '"', "'", "\\",
     "\\\n", "\n", "$a", "${a:-b}", "${", "<<E", "<<-'E'", "\nE\n", "as", "AS b", "80", "CMD", "NONE", "#", "`", "\t",
     "\r\n", "{", "}", "é", "\x00", "--interval=5s", "!", "*", ","]
)  # fmt: skip
LINES = st.builds(lambda word, rest: word + " " + " ".join(rest), KEYWORDS, st.lists(PIECES, max_size=6))
FILES = st.lists(LINES, max_size=8).map(lambda lines: "FROM scratch\n" + "\n".join(lines))


def parse_and_expand(text: str) -> None:
    try:
        dockerfile = parse_dockerfile(text)
        for stage in dockerfile.stages:
            for instruction in stage.instructions:
                expand_instruction(instruction, Expander({"a": "1"}, dockerfile.escape))
    except CapasError as error:
        assert str(error)
        assert isinstance(error.hint, str)


@given(FILES)
@settings(max_examples=600)
def test_no_mixture_of_words_makes_the_parser_fail_in_another_way(text: str) -> None:
    parse_and_expand(text)


@given(st.text(max_size=200))
@settings(max_examples=300)
def test_no_text_makes_the_parser_fail_in_another_way(text: str) -> None:
    parse_and_expand(text)
    parse_and_expand("FROM a\n" + text)
    try:
        parse_triggers([text])
    except CapasError:
        pass


@given(FILES)
@settings(max_examples=300)
def test_positions_lie_inside_the_file_and_in_order(text: str) -> None:
    try:
        dockerfile = parse_dockerfile(text)
    except CapasError:
        return
    line = 0
    for stage in dockerfile.stages:
        for place in [stage.position, *(instruction.position for instruction in stage.instructions)]:
            assert line < place.line <= place.end_line <= len(dockerfile.source.lines)
            line = place.end_line


@given(FILES)
@settings(max_examples=300)
def test_an_instruction_written_as_its_original_text_means_the_same(text: str) -> None:
    try:
        dockerfile = parse_dockerfile(text)
    except CapasError:
        return
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if instruction.original.endswith(dockerfile.escape):
                continue  # the file ended after one more, as nothing that is followed by more text can
            if not getattr(instruction, "heredocs", ()) and "<<" not in instruction.original:
                head = "# escape=`\n" if dockerfile.escape == "`" else ""
                again = parse_dockerfile(f"{head}FROM x\n{instruction.original}").stages[0].instructions[0]
                assert again[1:] == instruction[1:] or type(again).__name__ == "Onbuild"


MEGABYTE = 1_000_000
BIG = {
    "one long RUN": "FROM a\nRUN " + "x " * (MEGABYTE // 2),
    "continuations": "FROM a\nRUN x " + "\\\n y " * (MEGABYTE // 5),
    "comments in a continuation": "FROM a\nRUN x \\\n" + "# c\n" * (MEGABYTE // 4) + "y",
    "blank lines": "FROM a\n" + "\n" * MEGABYTE,
    "many small lines": "FROM a\n" + "RUN x\n" * (MEGABYTE // 6),
    "many pairs": "FROM a\nENV " + "a=b " * (MEGABYTE // 4),
    "an open quote": 'FROM a\nENV a="' + "x" * MEGABYTE,
    "escapes": "FROM a\nENV a=" + "\\" * MEGABYTE,
    "quotes": "FROM a\nLABEL a=" + "''" * (MEGABYTE // 2),
    "flags": "FROM a\nCOPY " + "--exclude=x " * (MEGABYTE // 12) + "a b",
    "sources": "FROM a\nCOPY " + "a " * (MEGABYTE // 2) + "b",
    "brackets": "FROM a\nRUN " + "[" * MEGABYTE,
    "a JSON list": 'FROM a\nCMD ["' + "x" * MEGABYTE + '"]',
    "a long heredoc": "FROM a\nRUN <<E\n" + "x\n" * (MEGABYTE // 2) + "E",
    "many heredocs": "FROM a\nRUN cat" + " <<E" * 50_000 + "\n" + "E\n" * 50_000,
    "a heredoc without its end": "FROM a\nRUN <<E\n" + "x\n" * (MEGABYTE // 2),
    "variables": "FROM a\nENV a=" + "${b:-c}" * (MEGABYTE // 7),
    "a directive": "# syntax=" + "x " * (MEGABYTE // 2),
    "spaces": "FROM a\nRUN x" + " " * MEGABYTE + "y",
    "a long name": "FROM a\n" + "X" * MEGABYTE,
    "a long signal": "FROM a\nSTOPSIGNAL " + "X" * MEGABYTE,
    "a long mode": "FROM a\nCOPY --chmod=" + "u+r," * (MEGABYTE // 4) + " a b",
    "a long mount": "FROM a\nRUN --mount=" + "a=b," * (MEGABYTE // 4) + " x",
    "stages": "".join(f"FROM a AS s{number}\n" for number in range(MEGABYTE // 20)),
}  # fmt: skip


@pytest.mark.parametrize("shape", BIG)
def test_a_megabyte_is_read_in_linear_time(shape: str) -> None:
    text = BIG[shape]
    begin = time.process_time()
    parse_and_expand(text)
    assert time.process_time() - begin < 60  # quadratic would be hours
