"""A Dockerfile in words: every line is covered, and the words name the reader's own things."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capas.dockerfile.meaning.explaining import explain_dockerfile
from capas.dockerfile.meaning.past import explain_past
from capas.dockerfile.meaning.sentence import write
from support.explaining import explain, explain_last
from support.lint_samples import SAMPLES

HOUSE = Path(__file__).parents[3]
REAL = sorted([*HOUSE.glob("library/*/Dockerfile"), *HOUSE.glob("examples/**/Dockerfile*")])
PIECES = (
    "ARG V=1", "FROM scratch", "FROM a:$V AS b", "FROM b", "FROM --platform=$BUILDPLATFORM golang AS x", "# a comment",
    "", "RUN apt-get update && apt-get install -y a", 'RUN ["true"]', "RUN <<EOF\nmake || true\nEOF", "COPY . .",
    "COPY --from=0 /a /b/", "COPY --chown=1:2 --chmod=u=rwX,g-w a* /x/", "ADD https://a.b/c.tgz /d", "ADD a.tar /",
    "ENV A=1 B=${A:-$V}", "ENV A b c", "LABEL a=b", "EXPOSE 80 53/udp $V", "USER 1:2", "WORKDIR rel", "VOLUME /a /b",
    'CMD ["a"]', "CMD a", 'ENTRYPOINT ["e"]', "HEALTHCHECK NONE", "HEALTHCHECK --interval=5s CMD a | b",
    "ONBUILD RUN x",
    "STOPSIGNAL 9", 'SHELL ["/bin/bash", "-c"]', "MAINTAINER me", "RUN --mount=type=cache,target=/c pip install x",
    "RUN --mount=target=$V cat", "COPY <<A <<-'B' /d/\n$V\nA\n\tx\nB", "NONSENSE x", "RUN a \\\n# inside\n && b",
    "ARG W",
    "RUN `date` $(curl http://x) > /f 2>&1; if x; then y; fi", "CMD []", "COPY nothing", "run\techo 'open",
)  # fmt: skip


KEYWORDS = (
    "RUN ", "CMD [", "ENTRYPOINT [", "ENV ", "LABEL ", "EXPOSE map[", "VOLUME [", "SHELL [", "COPY ", "ADD file:a in ",
    "HEALTHCHECK {Test:[", "HEALTHCHECK &{[", "/bin/sh -c #(nop) ", "/bin/sh -c ", "RUN |1 ", "ONBUILD ", "USER ",
    "ARG ",
)  # fmt: skip


def explain_lines(text: str) -> set[int]:
    lines = explain_dockerfile(text).lines
    return {row for line in lines for row in range(line.position.line, line.position.end_line + 1)}


def written_lines(text: str) -> set[int]:
    return {number for number, row in enumerate(text.split("\n"), 1) if row.strip()}


@pytest.mark.parametrize("path", REAL, ids=lambda path: str(path.relative_to(HOUSE)))
def test_every_line_of_a_real_dockerfile_is_explained(path: Path) -> None:
    text = path.read_text()
    assert explain_lines(text) >= written_lines(text)
    assert all(line.does for line in explain_dockerfile(text).lines)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_any_instructions_in_any_order_are_explained_in_both_languages(pieces: list[str]) -> None:
    text = "\n".join(["FROM base", *pieces])
    assert explain_lines(text) >= written_lines(text)
    for language in ("en", "es"):
        assert all(explain(text, language).split("\n"))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(st.text(max_size=60), st.builds(str.__add__, st.sampled_from(KEYWORDS), st.text(max_size=40))),
        max_size=6,
    )
)
def test_any_history_is_explained_whatever_was_written_into_it(texts: list[str]) -> None:
    for past in explain_past(texts):
        assert all(write(sentence, "es") for sentence in past.does)


def test_what_is_copied_after_a_user_is_told_to_belong_to_root() -> None:
    assert "belongs to root, not to `web`" in explain_last("FROM a\nUSER web\nCOPY x /x")
    assert "belongs to root" not in explain_last("FROM a\nUSER web\nCOPY --chown=web x /x")


@pytest.mark.parametrize("code", sorted(SAMPLES))
def test_what_lint_is_tried_on_is_explained_too(code: str) -> None:
    for sample in SAMPLES[code]:
        text = sample if "FROM " in sample else f"FROM a\n{sample}"
        assert explain_lines(text) >= written_lines(text)


def test_spanish_says_other_words_with_the_same_names() -> None:
    spanish = explain_last("FROM a\nCOPY go.mod /src/", "es")
    assert "Copia `go.mod` del contexto de construcción en `/src/`" in spanish


def test_the_summary_tells_how_stages_feed_the_image() -> None:
    told = explain(
        'FROM golang:1.22 AS build\nFROM alpine:3.20\nCOPY --from=build /out/app /app\nUSER web\nCMD ["/app"]'
    )
    assert "2 stages, of which the last is the image: `build` and `1`" in told
    assert "`1` takes `/out/app` from `build`" in told
    assert "The image stands on `alpine:3.20` and adds 1 layer" in told
    assert "A container of it runs `/app`\nas the user `web`" in told


def test_a_stage_that_nothing_uses_is_named() -> None:
    told = explain("FROM a AS tests\nRUN pytest\nFROM b\nRUN x")
    assert "`tests` does not go into the image: it is only built with `--target`" in told


def test_an_instruction_that_is_wrong_is_said_to_be_and_the_others_are_explained() -> None:
    lines = explain_dockerfile("FROM a\nCOPPY b c\nEXPOSE 80").lines
    assert write(lines[1].does[0]) == "No builder can read this line"
    assert [finding.rule.name for finding in lines[1].findings] == ["Unreadable"]
    assert "`80`" in write(lines[2].does[0])


def test_what_lint_finds_stands_at_its_line() -> None:
    lines = explain_dockerfile("FROM debian\nRUN cd /srv\n").lines
    assert [finding.rule.name for finding in lines[0].findings] == ["DL3006"]
    assert "DL3003" in [finding.rule.name for finding in lines[1].findings]


def test_paths_are_told_from_the_working_directory() -> None:
    assert "to `/srv/web/`" in explain_last("FROM a\nWORKDIR /srv\nWORKDIR web\nCOPY x ./")


def test_variables_are_told_with_their_values_and_lines() -> None:
    told = explain("ARG V=3.12\nFROM python:$V\nENV HOME=/root\nWORKDIR $HOME/app")
    assert "Starts from the image `python:3.12`" in told
    assert "`V` is `3.12`, the default of line 1" in told
    assert "Makes the directory `/root/app`" in told
    assert "`$HOME` is `/root` here (line 3)" in told


def test_entrypoint_and_cmd_are_told_together() -> None:
    told = explain('FROM a\nENTRYPOINT ["git"]\nCMD ["log"]')
    assert "Without words it gets those of CMD: `git log`" in told
    assert "a container runs `git log`" in told


def test_a_cmd_that_gives_an_entrypoint_its_words_is_no_process() -> None:
    assert "process 1" not in explain_last('FROM a\nENTRYPOINT ["git"]\nCMD ["log"]')
    shell = explain_last('FROM a\nENTRYPOINT ["git"]\nCMD log')
    assert "a container runs `git /bin/sh -c log`" in shell
    assert "In shell form its words begin with `/bin/sh -c`" in shell


def test_the_port_to_publish_is_one_of_tcp_where_there_is_one() -> None:
    assert "`capas run -p 8080:80`" in explain_last("FROM a\nEXPOSE 53/udp 80")
    assert "`capas run -p 8080:53/udp`" in explain_last("FROM a\nEXPOSE 53/udp")


def test_a_cmd_beside_an_entrypoint_in_shell_form_is_told_to_be_lost() -> None:
    assert "Nobody uses `log`" in explain('FROM a\nENTRYPOINT git\nCMD ["log"]')


def test_times_of_a_health_check_are_told_in_words() -> None:
    assert "Every 1 minute and 30 seconds" in explain_last("FROM a\nHEALTHCHECK --interval=90s CMD x")


def test_a_fact_of_the_readers_cannot_end_the_code_that_it_stands_in() -> None:
    told = explain_last("FROM a\nEXPOSE 80`80")
    assert "80`80" not in told.partition("8080:")[2]
