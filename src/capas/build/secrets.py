"""Secrets of a build: where `--secret` says they are, read when a step first asks and shown to nobody else.

Spec: docker's documentation, "docker buildx build", `--secret`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from capas.errors import Exhausted, Invalid, NotFound
from capas.run.concealed import Concealed

_LARGEST = 500 * 1024  # as BuildKit's
_SHORTEST, _STARS = 4, "****"  # a shorter secret would cover what is none
_KINDS = ("file", "env")
_HINT = "write it like id=token,src=token.txt or id=token,env=TOKEN"


class SecretSource(NamedTuple):
    """A file's path or a variable's name. Neither: the variable of the secret's id if it is set, or the file."""

    path: str = ""
    variable: str = ""


def parse_secret(text: str) -> tuple[str, SecretSource]:
    """The id and the source in `id=…[,src=…|,env=…][,type=file|env]`. Raises: Invalid, telling no value."""
    import csv  # most builds have no secret

    given: dict[str, str] = {}
    try:
        fields = next(csv.reader([text], strict=True), [])
    except csv.Error:
        raise Invalid("--secret cannot be read: a quote is not closed", hint=_HINT) from None
    for field in fields:
        key, equals, value = field.partition("=")
        name = {"src": "source"}.get(key.lower(), key.lower())
        if name not in ("id", "type", "source", "env") or not equals:
            raise Invalid("--secret has no option {key!r}", key=key[:40], hint=_HINT)
        given[name] = value
    if not given.get("id"):
        raise Invalid("--secret needs an id", hint=_HINT)
    if given.get("type", "file") not in _KINDS:
        raise Invalid("unknown type of a secret: {kind!r}", kind=given["type"][:40], hint="it is file or env")
    path, variable = given.get("source", ""), given.get("env", "")
    if given.get("type") == "env" and not variable:
        path, variable = "", path or given["id"]
    return given["id"], SecretSource(path, variable)


class Secrets:
    """The secrets of one build. Safe from many threads."""

    def __init__(
        self,
        sources: Mapping[str, SecretSource],
        environ: Mapping[str, str],
        ask: Callable[[str], bytes | None] | None = None,
    ) -> None:
        """`ask` knows those without a source. Raises: NotFound for a file that is not there; Exhausted, too large."""
        self._environ = environ
        self._ask = ask
        self._sources = {name: self._settled(name, source) for name, source in sources.items()}
        self._lock = threading.Lock()
        self._read: dict[str, Concealed] = {}
        for name, source in self._sources.items():
            if not source.variable:
                _check(name, Path(source.path))

    def find(self, name: str) -> Concealed | None:
        """The secret of this id; None where none was given, or its variable is not set. Raises: NotFound; Exhausted."""
        source = self._sources.get(name)
        if source is not None and source.variable and source.variable not in self._environ:
            return None
        with self._lock:
            found = self._read.get(name)
            if found is None:
                data = self._load(name, source) if source else self._ask(name) if self._ask else None
                if data is None:
                    return None
                found = self._read[name] = Concealed(data)
            return found

    def _settled(self, name: str, source: SecretSource) -> SecretSource:
        if source.path or source.variable:
            return source
        return SecretSource(variable=name) if name in self._environ else SecretSource(path=name)

    def _load(self, name: str, source: SecretSource) -> bytes:
        if source.variable:
            return self._environ[source.variable].encode(errors="surrogateescape")
        path = Path(source.path)
        try:
            with path.open("rb") as file:
                data = file.read(_LARGEST + 1)
        except OSError as error:
            raise _unreadable(name, path, error) from None
        if len(data) > _LARGEST:
            raise _too_large(name, path)
        return data


class Mask:
    """Puts stars in the place of secrets in what a step prints: each whole, and each of its lines."""

    def __init__(self, secrets: Iterable[Concealed]) -> None:
        texts = [secret.reveal().decode(errors="replace") for secret in secrets]
        lines = {line.strip() for text in texts for line in text.splitlines()}
        self._words = sorted((line for line in lines if len(line) >= _SHORTEST), key=len, reverse=True)

    def cover(self, text: str) -> str:
        """The text without them."""
        for word in self._words:
            text = text.replace(word, _STARS)
        return text


def _check(name: str, path: Path) -> None:
    try:
        if path.stat().st_size > _LARGEST:
            raise _too_large(name, path)
    except OSError as error:
        raise _unreadable(name, path, error) from None


def _unreadable(name: str, path: Path, error: OSError) -> NotFound:
    return NotFound("secret {name}: cannot read {path}: {why}", name=name, path=str(path), why=error.strerror or "?")


def _too_large(name: str, path: Path) -> Exhausted:
    return Exhausted("secret {name}: {path} has more than {limit} bytes", name=name, path=str(path), limit=_LARGEST)
