"""Why a step is done again, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from capas.events import Cause

Words = Callable[..., str]
_LONGEST = 60
_FLAGS = ("chown", "chmod", "link", "network", "add-host", "mount", "security", "compression", "exclude")
_NAMES = {
    "file": "file", "base": "base image", "env": "ENV", "arg": "ARG", "workdir": "WORKDIR", "user": "USER",
    "shell": "SHELL", "command": "command", "script": "script", "sources": "sources", "target": "target",
    "instruction": "instruction", "epoch": "time", "level": "compression level", "step": "step below",
}  # fmt: skip


def say_cause(cause: Cause, words: Words, *, longest: int = _LONGEST) -> str:
    """One cause as a phrase. Texts from the Dockerfile are cut to `longest` characters."""
    if cause.kind in _PLAIN:
        return words(_PLAIN[cause.kind])
    if cause.kind == "from":
        return words("it copies from {step}, which is done again", step=_cut(cause.name, longest))
    if cause.kind == "step":
        return _step(cause, words, longest)
    what = " ".join([words(_name(cause.kind)), cause.name]).strip()
    old, new = _cut(cause.old, longest), _cut(cause.new, longest)
    if (cause.old or "").startswith("hidden:") or (cause.new or "").startswith("hidden:"):
        return words("{what} has another value", what=what)
    if cause.old is None:
        return words("{what} is new: {new}", what=what, new=new)
    if cause.new is None:
        return words("{what} is gone", what=what)
    return words("{what} changed: {old} → {new}", what=what, old=old or '""', new=new or '""')


def say_causes(causes: Sequence[Cause], words: Words, *, most: int = 1) -> str:
    """The first causes as one line, and how many more there are."""
    shown = "; ".join(say_cause(cause, words) for cause in causes[:most])
    return words("{causes} (and {count} more)", causes=shown, count=len(causes) - most) if len(causes) > most else shown


def is_news(causes: Sequence[Cause]) -> bool:
    """Whether there is something to tell: not for a step that was never done before."""
    return bool(causes) and causes[0].kind not in ("first", "no-cache")


_PLAIN = {
    "first": "nothing like it was built here before",
    "new": "the instruction is new here",
    "no-cache": "--no-cache was given",
    "gone": "its layer is no longer in the store",
    "pruned": "its result is no longer in the build cache",
}


def _step(cause: Cause, words: Words, longest: int) -> str:
    new = _cut(cause.new or cause.name, longest)
    if cause.old is None:
        return words("the step below gave other files: {step}", step=new)
    return words("it stands on {new}, before on {old}", new=new, old=_cut(cause.old, longest))


def _name(kind: str) -> str:
    return _NAMES.get(kind) or (f"--{kind}" if kind in _FLAGS else kind)


def _cut(text: str | None, longest: int) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
