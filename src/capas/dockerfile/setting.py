"""ENV, LABEL, ARG, EXPOSE, VOLUME, USER, WORKDIR, STOPSIGNAL and MAINTAINER: what the config says."""

from __future__ import annotations

from capas.dockerfile.instructions import (
    Arg,
    ArgPair,
    Env,
    Expose,
    Label,
    Maintainer,
    Pair,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from capas.dockerfile.ports import list_ports
from capas.dockerfile.request import Request, read_flags
from capas.dockerfile.signals import check_signal
from capas.dockerfile.words import BLANKS, Word, split_quoted
from capas.errors import CapasError


def parse_env(request: Request) -> Env:
    """ENV name=value …, or ENV name value. Raises: Invalid."""
    read_flags(request, {})
    pairs, legacy = _pairs(request)
    return Env(request.position, request.original, pairs, legacy)


def parse_label(request: Request) -> Label:
    """LABEL name=value …, or LABEL name value. Raises: Invalid."""
    read_flags(request, {})
    pairs, legacy = _pairs(request)
    return Label(request.position, request.original, pairs, legacy)


def parse_arg(request: Request) -> Arg:
    """ARG name[=default] …. Raises: Invalid."""
    read_flags(request, {})
    words = split_quoted(request.line.text, request.line.escape, request.rest_at)
    if not words:
        raise request.fault("ARG requires at least one argument")
    pairs = []
    for word in words:
        key, equals, value = word.text.partition("=")
        if not key:
            raise request.fault("the name of an ARG cannot be blank", word)
        pairs.append(ArgPair(key, value if equals else None))
    return Arg(request.position, request.original, tuple(pairs))


def parse_expose(request: Request) -> Expose:
    """EXPOSE port…. Raises: Invalid."""
    read_flags(request, {})
    words = request.words()
    if not words:
        raise request.fault("EXPOSE requires at least one argument")
    for word in words:
        if not _has_variable(word.text):
            try:
                list_ports(word.text.replace('"', "").replace("'", ""))
            except CapasError as error:
                raise request.refuse(error, word) from None
    return Expose(request.position, request.original, tuple(word.text for word in words))


def parse_volume(request: Request) -> Volume:
    """VOLUME path…, or a JSON list. Raises: Invalid."""
    read_flags(request, {})
    words = request.arguments()
    for word in words:
        if not word.text.strip():
            raise request.fault("the path of a VOLUME cannot be empty", word)
    return Volume(request.position, request.original, tuple(word.text.strip() for word in words))


def parse_user(request: Request) -> User:
    """USER user[:group]. Raises: Invalid."""
    read_flags(request, {})
    return User(request.position, request.original, request.rest_word().text)


def parse_workdir(request: Request) -> Workdir:
    """WORKDIR path. Raises: Invalid."""
    read_flags(request, {})
    return Workdir(request.position, request.original, request.rest_word().text)


def parse_stopsignal(request: Request) -> Stopsignal:
    """STOPSIGNAL signal. Raises: Invalid for what no signal is called."""
    read_flags(request, {})
    word = request.rest_word()
    if not _has_variable(word.text):
        try:
            check_signal(word.text.strip("\"'"))
        except CapasError as error:
            raise request.refuse(error, word) from None
    return Stopsignal(request.position, request.original, word.text)


def parse_maintainer(request: Request) -> Maintainer:
    """MAINTAINER name. Raises: Invalid."""
    read_flags(request, {})
    return Maintainer(request.position, request.original, request.rest_word().text)


def _pairs(request: Request) -> tuple[tuple[Pair, ...], bool]:
    words = split_quoted(request.line.text, request.line.escape, request.rest_at)
    if not words:
        raise request.fault("{instruction} requires at least one argument")
    if "=" not in words[0].text:
        return (_legacy_pair(request, words[0]),), True
    return tuple(_pair(request, word) for word in words), False


def _legacy_pair(request: Request, first: Word) -> Pair:
    parts = BLANKS.split(request.rest, maxsplit=1)
    if len(parts) < 2:
        hint = "write {instruction} {name}=value"
        raise request.fault("{instruction} requires a name and a value", first, hint=hint, name=first.text[:40])
    return Pair(parts[0], parts[1])


def _pair(request: Request, word: Word) -> Pair:
    key, equals, value = word.text.partition("=")
    if not equals:
        hint = "put quotes around a value that holds blanks"
        raise request.fault(
            "no = in {text!r}: {instruction} is written name=value", word, hint=hint, text=word.text[:60]
        )
    if not key:
        raise request.fault("the names of {instruction} cannot be blank", word)
    return Pair(key, value)


def _has_variable(text: str) -> bool:
    return "$" in text or "\\" in text or "`" in text
