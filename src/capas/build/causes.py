"""Why a step is done again: two runs of it compared, and the differences that count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from capas.build.facts import list_attributes
from capas.build.past import Run
from capas.events import Cause

# What is written in the instruction itself: where its text is another, that says it all
_WRITTEN = frozenset(("command", "script", "sources", "target"))
_ORDER = ("instruction", "base", "step", "arg", "env")
_SHORT = 12


def compare(old: Run, new: Run) -> tuple[Cause, ...]:
    """What of the new run is not as it was in the old one, the weightiest first. Nothing for equal runs."""
    causes = [*_instruction(old, new), *_below(old, new), *_parts(old, new), *_files(old, new)]
    return tuple(sorted(causes, key=_rank))


def _rank(cause: Cause) -> int:
    return _ORDER.index(cause.kind) if cause.kind in _ORDER else len(_ORDER)


def _instruction(old: Run, new: Run) -> Iterator[Cause]:
    if old.title != new.title and any(name in _WRITTEN for name in _changed(old.facts, new.facts)):
        yield Cause("instruction", "", old.title, new.title)


def _below(old: Run, new: Run) -> Iterator[Cause]:
    if old.facts.get("base") == new.facts.get("base"):
        return
    if new.base_digest:
        was = old.base_digest if old.base == new.base else f"{old.base} {old.base_digest}"
        now = new.base_digest if old.base == new.base else f"{new.base} {new.base_digest}"
        yield Cause("base", new.base, was.strip() or None, now)
    else:
        yield Cause("step", new.base, None if old.base == new.base else old.base)


def _parts(old: Run, new: Run) -> Iterator[Cause]:
    named = set(old.arguments) | set(new.arguments)
    same_text = old.title == new.title
    for name in _changed(old.facts, new.facts):
        kind, _, about = name.partition(" ")
        if name == "base" or (name in _WRITTEN and not same_text):
            continue
        before, after = old.facts.get(name), new.facts.get(name)
        if name in _WRITTEN or kind == "workdir":
            mentioned = list(_mentioned(old, new))
            if mentioned:
                yield from mentioned
                continue
        if name == "command":
            yield _shell(before or "", after or "")
        else:
            yield Cause("arg" if kind == "env" and about in named else kind, about, before, after)


def _mentioned(old: Run, new: Run) -> Iterator[Cause]:
    """The variables in the instruction's words that have other values now."""
    named = set(old.arguments) | set(new.arguments)
    for name in _changed(old.variables, new.variables):
        yield Cause("arg" if name in named else "env", name, old.variables.get(name), new.variables.get(name))


def _shell(before: str, after: str) -> Cause:
    """One text, two commands: the words in front of it, SHELL's, are others."""
    was, now = before.split(" "), after.split(" ")
    while was and now and was[-1] == now[-1]:
        was.pop()
        now.pop()
    return Cause("shell", "", " ".join(was), " ".join(now))


def _files(old: Run, new: Run) -> Iterator[Cause]:
    if old.files is None or new.files is None:
        return
    for name in _changed(old.files, new.files):
        before, after = old.files.get(name), new.files.get(name)
        if before is None or after is None:
            yield Cause("file", name, before and _show(before), after and _show(after))
        else:
            was, now = list_attributes(before), list_attributes(after)
            what = _changed(was, now)
            yield Cause("file", name, _say(was, what), _say(now, what))


def _show(text: str) -> str:
    return _say(list_attributes(text), ["size", "digest"] if "digest" in text else ["kind"])


def _say(attributes: Mapping[str, str], wanted: list[str]) -> str:
    words = []
    for name in wanted:
        value = attributes.get(name)
        if value is None:
            continue
        if name == "size":
            words.append(f"{value} bytes")
        elif name == "digest":
            words.append(f"sha256:{value[:_SHORT]}")
        else:
            words.append(value if name == "kind" else f"{name} {value}")
    return ", ".join(words)


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The names whose values differ, in the order of the new, then those that are gone."""
    return [name for name in [*new, *(name for name in old if name not in new)] if old.get(name) != new.get(name)]
