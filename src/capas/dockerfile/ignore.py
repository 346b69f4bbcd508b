"""What a context leaves out: `.dockerignore`, as docker reads it. The last rule that matches a path or a folder above
it wins; `!` takes a path back.

Spec: docker's documentation, ".dockerignore files"; moby/patternmatcher.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from posixpath import normpath
from typing import NamedTuple

from capas.dockerfile.match import Wildcard, read_piece, translate
from capas.errors import CapasError, Invalid

_MOST_INNER = 4


class Rule(NamedTuple):
    """One line: `pattern` is clean, without its `!`; `line` counts from 1, 0 where it comes from no file."""

    pattern: str
    exception: bool
    line: int = 0

    def __str__(self) -> str:
        return ("!" if self.exception else "") + self.pattern


class Ignore:
    """The rules, ready for many paths. Paths are relative, with slashes, without `.` or `..`.

    A walk is quickest with a state: `state = ignore.enter(path, parent_state)` for each entry (START above the first),
    `ignore.leaves_out(state)`, and for a folder `ignore.is_pruned(path, state)`: nothing beneath it can come back.
    """

    START = -1

    def __init__(self, rules: Iterable[Rule] = (), name: str = ".dockerignore") -> None:
        """`name` is the file that they are from. Raises: Invalid for a pattern that cannot be read."""
        self.name = name
        self.rules = tuple(rules)
        self._blocks: list[_Block] = []
        self._exceptions: list[tuple[int, _Reach]] = []
        for rule in self.rules:
            if not self._blocks or self._blocks[-1].exception != rule.exception:
                self._blocks.append(_Block(rule.exception))
            self._blocks[-1].add(rule)
            if rule.exception:
                self._exceptions.append((len(self._blocks) - 1, _Reach(rule.pattern)))
        for block in self._blocks:
            block.compile()

    def enter(self, path: str, parent: int = START) -> int:
        """The state of an entry, given that of the folder it is in."""
        for number in range(len(self._blocks) - 1, parent, -1):
            if self._blocks[number].matches(path):
                return number
        return parent

    def leaves_out(self, state: int) -> bool:
        """Whether an entry in this state is left out."""
        return state >= 0 and not self._blocks[state].exception

    def is_pruned(self, path: str, state: int) -> bool:
        """Whether a folder is left out with all it holds: no exception can reach inside."""
        if not self.leaves_out(state):
            return False
        return not any(number > state and reach.into(path) for number, reach in self._exceptions)

    def is_ignored(self, path: str) -> bool:
        """Whether this path is left out, for who does not walk."""
        state = self.START
        parts = path.strip("/").split("/")
        for count in range(1, len(parts) + 1):
            state = self.enter("/".join(parts[:count]), state)
        return self.leaves_out(state)

    def find_rule(self, path: str) -> Rule | None:
        """The rule that decides about this path, if one does."""
        parts = path.strip("/").split("/")
        prefixes = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        for rule, regex in self._regexes:
            if any(regex.fullmatch(prefix) for prefix in prefixes):
                return rule
        return None

    @cached_property
    def _regexes(self) -> list[tuple[Rule, re.Pattern[str]]]:
        """The last rule first."""
        return [(rule, compile_deep(rule.pattern)) for rule in reversed(self.rules)]


def parse_ignore(text: str, name: str = ".dockerignore") -> Ignore:
    """The rules of a file's text. Raises: Invalid, naming the line."""
    rules: list[Rule] = []
    for number, line in enumerate(text.removeprefix("\N{BYTE ORDER MARK}").split("\n"), 1):
        if line.startswith("#") or not line.strip():
            continue
        try:
            rule = _parse_rule(line, number)
            _translate(rule.pattern)
        except CapasError as error:
            raise Invalid(
                "{file}:{line}: {problem}", file=name, line=number, hint="{advice}", **error.as_facts(),
            ) from None  # fmt: skip
        rules.append(rule)
    return Ignore(rules, name)


def parse_patterns(patterns: Iterable[str]) -> Ignore:
    """The same from a list of patterns: `COPY --exclude`. Raises: Invalid."""
    return Ignore(_parse_rule(pattern, 0) for pattern in patterns if pattern.strip())


def compile_deep(pattern: str) -> re.Pattern[str]:
    """A wildcard in which `**` is any number of folders, for the whole of a path. Raises: Invalid."""
    return re.compile(_translate(pattern), re.DOTALL)


