"""Expansion: variables replaced in the words of an instruction that may hold them, and in no others.

Expanded: ADD, COPY (also heredocs whose delimiter is not quoted), ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME,
WORKDIR, the options of RUN --mount, FROM. Not: RUN, CMD, ENTRYPOINT, HEALTHCHECK, SHELL, MAINTAINER; ONBUILD when it is
triggered; ARG is `scope`'s. One instruction sees the variables as they were before it: after `ENV a=1 b=$a`, b is what
a was.

Spec: Dockerfile reference, "Environment replacement".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from capas.dockerfile.instructions import (
    Add,
    Copy,
    Env,
    Expose,
    Heredoc,
    Instruction,
    Label,
    Pair,
    Run,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from capas.dockerfile.mount import parse_mount
from capas.dockerfile.ports import list_ports
from capas.dockerfile.shellwords import Rules, read_shell
from capas.dockerfile.signals import check_signal
from capas.errors import CapasError, Invalid

C = TypeVar("C", Add, Copy)

_IN_HEREDOC = Rules(plain_quotes=True)


class Expander:
    """Replaces variables, and remembers which it met: `used` had a value, `missing` had none."""

    def __init__(self, variables: Mapping[str, str], escape: str = "\\") -> None:
        self._variables = variables
        self._rules = Rules(escape=escape)
        self.used: set[str] = set()
        self.missing: set[str] = set()

    def word(self, text: str) -> str:
        """The text as one word. Raises: Invalid."""
        return self._read(text, self._rules)[0]

    def words(self, text: str) -> tuple[str, ...]:
        """The text cut at its unquoted blanks, also those that came out of variables. Raises: Invalid."""
        return self._read(text, self._rules)[1]

    def heredoc(self, doc: Heredoc) -> Heredoc:
        """A heredoc as COPY and ADD write it: quotes are plain there. Raises: Invalid."""
        if not doc.expand:
            return doc
        return doc._replace(content=self._read(doc.data, _IN_HEREDOC)[0], chomp=False)

    def _read(self, text: str, rules: Rules) -> tuple[str, tuple[str, ...]]:
        try:
            read = read_shell(text, self._variables, rules)
        except CapasError as error:
            shown = text if len(text) <= 100 else text[:100] + "…"
            raise Invalid(
                "cannot expand {word!r}: {why}", word=shown, why=error.told, hint="{advice}", advice=error.advised
            ) from None
        self.used |= read.used
        self.missing |= read.missing
        return read.text, read.words


def expand_word(text: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """One word with its variables replaced, its quotes and escapes resolved.

    Raises: Invalid for what cannot be read, and where `${name?message}` says so.

    >>> expand_word("${greeting:-hello} 'and $so' on", {})
    'hello and $so on'
    """
    return Expander(variables, escape).word(text)


def expand_words(text: str, variables: Mapping[str, str], escape: str = "\\") -> tuple[str, ...]:
    """The same, cut into words. Raises: Invalid."""
    return Expander(variables, escape).words(text)


def expand_instruction(instruction: Instruction, expander: Expander) -> Instruction:
    """The instruction with its words expanded; one that holds no variables comes back as it is.

    EXPOSE comes back as sorted `port/protocol`. Raises: Invalid (without a place: see `Source.locate`).
    """
    expand = _EXPANSIONS.get(type(instruction))
    return instruction if expand is None else expand(instruction, expander)


def _expand_places(instruction: C, expander: Expander) -> C:
    common: dict[str, Any] = {
        "sources": tuple(expander.word(word) for word in instruction.sources),
        "target": expander.word(instruction.target),
        "chown": expander.word(instruction.chown),
        "chmod": expander.word(instruction.chmod),
        "exclude": tuple(expander.word(word) for word in instruction.exclude),
        "heredocs": tuple(expander.heredoc(doc) for doc in instruction.heredocs),
    }
    return instruction._replace(**common)


def _expand_add(instruction: Add, expander: Expander) -> Add:
    return _expand_places(instruction, expander)._replace(checksum=expander.word(instruction.checksum))


def _expand_run(instruction: Run, expander: Expander) -> Run:
    return instruction._replace(mounts=tuple(parse_mount(mount.text, expander.word) for mount in instruction.mounts))


def _expand_pairs(pairs: tuple[Pair, ...], expander: Expander) -> tuple[Pair, ...]:
    return tuple(Pair(expander.word(pair.key), expander.word(pair.value)) for pair in pairs)


def _expand_env(instruction: Env, expander: Expander) -> Env:
    return instruction._replace(pairs=_expand_pairs(instruction.pairs, expander))


def _expand_label(instruction: Label, expander: Expander) -> Label:
    return instruction._replace(pairs=_expand_pairs(instruction.pairs, expander))


def _expand_expose(instruction: Expose, expander: Expander) -> Expose:
    words = [word for port in instruction.ports for word in expander.words(port)]
    return instruction._replace(ports=tuple(sorted({port for word in words for port in list_ports(word)})))


def _expand_volume(instruction: Volume, expander: Expander) -> Volume:
    paths = tuple(expander.word(path) for path in instruction.paths)
    if not all(paths):
        raise Invalid("the path of a VOLUME cannot be empty")
    return instruction._replace(paths=paths)


def _expand_stopsignal(instruction: Stopsignal, expander: Expander) -> Stopsignal:
    signal = expander.word(instruction.signal)
    check_signal(signal)
    return instruction._replace(signal=signal)


def _expand_user(instruction: User, expander: Expander) -> User:
    return instruction._replace(user=expander.word(instruction.user))


def _expand_workdir(instruction: Workdir, expander: Expander) -> Workdir:
    return instruction._replace(path=expander.word(instruction.path))


_EXPANSIONS: dict[type, Callable[[Any, Expander], Instruction]] = {
    Add: _expand_add,
    Copy: _expand_places,
    Run: _expand_run,
    Env: _expand_env,
    Label: _expand_label,
    Expose: _expand_expose,
    Volume: _expand_volume,
    Stopsignal: _expand_stopsignal,
    User: _expand_user,
    Workdir: _expand_workdir,
}
