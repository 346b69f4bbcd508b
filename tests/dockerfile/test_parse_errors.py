"""What is wrong in a Dockerfile is said with its place, its line and the right word."""

from __future__ import annotations

import pytest

from capas.dockerfile.parse import parse_dockerfile
from capas.errors import CapasError, Invalid, Unsupported

WRONG = [
    # text after FROM, column, what the message says, what the hint says
    ("RUNN true", 1, "unknown instruction: RUNN", "did you mean RUN?"),
    ("ENTRYPONT x", 1, "unknown instruction: ENTRYPONT", "did you mean ENTRYPOINT?"),
    ("WRKDIR /x", 1, "unknown instruction", "did you mean WORKDIR?"),
    ("QQQQ x", 1, "unknown instruction: QQQQ", ""),
    ("COPY --form=x a b", 6, "unknown flag --form of COPY", "did you mean --from?"),
    ("COPY --link --chwon=x a b", 13, "unknown flag --chwon", "did you mean --chown?"),
    ("ADD --from=x a b", 5, "unknown flag --from of ADD", ""),
    ("ADD --keep-git-dirs=false a b", 5, "unknown flag --keep-git-dirs", "did you mean --keep-git-dir?"),
    ("RUN --mounts=x y", 5, "unknown flag --mounts", "did you mean --mount?"),
    ("RUN --MOUNT=type=bind,target=/x y", 5, "unknown flag --MOUNT", "did you mean --mount?"),
    ("ENV --x=y a=b", 5, "ENV has no flags: --x", ""),
    ("COPY --link=maybe a b", 6, "--link is true or false", ""),
    ("COPY --link= a b", 6, "--link is true or false", ""),
    ("COPY --from a b", 6, "--from needs a value", "--from="),
    ("COPY --from=$x a b", 6, "--from holds no variable", "FROM … AS"),
    ("COPY --from=x --from=y a b", 15, "--from is given twice", ""),
    ("COPY --chmod=rwx a b", 6, "--chmod is not a mode", "octal"),
    ("COPY --chmod=99 a b", 6, "--chmod is not a mode", "octal"),
    ("COPY --chmod=17777 a b", 6, "--chmod is not a mode", "octal"),
    ("COPY a", 6, "COPY requires a source and a target", "COPY a <target>"),
    ("COPY", 1, "COPY requires at least one argument", ""),
    ("ADD a", 5, "ADD requires a source and a target", ""),
    ("COPY [1, 2]", 6, "only strings", "double quotes"),
    ("RUN", 1, "RUN requires a command", ""),
    ("RUN []", 1, "RUN requires a command", ""),
    ("CMD", 1, "CMD requires at least one argument", "CMD [] clears it"),
    ("RUN --network=hosts x", 5, "unknown network: 'hosts'", "did you mean host?"),
    ("RUN --security=x y", 5, "unknown security mode", "sandbox"),
    ("RUN --mount=type=cach,target=/x y", 5, "unknown type of mount: 'cach'", "did you mean cache?"),
    ("RUN --mount=tipe=cache,target=/x y", 5, "unknown option of a mount: 'tipe'", "did you mean type?"),
    ("RUN a <<EOF", 7, "the heredoc EOF never ends", "EOF alone"),
    ("COPY a <<EOF\nEOF", 8, "cannot have a heredoc as its target", ""),
    ("COPY --from=x <<EOF /\nEOF", 6, "not copied --from", ""),
    ("ENV", 1, "ENV requires at least one argument", ""),
    ("ENV a", 5, "ENV requires a name and a value", "ENV a=value"),
    ("ENV a=b c", 9, "no = in 'c'", "quotes"),
    ("ENV =b", 5, "cannot be blank", ""),
    ("LABEL =b", 7, "cannot be blank", ""),
    ("ARG", 1, "ARG requires at least one argument", ""),
    ("ARG a =b", 7, "cannot be blank", ""),
    ("EXPOSE", 1, "EXPOSE requires at least one argument", ""),
    ("EXPOSE 80 x", 11, "not a port: 'x'", "80"),
    ("EXPOSE 70000", 8, "not a port", ""),
    ("EXPOSE 90-80", 8, "not a port", ""),
    ("EXPOSE 80/tpc", 8, "unknown protocol 'tpc'", "did you mean tcp?"),
    ("VOLUME", 1, "VOLUME requires at least one argument", ""),
    ('VOLUME [""]', 8, "cannot be empty", ""),
    ("USER", 1, "USER requires exactly one argument", ""),
    ("WORKDIR", 1, "WORKDIR requires exactly one argument", ""),
    ("STOPSIGNAL SIGTREM", 12, "unknown signal: 'SIGTREM'", "did you mean SIGTERM?"),
    ("STOPSIGNAL 65", 12, "unknown signal: '65'", "1 to 64"),
    ("SHELL bash -c", 1, "SHELL requires its arguments as a JSON list", "/bin/bash"),
    ("SHELL []", 1, "SHELL requires at least one argument", ""),
    ("HEALTHCHECK", 1, "HEALTHCHECK requires at least one argument", "CMD"),
    ("HEALTHCHECK RUN x", 13, "unknown type 'RUN'", "HEALTHCHECK CMD"),
    ("HEALTHCHECK NONE x", 18, "NONE takes no arguments", ""),
    ("HEALTHCHECK CMD", 13, "a command is missing", ""),
    ("HEALTHCHECK CMD []", 17, "a command is missing", ""),
    ("HEALTHCHECK --interval=5 CMD x", 13, "--interval: not a duration: '5'", "30s"),
    ("HEALTHCHECK --interval=1us CMD x", 13, "cannot be less than 1ms", ""),
    ("HEALTHCHECK --interval=-5s CMD x", 13, "cannot be less than 1ms", ""),
    ("HEALTHCHECK --retries=-1 CMD x", 13, "--retries is a whole number", ""),
    ("HEALTHCHECK --retry=1 CMD x", 13, "unknown flag --retry", "did you mean --retries?"),
    ("ONBUILD", 1, "ONBUILD requires at least one argument", ""),
    ("ONBUILD FROM x", 9, "FROM cannot be the trigger", ""),
    ("ONBUILD maintainer x", 9, "MAINTAINER cannot be the trigger", ""),
    ("ONBUILD ONBUILD RUN x", 9, "cannot hold another ONBUILD", ""),
    ("ONBUILD COPPY a b", 9, "unknown instruction: COPPY", "did you mean COPY?"),
    ("FROM", 1, "either one or three", ""),
    ("FROM a b", 1, "either one or three", ""),
    ("FROM a ASS b", 1, "either one or three", ""),
    ("FROM a AS 1b", 11, "invalid name of a stage: '1b'", "begins with a letter"),
    ("FROM --plattform=x a", 6, "unknown flag --plattform", "did you mean --platform?"),
]


