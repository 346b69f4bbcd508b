"""Lines: directives, comments, continuations, heredocs."""

from __future__ import annotations

import pytest

from capas.dockerfile.instructions import Copy, Heredoc, Run
from capas.dockerfile.lexer import lex
from capas.dockerfile.parse import parse_dockerfile
from capas.errors import Invalid, Unsupported


def texts(text: str) -> list[str]:
    return [line.text for line in lex(text, "Dockerfile").lines]


def heredocs(text: str) -> tuple[Heredoc, ...]:
    (instruction,) = parse_dockerfile(f"FROM x\n{text}").stages[0].instructions
    assert isinstance(instruction, Run | Copy)
    return instruction.heredocs


def test_directives_are_read_before_anything_else() -> None:
    lexed = lex("#syntax=docker/dockerfile:1\n# Escape = `\n# check=skip=all;error=true\nFROM a `\n b", "Dockerfile")
    assert lexed.directives == (
        ("syntax", "docker/dockerfile:1"), ("escape", "`"), ("check", "skip=all;error=true"),
    )  # fmt: skip
    assert [line.text for line in lexed.lines] == ["FROM a  b"]


@pytest.mark.parametrize("before", ["# a comment\n", "\n", "FROM x\n", "# unknown=directive\n"])
def test_a_directive_after_anything_else_is_a_comment(before: str) -> None:
    assert lex(f"{before}# escape=`\nRUN a", "Dockerfile").escape == "\\"


@pytest.mark.covers("format", "byte order mark")
def test_a_byte_order_mark_and_a_shebang_do_not_hide_directives() -> None:
    assert lex("\ufeff# escape=`\nFROM a", "Dockerfile").escape == "`"
    assert lex("#!/usr/bin/env x\n# escape=`\nFROM a", "Dockerfile").escape == "`"


def test_a_directive_twice_or_with_a_wrong_escape_is_refused() -> None:
    with pytest.raises(Invalid, match="only one escape"):
        lex("# escape=`\n# escape=`\nFROM a", "Dockerfile")
    with pytest.raises(Invalid, match="must be"):
        lex("# escape=x\nFROM a", "Dockerfile")


@pytest.mark.parametrize(
    "syntax",
    ["docker/dockerfile", "docker/dockerfile:1", "docker/dockerfile:1.7-labs", "docker.io/docker/dockerfile:1",
     "docker/dockerfile-upstream:master", "docker/dockerfile:1@sha256:" + "a" * 64],
)  # fmt: skip
def test_the_syntax_of_docker_is_accepted_and_never_fetched(syntax: str) -> None:
    assert parse_dockerfile(f"# syntax={syntax}\nFROM scratch").directives == (("syntax", syntax),)


@pytest.mark.parametrize(
    "syntax",
    ["evil/frontend", "docker/dockerfilex", "example.com/docker/dockerfile:1", "docker/dockerfile:1 x", "a" * 5000],
)
def test_another_syntax_is_refused_with_a_reason(syntax: str) -> None:
    with pytest.raises(Unsupported, match="no frontend image is ever run"):
        parse_dockerfile(f"# syntax={syntax}\nFROM scratch")


@pytest.mark.covers("format", "blank lines in a continuation")
def test_comments_and_blank_lines_inside_a_continuation_vanish() -> None:
    assert texts("RUN a \\\n# c\n   # d\n\n  b \\ \t\n c\n# e\nRUN d") == ["RUN a   b  c", "RUN d"]


def test_a_hash_inside_a_line_is_no_comment() -> None:
    assert texts("RUN a # b\nRUN c \\\n d # e") == ["RUN a # b", "RUN c  d # e"]


def test_two_escapes_at_the_end_are_no_continuation() -> None:
    assert texts("RUN a \\\\\nRUN b") == ["RUN a \\\\", "RUN b"]


def test_a_continuation_at_the_end_of_the_file_ends_there() -> None:
    assert texts("RUN a \\") == ["RUN a"]
    assert texts("RUN a \\\n") == ["RUN a"]


@pytest.mark.covers("format", "CRLF")
def test_lines_may_end_as_on_windows() -> None:
    assert texts("FROM a\r\nRUN b \\\r\n  c\r\n") == ["FROM a", "RUN b   c"]


def test_a_heredoc_keeps_its_lines_as_they_are() -> None:
    (doc,) = heredocs("RUN <<EOF\n# no comment\n  a \\\n\nb\nEOF")
    assert (doc.name, doc.content, doc.expand) == ("EOF", "# no comment\n  a \\\n\nb\n", True)


def test_several_heredocs_follow_each_other() -> None:
    docs = heredocs("RUN cat <<A 3<<-\"B\" <<'C' > x\n1\nA\n\t2\n\tB\n3\nC")
    assert [(doc.name, doc.content, doc.data, doc.expand, doc.chomp) for doc in docs] == [
        ("A", "1\n", "1\n", True, False),
        ("B", "\t2\n", "2\n", False, True),
        ("C", "3\n", "3\n", False, False),
    ]


@pytest.mark.parametrize(
    "text",
    ["RUN echo $((1 << 3))", "RUN cat <<<x", "RUN cat<<EOF", "RUN echo '<<EOF'x", 'RUN ["cat", "<<EOF"]',
     "RUN echo 'a <<EOF b'", "ENV a=<<EOF", "CMD cat <<EOF"],
)  # fmt: skip
def test_what_only_looks_like_a_heredoc_is_none(text: str) -> None:
    parse_dockerfile(f"FROM x\n{text}\nRUN b")


@pytest.mark.covers("format", "heredoc <<-")
def test_a_lone_heredoc_is_the_script_itself() -> None:
    (run,) = parse_dockerfile("FROM x\nRUN <<-EOF\n\ta\n\tb\n\tEOF").stages[0].instructions
    assert isinstance(run, Run)
    assert run.script is not None and run.executable is None
    assert run.full_command.argv(("sh", "-c")) == ("sh", "-c", "a\nb\n")


def test_a_script_with_a_shebang_is_to_be_executed() -> None:
    (run,) = parse_dockerfile("FROM x\nRUN <<EOF\n#!/usr/bin/python3\nprint()\nEOF").stages[0].instructions
    assert isinstance(run, Run)
    assert run.executable is not None and run.executable.data == "#!/usr/bin/python3\nprint()\n"


def test_a_heredoc_beside_a_command_is_left_to_the_shell() -> None:
    (run,) = parse_dockerfile("FROM x\nRUN cat <<A | tee <<B\n1\nA\n2\nB").stages[0].instructions
    assert isinstance(run, Run)
    assert run.script is None
    assert run.full_command.args == ("cat <<A | tee <<B\n1\nA\n2\nB",)


def test_copy_makes_files_of_its_heredocs_beside_its_sources() -> None:
    (copy,) = parse_dockerfile('FROM x\nCOPY a <<b.txt <<"c" /t/\n1\nb.txt\n2\nc').stages[0].instructions
    assert isinstance(copy, Copy)
    assert (copy.sources, copy.target) == (("a",), "/t/")
    assert [(doc.name, doc.content, doc.expand) for doc in copy.heredocs] == [
        ("b.txt", "1\n", True), ("c", "2\n", False),
    ]  # fmt: skip


def test_a_nul_is_refused() -> None:
    with pytest.raises(Invalid, match="NUL"):
        lex("FROM a\0b", "Dockerfile")
