"""Branches, loops and groups of a RUN in words: under which of them each command stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capas.dockerfile.meaning.explaining import explain_dockerfile
from capas.dockerfile.meaning.sentence import write
from support.explaining import explain_last

TOLD = {
    "if [ -f /x ]; then rm /x && touch /z; elif true; then mkdir /q; else touch /y; fi": [
        "whether this goes well decides what follows: checks a condition, and fails if it does not hold",
        "if so: deletes `/x`",
        "if so: only if that went well: makes the empty file `/z`",
        "else whether this goes well decides: does nothing, and always goes well",
        "if so: makes the directory `/q`",
        "if not: makes the empty file `/y`",
    ],
    "if true; then touch /a; fi && mkdir /b": [
        "whether this goes well decides what follows: does nothing, and always goes well",
        "if so: makes the empty file `/a`",
        "only if that went well: makes the directory `/b`",
    ],
    "for f in a b; do touch $f || exit 1; done; rm /a": [
        "for each `f` of `a` and `b`: makes the empty file `$f`",
        "for each `f` of `a` and `b`: only if that failed: ends the script",
        "deletes `/a`",
    ],
    "for x; do rm $x; done": ["for each `x` of what the script is given: deletes `$x`"],
    "for x in $(ls); do rm $x; done": ["for each `x` of `$(ls)`: deletes `$x`"],
    "while read l; do echo $l; done": [
        "as long as this goes well: runs the command `read l`",
        "again and again: writes `$l`",
    ],
    "until test -f /x; do sleep 1; done": [
        "until this goes well: checks a condition, and fails if it does not hold",
        "again and again: waits `1` seconds",
    ],
    "case $(uname -m) in x86_64|amd64) mkdir /a ;; *) (mkdir /b) ;; esac; mkdir /c": [
        "if `$(uname -m)` is like `x86_64|amd64`: makes the directory `/a`",
        "if `$(uname -m)` is like `*`: makes the directory `/b`",
        "makes the directory `/c`",
    ],
    "for f in a; do if true; then rm $f; fi; touch $f; done": [
        "whether this goes well decides what follows: does nothing, and always goes well",
        "if so: deletes `$f`",
        "for each `f` of `a`: makes the empty file `$f`",
    ],
    "true || { echo no; exit 1; } && mkdir /b": [
        "does nothing, and always goes well",
        "only if that failed: writes `no`",
        "only if that failed: ends the script",
        "only if that went well: makes the directory `/b`",
    ],
}


@pytest.mark.parametrize("command", TOLD)
def test_each_command_is_told_with_the_branch_that_it_stands_in(command: str) -> None:
    (*_, line) = explain_dockerfile(f"FROM debian:12\nRUN {command}\n").lines
    assert [write(sentence) for sentence in line.does][1:] == TOLD[command]


WORDS = (
    *("if", "then", "elif", "else", "fi", "for", "in", "while", "until", "do", "done", "case", "esac"),
    *(";;", "{", "}", "(", ")", "&&", "||", "|", ";", "true", "a", "$(a)", "\n"),
)


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_what_no_shell_reads_is_told_somehow(words: list[str]) -> None:
    assert explain_last("FROM debian:12\nRUN <<EOF\n" + " ".join(words) + "\nEOF\n")