def _parse_rule(text: str, line: int) -> Rule:
    pattern = text.strip()
    exception = pattern.startswith("!")
    if exception:
        pattern = pattern[1:].strip()
        if not pattern:
            raise Invalid("a ! stands before a pattern", hint="write !path for what is to come back")
    clean = normpath(pattern)
    if clean.startswith("//"):  # posixpath keeps two leading slashes, Go does not
        clean = clean[1:]
    return Rule(clean[1:] if len(clean) > 1 and clean.startswith("/") else clean, exception, line)


class _Block:
    """Neighbouring rules of one kind: among them the order means nothing. The usual ones need no regular expression."""

    def __init__(self, exception: bool) -> None:
        self.exception = exception
        self._exact: set[str] = set()
        self._ends: tuple[str, ...] = ()
        self._top_ends: tuple[str, ...] = ()  # of names that stand in no folder
        self._sources: list[str] = []
        self._regex: re.Pattern[str] | None = None

    def add(self, rule: Rule) -> None:
        pattern = rule.pattern
        name = pattern.removeprefix("**/")
        if _is_plain(pattern):
            self._exact.add(pattern)
        elif "/" not in name and _is_plain(name):  # **/name
            self._exact.add(name)
            self._ends += (f"/{name}",)
        elif "/" not in name and name.startswith("*") and _is_plain(name[1:]):  # **/*.end and *.end
            if name == pattern:
                self._top_ends += (name[1:],)
            else:
                self._ends += (name[1:],)
        else:
            self._sources.append(_translate(pattern))

    def compile(self) -> None:
        if self._sources:
            self._regex = re.compile("|".join(f"(?:{source})" for source in self._sources), re.DOTALL)

    def matches(self, path: str) -> bool:
        return (
            path in self._exact
            or path.endswith(self._ends)
            or (path.endswith(self._top_ends) and "/" not in path)
            or (self._regex is not None and self._regex.fullmatch(path) is not None)
        )


def _is_plain(text: str) -> bool:
    return not any(char in text for char in "*?[]\\")


class _Reach:
    """Whether an exception can match something beneath a folder."""

    def __init__(self, pattern: str) -> None:
        pieces = _split_deep(pattern)
        self._deep = len(pieces) > 1
        whole = pieces[0].rpartition("/")[0] if self._deep else pattern
        try:
            self._parts = [Wildcard(part) for part in whole.split("/")] if whole else []
        except CapasError:  # a class that holds a slash: such a pattern may reach anywhere
            self._parts, self._deep = [], True

    def into(self, folder: str) -> bool:
        names = folder.split("/")
        if len(names) >= len(self._parts) and not self._deep:
            return False  # it would be the folder or one above, and then the state knew
        return all(part.matches(name) for part, name in zip(self._parts, names, strict=False))


def _translate(pattern: str) -> str:
    """A regular expression for the whole of a path. Raises: Invalid."""
    if pattern.startswith("**") and not any(char in pattern[2:] for char in "*?[]\\"):
        rest = pattern[2:]
        return f"(?:.*/)?{re.escape(rest[1:])}" if rest.startswith("/") else f".*{re.escape(rest)}"
    pieces = _split_deep(pattern)
    if len(pieces) == 1:
        return translate(pattern)
    inner = sum(1 for piece in pieces[1:-1] if not piece.endswith("/"))
    if inner > _MOST_INNER:
        raise Invalid("too many ** inside names: {pattern!r}", pattern=pattern[:100], hint="write **/ for folders")
    return _join(pieces)


def _split_deep(pattern: str) -> list[str]:
    """The pattern cut at its `**`."""
    pieces, at = [""], 0
    while at < len(pattern):
        if pattern.startswith("**", at):
            pieces.append("")
            at += 2
        else:
            end = at + 1 if pattern[at] == "*" else read_piece(pattern, at)[1]
            pieces[-1] += pattern[at:end]
            at = end
    return pieces


def _join(pieces: list[str]) -> str:
    out = translate(pieces[0])
    for number, piece in enumerate(pieces[1:], 1):
        run = piece.removeprefix("/")
        last = number == len(pieces) - 1
        if not run:  # `**/**` says no more than `**`
            out += ".*" if last else ""
        elif last or not run.endswith("/"):
            out += f"(?:.*/)?{translate(run)}"
        else:  # whole folders: the first place is as good as any, so none is tried twice
            out += f"(?>(?:.*?/)??{translate(run)})"
    return out
