"""Expansion against a POSIX shell, where the two agree."""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from capas.dockerfile.expand import expand_word
from capas.dockerfile.pattern import Pattern
from capas.errors import CapasError

VALUES = st.text("abx/.-", max_size=8)
NAMES = st.sampled_from(["A", "B", "UNSET"])
PLAIN = st.text("abx/.-_", max_size=5)
GLOB = st.text("ab*?/.", min_size=1, max_size=6)
MARKS = st.sampled_from(["-", ":-", "+", ":+"])
TRIMS = st.sampled_from(["#", "##", "%", "%%"])
FORMS = st.one_of(
    PLAIN,
    NAMES.map(lambda name: "${" + name + "}"),
    st.builds(lambda name, mark, word: "${" + name + mark + word + "}", NAMES, MARKS, PLAIN),
    st.builds(lambda name, mark, glob: "${" + name + mark + glob + "}", st.sampled_from(["A", "B"]), TRIMS, GLOB),
    PLAIN.map(lambda text: f"'{text}'"),
    NAMES.map(lambda name: f'"${name}"'),
)


def in_shell(words: list[str], variables: dict[str, str]) -> list[str]:
    script = "\n".join(f"printf '%s\\0' \"{word}\"" if "'" not in word and '"' not in word else f"printf '%s\\0' {word}"
                       for word in words)  # fmt: skip
    done = subprocess.run(["sh", "-fc", script], env=variables, capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@given(st.lists(FORMS.filter(bool), min_size=10, max_size=40), VALUES, VALUES)
@settings(max_examples=40, deadline=None)
def test_the_forms_that_a_shell_has_too_mean_the_same(words: list[str], a: str, b: str) -> None:
    variables = {"A": a, "B": b}
    assert [expand_word(word, variables) for word in words] == in_shell(words, variables)


def tails(value: str, pattern: str) -> list[int]:
    """Where a match from the start of the value can end, by trying everything."""
    if not pattern:
        return [0]
    if pattern[0] == "*":
        return sorted({start + end for start in range(len(value) + 1) for end in tails(value[start:], pattern[1:])})
    if not value or pattern[0] not in ("?", value[0]):
        return []
    return [end + 1 for end in tails(value[1:], pattern[1:])]


@given(st.text("ab", max_size=7), st.text("ab*?", max_size=5))
def test_a_trimmed_prefix_is_the_shortest_or_the_longest_that_matches(value: str, pattern: str) -> None:
    ends = tails(value, pattern)
    shortest, longest = (value[ends[0] :], value[ends[-1] :]) if ends else (value, value)
    assert Pattern(pattern).trim_prefix(value, longest=False) == shortest
    assert Pattern(pattern).trim_prefix(value, longest=True) == longest


@given(st.text("ab", max_size=7), st.text("ab*?", max_size=5))
def test_a_trimmed_suffix_mirrors_the_prefix(value: str, pattern: str) -> None:
    mirrored = Pattern(pattern[::-1]).trim_prefix(value[::-1], longest=False)[::-1]
    assert Pattern(pattern).trim_suffix(value, longest=False) == mirrored


@given(st.text("ab", max_size=7), st.text("ab*?", min_size=1, max_size=5), st.booleans())
def test_a_replaced_match_is_the_leftmost_and_the_longest(value: str, pattern: str, every: bool) -> None:
    out, at, last = "", 0, -1
    while at <= len(value):
        ends = tails(value[at:], pattern)
        if ends and not (ends[-1] == 0 and at == last):
            out += "<>"
            last = at + ends[-1]
            if ends[-1] == 0:
                out += value[at : at + 1]
            at = max(last, at + 1) if ends[-1] == 0 else last
            if not every:
                break
            continue
        out += value[at : at + 1]
        at += 1
    assert Pattern(pattern).replace(value, "<>", every=every) == out + value[at:]


@given(st.text(max_size=40), st.dictionaries(st.sampled_from("abc"), st.text(max_size=5)))
def test_no_text_makes_an_expansion_fail_in_another_way(text: str, variables: dict[str, str]) -> None:
    try:
        expand_word(text, variables)
    except CapasError:
        pass


@given(st.text("${}ab:-+?#%/'\"\\ *", max_size=40))
@settings(max_examples=500)
def test_no_mixture_of_marks_makes_an_expansion_fail_in_another_way(text: str) -> None:
    try:
        expand_word(text, {"a": "ab/a", "b": ""})
    except CapasError:
        pass
