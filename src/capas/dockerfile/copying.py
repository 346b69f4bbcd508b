"""COPY and ADD: the instructions that bring files in."""

from __future__ import annotations

import re

from capas.dockerfile.heredoc import find_heredoc
from capas.dockerfile.instructions import Add, Copy, Heredoc
from capas.dockerfile.request import LIST, SWITCH, TEXT, Flags, Request, read_flags
from capas.dockerfile.words import Word

_SHARED = {"chown": TEXT, "chmod": TEXT, "link": SWITCH, "exclude": LIST}
_COPY_FLAGS = {"from": TEXT, **_SHARED, "parents": SWITCH}
_ADD_FLAGS = {**_SHARED, "keep-git-dir": SWITCH, "checksum": TEXT, "unpack": SWITCH}
_OCTAL = re.compile(r"[0-7]{1,5}")
_SYMBOLIC = re.compile(r"[ugoa]*[-+=][rwxXst]*(?:[-+=][rwxXst]*)*(?:,[ugoa]*[-+=][rwxXst]*(?:[-+=][rwxXst]*)*)*")


def parse_copy(request: Request) -> Copy:
    """COPY [flags] source… target. Raises: Invalid."""
    flags = read_flags(request, _COPY_FLAGS)
    sources, target, heredocs = _places(request)
    origin = flags.word("from")
    if origin is not None and "$" in origin.text:
        hint = "name a stage with FROM … AS, and give that name"
        raise request.fault("--from holds no variable", origin, hint=hint)
    if origin is not None and not origin.text:
        raise request.fault("the flag --from needs a value", origin)
    if origin is not None and heredocs:
        raise request.fault("a heredoc is not copied --from anything", origin)
    return Copy(
        request.position,
        request.original,
        sources,
        target,
        origin=flags.text("from"),
        chown=flags.text("chown"),
        chmod=_mode(request, flags),
        link=flags.switch("link") or False,
        parents=flags.switch("parents") or False,
        exclude=tuple(word.text for word in flags.list("exclude")),
        heredocs=heredocs,
    )


def parse_add(request: Request) -> Add:
    """ADD [flags] source… target. Raises: Invalid."""
    flags = read_flags(request, _ADD_FLAGS)
    sources, target, heredocs = _places(request)
    return Add(
        request.position,
        request.original,
        sources,
        target,
        chown=flags.text("chown"),
        chmod=_mode(request, flags),
        checksum=flags.text("checksum"),
        link=flags.switch("link") or False,
        keep_git_dir=flags.switch("keep-git-dir"),
        unpack=flags.switch("unpack"),
        exclude=tuple(word.text for word in flags.list("exclude")),
        heredocs=heredocs,
    )


def _places(request: Request) -> tuple[tuple[str, ...], str, tuple[Heredoc, ...]]:
    words = request.arguments()
    if len(words) < 2:
        hint = "write {instruction} {text} <target>"
        problem = "{instruction} requires a source and a target: only one is given"
        raise request.fault(problem, words[0], hint=hint, text=words[0].text[:60])
    target = words.pop()
    if _is_heredoc(request, target):
        raise request.fault("{instruction} cannot have a heredoc as its target", target)
    heredocs = {doc.name: doc for doc in request.line.heredocs}
    documents = tuple(heredocs[doc.name] for doc in map(_announced, words) if doc and doc.name in heredocs)
    sources = tuple(word.text for word in words if not _is_heredoc(request, word))
    return sources, target.text, documents


def _announced(word: Word) -> Heredoc | None:
    return find_heredoc(word.text)


def _is_heredoc(request: Request, word: Word) -> bool:
    doc = _announced(word)
    return doc is not None and any(known.name == doc.name for known in request.line.heredocs)


def _mode(request: Request, flags: Flags) -> str:
    word = flags.word("chmod")
    if word is None or "$" in word.text:
        return flags.text("chmod")
    octal = _OCTAL.fullmatch(word.text) and int(word.text, 8) <= 0o7777
    if not octal and not _SYMBOLIC.fullmatch(word.text):
        hint = "write it in octal, like 0755, or as chmod does, like u=rwX,go=rX"
        raise request.fault("--chmod is not a mode: {text!r}", word, hint=hint, text=word.text[:40])
    return word.text
