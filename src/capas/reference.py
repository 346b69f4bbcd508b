"""References: `docker.io/library/debian:bookworm@sha256:…`, read and written as docker does.

Spec: distribution/reference, "Grammar"; docker's rules for short names (`nginx` is `docker.io/library/nginx:latest`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from capas.errors import Invalid, Told
from capas.oci.digest import Digest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_LONGEST = 4096
_DOMAIN = re.compile(
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*"
    r"|\[[a-fA-F0-9:]+\])(?::[0-9]+)?",
    re.ASCII,
)
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}", re.ASCII)


class Reference(NamedTuple):
    """A name in normal form: `domain` is a registry (host and port), `path` the repository in it.

    >>> str(Reference.parse("nginx"))
    'docker.io/library/nginx'
    >>> str(Reference.parse("nginx").with_default_tag())
    'docker.io/library/nginx:latest'
    """

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The reference that docker would read in `text`.

        Raises: Invalid, saying which part is wrong and how it should look.
        """
        if len(text) > _LONGEST:
            raise _invalid(text, "it is longer than any name can be")
        if _IDENTIFIER.fullmatch(text):
            raise _invalid(text, "64 hex digits are an image id, not a name")
        rest, at, digest_text = text.partition("@")
        digest = Digest.parse(digest_text) if at else None
        rest, tag = _split_tag(rest)
        domain, path = _split_domain(rest)
        _check(text, domain, path, tag)
        return cls(domain, path, tag, digest)

    @property
    def name(self) -> str:
        """The repository with its registry: `docker.io/library/debian`."""
        return f"{self.domain}/{self.path}"

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def familiar_name(self) -> str:
        """The repository as people write it: `debian`, `me/app`, `localhost:5000/app`."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        short = self.path.removeprefix("library/")
        return self.path if "/" in short else short

    @property
    def familiar(self) -> str:
        """The whole as people write it."""
        return self.familiar_name + str(self)[len(self.name) :]

    def with_tag(self, tag: str | None) -> Reference:
        """The same repository under another tag, and no digest. Raises: Invalid."""
        if tag is not None and not _TAG.fullmatch(tag):
            raise _invalid(f"{self.familiar_name}:{tag}"[:200], "a tag is at most 128 letters, digits, '_', '.', '-'")
        return self._replace(tag=tag, digest=None)

    def with_digest(self, digest: Digest) -> Reference:
        """The same repository by digest, and no tag."""
        return self._replace(tag=None, digest=digest)

    def with_default_tag(self) -> Reference:
        """With `latest` where there is neither tag nor digest."""
        return self if self.tag or self.digest else self._replace(tag=DEFAULT_TAG)


def _split_tag(rest: str) -> tuple[str, str | None]:
    name, colon, tag = rest.rpartition(":")
    if colon and "/" not in tag and name:
        return name, tag
    return rest, None


def _split_domain(rest: str) -> tuple[str, str]:
    first, slash, remainder = rest.partition("/")
    is_domain = slash and (any(c in first for c in ".:[") or first == "localhost" or first.lower() != first)
    domain, path = (first, remainder) if is_domain else (DEFAULT_DOMAIN, rest)
    if domain == "index.docker.io":
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = f"library/{path}"
    return domain, path


def _check(text: str, domain: str, path: str, tag: str | None) -> None:
    if path.lower() != path:
        raise _invalid(text, "a repository is written in lower case", hint="try {lower}", lower=text.lower())
    if not _DOMAIN.fullmatch(domain):
        raise _invalid(text, "{domain!r} is not a host name", domain=domain)
    if len(path) > 255:
        raise _invalid(text, "a repository has at most 255 characters")
    for component in path.split("/"):
        if not _COMPONENT.fullmatch(component):
            raise _invalid(text, "a repository has letters, digits, and single '.', '_', '-' between them")
    if tag is not None and not _TAG.fullmatch(tag):
        raise _invalid(text, "a tag is at most 128 letters, digits, '_', '.', '-'")


def _invalid(text: str, why: str, hint: str = "", **facts: object) -> Invalid:
    shown = text if len(text) <= 200 else text[:200] + "…"
    told = Told(why, facts)
    return Invalid("invalid reference {reference!r}: {why}", hint=hint, **{**facts, "reference": shown, "why": told})
