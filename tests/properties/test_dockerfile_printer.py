"""The printer against the parser: what is printed means the same, and printing it again changes nothing."""

from __future__ import annotations

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from capas.dockerfile.expand import Expander, expand_instruction
from capas.dockerfile.instructions import Dockerfile, Env, Instruction, Label, Onbuild
from capas.dockerfile.parse import parse_dockerfile
from capas.dockerfile.position import NOWHERE
from capas.dockerfile.printer import print_dockerfile
from capas.errors import CapasError

BLANK = st.sampled_from([" ", "  ", " \\\n", " \\\n# c\n  ", "\t"])
WORD = st.sampled_from(
    ["a", "/b/", "a=b", "x=", '"q r"', "'s t'", "\\ u", "$v", "${w:-x y}", "ü", "80", "1:2", "*", "[z]", "'", "--c",
     "\\\\", '"\\""', "k='a b'", 'l="c $d"', "m=n\\ o", "#h", "`"]
)  # fmt: skip
FLAG = st.sampled_from(
    ["--chown=a:b", "--chmod=755", "--link", "--link=false", "--exclude=*.md", "--exclude='a b'", "--from=s",
     "--parents", "--checksum=sha256:x", "--keep-git-dir=true", "--unpack=false", "--network=none",
     "--security=insecure", "--mount=type=cache,target=/c", '--mount=type=bind,"target=/a,b"', "--interval=90s",
     "--retries=3", "--start-interval=1500ms", "--platform=$P", "--"]
)  # fmt: skip
DOC = st.sampled_from(["", "", "", " <<E", " <<-'E'", ' <<"E"', " 3<<E"])
KEYWORD = st.sampled_from(
    ["RUN", "cmd", "Label", "EXPOSE", "ENV", "ADD", "COPY", "ENTRYPOINT", "VOLUME", "USER", "WORKDIR", "ARG",
     "STOPSIGNAL", "HEALTHCHECK CMD", "HEALTHCHECK", "SHELL", "MAINTAINER", "ONBUILD RUN", "ONBUILD COPY", "FROM"]
)  # fmt: skip
LISTS = st.sampled_from(['["a b", "c"]', '["\\"", "\\u00e9"]', "[]", '["<<E", "--x", "y"]', '["a", "b"'])


@st.composite
def lines(draw: st.DrawFn) -> str:
    keyword = draw(KEYWORD)
    flags = draw(st.lists(FLAG, max_size=2))
    rest = draw(st.one_of(st.lists(WORD, min_size=1, max_size=4), st.lists(LISTS, min_size=1, max_size=1)))
    doc = draw(DOC)
    body = "\n\tone $v\n\n# two\nE" if doc else ""
    words = [keyword, *flags, *rest[:-1]]
    text = "".join(word + draw(BLANK) for word in words)
    return text + (f"{doc} " if doc else "") + rest[-1] + body


def parsed(text: str) -> Dockerfile | None:
    try:
        return parse_dockerfile(text)
    except CapasError:
        return None


def meaning(instruction: Instruction) -> object:
    """All of it but where and how it was written."""
    bare = instruction._replace(position=NOWHERE, original="")
    if isinstance(bare, Onbuild):
        return bare.trigger, meaning(bare.inner)
    if isinstance(bare, Env | Label):
        try:
            read = expand_instruction(bare, Expander({"v": "1 2", "d": "3"}))
        except CapasError as error:
            return type(bare), str(error)[:15]
        assert isinstance(read, Env | Label)
        return type(bare), read.pairs
    docs = tuple(doc._replace(position=NOWHERE) for doc in getattr(bare, "heredocs", ()))
    return type(bare), bare._replace(heredocs=docs) if docs else bare


def meanings(dockerfile: Dockerfile) -> object:
    stages = [
        (stage.name, stage.base, stage.platform, [meaning(one) for one in stage.instructions])
        for stage in dockerfile.stages
    ]
    return dockerfile.directives, [meaning(arg) for arg in dockerfile.global_args], stages


@given(lines())
@settings(max_examples=1500, deadline=None)
@example('ENV a b\\ c  "d')
@example("RUN -- --x")
@example("CMD -- --x")
@example("COPY -- --a b")
@example("LABEL a 'b c' \\ d")
def test_an_instruction_printed_means_the_same(line: str) -> None:
    dockerfile = parsed(f"ARG P\nFROM s AS t\n{line}\nFROM t")
    assume(dockerfile is not None)
    assert dockerfile is not None
    text = print_dockerfile(dockerfile)
    again = parse_dockerfile(text)
    assert meanings(again) == meanings(dockerfile)
    assert print_dockerfile(again) == text


@given(st.lists(lines(), max_size=6), st.sampled_from(["", "# escape=`\n", "# syntax=docker/dockerfile:1\n"]))
@settings(max_examples=300, deadline=None)
def test_a_whole_file_printed_means_the_same(rows: list[str], head: str) -> None:
    head += "FROM s AS t\n"
    dockerfile = parse_dockerfile(head + "\n".join(row for row in rows if parsed(head + row)))
    assert meanings(parse_dockerfile(print_dockerfile(dockerfile))) == meanings(dockerfile)