@pytest.mark.parametrize(("text", "column", "message", "hint"), WRONG)
def test_an_error_points_at_its_word(text: str, column: int, message: str, hint: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_dockerfile(f"FROM scratch\n{text}")
    error = caught.value
    assert message in str(error)
    assert hint in error.hint
    assert bool(hint) or "did you mean" not in error.hint
    assert (error.facts["line"], error.facts["column"]) == (2, column)
    assert str(error).startswith(f"Dockerfile:2:{column}: ")


def test_the_line_is_shown_with_a_caret_under_the_word() -> None:
    with pytest.raises(Invalid) as caught:
        parse_dockerfile("FROM scratch\n\nCOPY a \\\n  b \\\n  --x\nCOPY \\\n  --form=x \\\n a b")
    assert caught.value.facts["excerpt"] == "7 |   --form=x \\\n  |   ^^^^^^^^"
    assert caught.value.facts["dockerfile"] == "Dockerfile"


def test_a_long_line_is_cut_around_the_place_and_keeps_no_control_characters() -> None:
    with pytest.raises(Invalid) as caught:
        parse_dockerfile("FROM a\nENV " + "a=b " * 500 + "\x1b[31m " + "c=d " * 500)
    excerpt = str(caught.value.facts["excerpt"])
    assert "\x1b" not in excerpt and "^" in excerpt
    assert max(map(len, excerpt.splitlines())) < 200


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_a_file_without_instructions_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="no instructions"):
        parse_dockerfile(text)


def test_an_instruction_before_from_is_refused() -> None:
    with pytest.raises(Invalid, match="RUN stands before any FROM"):
        parse_dockerfile("ARG a\nRUN b\nFROM c")


def test_a_file_with_only_arguments_has_no_from() -> None:
    with pytest.raises(Invalid, match="no FROM"):
        parse_dockerfile("ARG a")


@pytest.mark.covers("RUN", "--device")
def test_a_device_is_refused_clearly() -> None:
    with pytest.raises(Unsupported, match="--device is not supported") as caught:
        parse_dockerfile("FROM a\nRUN --device=nvidia.com/gpu=all x")
    assert caught.value.facts["column"] == 5


def test_braces_in_a_wrong_word_are_only_text() -> None:
    for text in ("{x} y", "COPY --{from}=x a b", "ENV {a} ", "STOPSIGNAL {0}", "RUN --mount={a}=b x"):
        with pytest.raises(CapasError) as caught:
            parse_dockerfile(f"FROM a\n{text}")
        assert "{" in str(caught.value)
        assert isinstance(caught.value.hint, str)


def test_the_name_of_the_file_is_in_the_message() -> None:
    with pytest.raises(Invalid, match=r"^docker/app\.Dockerfile:1:1: "):
        parse_dockerfile("NOPE", name="docker/app.Dockerfile")
