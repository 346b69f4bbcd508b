"""URLs of contexts and of ADD: which kind they are, and how they are shown."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_GIT = re.compile(r"(?:git://|ssh://|[\w.-]+@[\w.-]+:|https?://[^#?]*\.git(?:[#?]|$))", re.ASCII)
_GITHUB = re.compile(r"github\.com/[^/#?]+/[^/#?]+/?(?:[#?]|$)")
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(\w+://)[^/\s]*@")


def is_git(text: str) -> bool:
    """Whether it names a git repository, wherever it stands."""
    return _GIT.match(text) is not None


def is_git_context(text: str) -> bool:
    """The same of a build context, which may leave out the scheme before github.com."""
    return is_git(text) or _GITHUB.match(text) is not None


def is_http(text: str) -> bool:
    """Whether it is to be downloaded."""
    return _HTTP.match(text) is not None and not is_git(text)


def name_in(url: str) -> bytes:
    """What a file from this URL is called: the last part of its path."""
    return unquote(urlsplit(url).path).rpartition("/")[2].encode(errors="surrogateescape") or b"__unnamed__"


def without_credentials(text: str) -> str:
    """The text with the user and password of every URL in it taken out: what may be shown and recorded."""
    return _CREDENTIALS.sub(r"\1", text)
