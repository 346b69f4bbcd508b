"""Why a step is done again, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from capas.events import Cause
from capas.printable import cut

Words = Callable[..., str]
_LONGEST, _SHORTEST = 60, 12
_OWN = {
    "env": "ENV",
    "arg": "ARG",
    "workdir": "WORKDIR",
    "user": "USER",
    "shell": "SHELL",
    "epoch": "SOURCE_DATE_EPOCH",
}
_FLAGS = ("chown", "chmod", "link", "network", "add-host", "mount", "security")


def say_cause(cause: Cause, words: Words, *, longest: int = _LONGEST) -> str:
    """One cause as a phrase. Texts from the Dockerfile are cut to `longest` characters."""
    if cause.kind in ("step", "from"):
        return _step(cause, words, longest)
    plain = _plain(cause.kind, words)
    if plain:
        return plain
    what = " ".join([_name(cause.kind, words), cause.name]).strip()
    old, new = _cut(cause.old, longest), _cut(cause.new, longest)
    if old.startswith("hidden:") or new.startswith("hidden:"):
        return words("{what} has another value", what=what)
    if cause.old is None:
        return words("{what} is new: {new}", what=what, new=new)
    if cause.new is None:
        return words("{what} is gone", what=what) if cause.kind == "file" else words("{what} is not set", what=what)
    return words("{what} changed: {old} → {new}", what=what, old=old or '""', new=new or '""')


def say_causes(causes: Sequence[Cause], words: Words, *, longest: int = _LONGEST) -> str:
    """The first cause as one line, and how many more there are."""
    first, more = say_cause(causes[0], words, longest=max(longest, _SHORTEST)), len(causes) - 1
    return words("{causes} (and {count} more)", causes=first, count=more) if more else first


def is_news(causes: Sequence[Cause]) -> bool:
    """Whether there is something to tell: not for a step that was never done before, or was asked to be done again."""
    return bool(causes) and causes[0].kind not in ("first", "no-cache")


def _plain(kind: str, words: Words) -> str:
    return {
        "first": words("nothing like it was built here before"),
        "new": words("the instruction is new here"),
        "no-cache": words("--no-cache was given"),
        "gone": words("its layer is no longer in the store"),
        "forgotten": words("what it was made of before is no longer known"),
        "pruned": words("its result is no longer in the build cache"),
    }.get(kind, "")


def _step(cause: Cause, words: Words, longest: int) -> str:
    name = _cut(cause.name, longest)
    if cause.kind == "from":
        return words("it copies from {step}, which is done again", step=name)
    if cause.old is None:
        return words("the step below changed: {step}", step=name)
    return words("it stands on {new}, before on {old}", new=name, old=_cut(cause.old, longest))


def _name(kind: str, words: Words) -> str:
    own = _OWN.get(kind) or (f"--{kind}" if kind in _FLAGS else "")
    said = {"file": words("file"), "base": words("base image"), "instruction": words("the instruction")}
    return own or said.get(kind, kind)


def _cut(text: str | None, longest: int) -> str:
    return cut(" ".join((text or "").split()), longest)
