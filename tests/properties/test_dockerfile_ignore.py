"""`.dockerignore` and wildcards against plain models of docker's rules."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capas.dockerfile.ignore import Ignore, Rule, parse_ignore
from capas.dockerfile.match import Wildcard
from capas.errors import CapasError

PARTS = st.sampled_from(["a", "b", "ab", "*", "a*", "*b", "?", "**", "a**", "**b", "[ab]", "[^a]", "\\a", "a*b*"])
PATTERNS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
RULES = st.lists(st.builds(Rule, PATTERNS, st.booleans()), max_size=6)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab", "c"]), min_size=1, max_size=4).map("/".join)


def model_regex(pattern: str) -> re.Pattern[str]:
    """docker's translation, written out character by character."""
    exact = not any(char in pattern for char in "*?[]\\")
    if exact:
        return re.compile(re.escape(pattern))
    if pattern.startswith("**") and not any(char in pattern[2:] for char in "*?[]\\"):
        rest = pattern[2:]
        return re.compile(f"(?:.*{re.escape(rest)})|{re.escape(rest[1:]) if rest[:1] == '/' else '(?!)'}")
    out, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if pattern.startswith("**", at - 1):
            at += 1
            at += pattern.startswith("/", at)
            out += "(.*/)?" if at < len(pattern) else ".*"
        elif char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "\\":
            out += re.escape(pattern[at])
            at += 1
        elif char in "[]":
            out += char
        elif char == "^":
            out += "^"
        else:
            out += re.escape(char)
    return re.compile(out)


def model_ignored(rules: list[Rule], path: str) -> bool:
    parts = path.split("/")
    prefixes = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    ignored = False
    for rule in rules:
        if any(model_regex(rule.pattern).fullmatch(prefix) for prefix in prefixes):
            ignored = not rule.exception
    return ignored


@given(RULES, PATHS)
def test_a_path_is_left_out_as_dockers_own_rules_say(rules: list[Rule], path: str) -> None:
    assert Ignore(rules).is_ignored(path) == model_ignored(rules, path)


@given(RULES, PATHS)
def test_the_rule_that_is_named_is_the_one_that_decides(rules: list[Rule], path: str) -> None:
    ignore = Ignore(rules)
    rule = ignore.find_rule(path)
    assert ignore.is_ignored(path) == (rule is not None and not rule.exception)


@given(RULES, st.lists(PATHS, max_size=8))
def test_a_folder_that_is_pruned_holds_nothing_that_comes_back(rules: list[Rule], paths: list[str]) -> None:
    ignore = Ignore(rules)
    for path in paths:
        parts = path.split("/")
        state = Ignore.START
        for count in range(1, len(parts)):
            folder = "/".join(parts[:count])
            state = ignore.enter(folder, state)
            if ignore.is_pruned(folder, state):
                assert ignore.is_ignored(path)


@given(st.text("ab*?[]^-\\/", max_size=12), st.text("ab/-", max_size=12))
def test_a_wildcard_is_refused_or_matches_as_a_model_that_tries_everything(pattern: str, path: str) -> None:
    try:
        wildcard = Wildcard(pattern)
    except CapasError:
        return
    assert wildcard.matches(path) == slow_match(pattern, path)


def slow_match(pattern: str, text: str) -> bool:
    """filepath.Match by trying every way."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return slow_match(pattern[1:], text) or (text[:1] not in ("", "/") and slow_match(pattern, text[1:]))
    if not text:
        return False
    if pattern[0] == "?":
        return text[0] != "/" and slow_match(pattern[1:], text[1:])
    if pattern[0] == "[":
        found, rest = slow_class(pattern[1:], text[0])
        return found and slow_match(rest, text[1:])
    literal = pattern[1] if pattern[0] == "\\" else pattern[0]
    return literal == text[0] and slow_match(pattern[2:] if pattern[0] == "\\" else pattern[1:], text[1:])


def slow_class(rest: str, char: str) -> tuple[bool, str]:
    negated = rest.startswith("^")
    rest = rest[negated:]
    found, first = False, True
    while first or rest[0] != "]":
        first = False
        low, rest = (rest[1], rest[2:]) if rest[0] == "\\" else (rest[0], rest[1:])
        high = low
        if rest.startswith("-"):
            rest = rest[1:]
            high, rest = (rest[1], rest[2:]) if rest[0] == "\\" else (rest[0], rest[1:])
        found = found or low <= char <= high
    return found != negated, rest[1:]


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_no_text_makes_the_ignore_file_fail_in_another_way(text: str) -> None:
    try:
        ignore = parse_ignore(text)
    except CapasError:
        return
    ignore.is_ignored("a/b")


@pytest.mark.parametrize("pattern", ["*a" * 60 + "b", "**/a/" * 40 + "b", "a*" * 200, "?" * 300 + "*b"])
def test_no_pattern_makes_a_match_slow(pattern: str) -> None:
    import time

    ignore = Ignore([Rule(pattern, False)])
    begin = time.process_time()
    for path in ("a" * 255, "/".join("a" * 500), "/".join(["a" * 100] * 20)):
        ignore.is_ignored(path)
        Wildcard(pattern.replace("**/", "*")).matches(path)
    assert time.process_time() - begin < 20  # quadratic would be hours
