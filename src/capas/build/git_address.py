"""Addresses of git repositories: which texts are one, and what they ask for beside the repository.

`url#ref:subdirectory`, or since Dockerfile 1.18 `url?key=value&…` with ref, tag, branch, commit (or checksum), subdir,
keep-git-dir and submodules.

Spec: docker's documentation, "Build context", "Git repositories".
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from capas.errors import Invalid

_COMMIT = re.compile(r"[0-9a-f]{1,64}", re.IGNORECASE)
_SHORTEST = 4  # of what may be a commit rather than a branch, as git has it
_TRUE, _FALSE = frozenset({"", "1", "t", "true"}), frozenset({"0", "f", "false"})
_ALIASES = {"checksum": "commit"}
_KNOWN = ("ref", "tag", "branch", "commit", "checksum", "subdir", "keep-git-dir", "submodules")


class Login(NamedTuple):
    """The user and password of an address. They are not shown where the value is."""

    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Login(…)" if self.user else "Login()"


class GitAddress(NamedTuple):
    """What an address asks for. `url` holds no password; an empty `ref` is the remote's HEAD.

    `commit` is what the commit's id has to begin with; `keep_git_dir` None: as the place where it stands asks.
    """

    url: str
    ref: str = ""
    subdirectory: str = ""
    commit: str = ""
    keep_git_dir: bool | None = None
    submodules: bool = True
    login: Login = Login()

    @classmethod
    def parse(cls, text: str) -> GitAddress:
        """The address in docker's forms. Raises: Invalid, naming the part that is wrong."""
        if text.startswith("github.com/"):
            text = f"https://{text}"
        whole, _, fragment = text.partition("#")
        place, _, query = whole.partition("?")
        url, login = _without_login(place)
        ref, _, subdirectory = fragment.partition(":")
        address = cls(url, ref, subdirectory, login=login)
        if query:
            address = _with_query(address, query)
        _check_ref(address.ref)
        return address

    def with_commit(self, text: str) -> GitAddress:
        """The same, whose commit's id has to begin with this. Raises: Invalid for what is no such beginning."""
        commit = _commit(text)
        return self._replace(commit=commit, ref=self.ref or commit)

    @property
    def is_commit(self) -> bool:
        """Whether the ref is the whole id of a commit, which can be asked for as it is."""
        return len(self.ref) in (40, 64) and _COMMIT.fullmatch(self.ref) is not None

    @property
    def may_be_commit(self) -> bool:
        """Whether the ref could be the beginning of a commit's id."""
        return len(self.ref) >= _SHORTEST and _COMMIT.fullmatch(self.ref) is not None


def _without_login(url: str) -> tuple[str, Login]:
    """The address of a web server without its user and password; ssh's user is part of the address."""
    if not url.startswith(("http://", "https://")):
        return url, Login()
    parts = urlsplit(url)
    info, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, Login()
    user, _, password = info.partition(":")
    login = Login(unquote(user), unquote(password))
    if any(ord(char) < 32 for char in login.user + login.password):  # git's helpers speak in lines
        raise Invalid("the user or password in the git address {url} holds a control character", url=host)
    return urlunsplit(parts._replace(netloc=host)), login


def _with_query(address: GitAddress, query: str) -> GitAddress:
    given = _read_query(query)
    refs = [address.ref] if address.ref else []
    refs += [given["ref"]] if "ref" in given else []
    refs += [_full(given[kind], f"refs/{folder}/") for kind, folder in (("tag", "tags"), ("branch", "heads"))
             if kind in given]  # fmt: skip
    commit = _commit(given.get("commit", ""))
    subdirectories = [text for text in (address.subdirectory, given.get("subdir", "")) if text]
    return address._replace(
        ref=_only("ref", refs) or commit,
        subdirectory=_only("subdirectory", subdirectories),
        commit=commit,
        keep_git_dir=_switch("keep-git-dir", given["keep-git-dir"]) if "keep-git-dir" in given else None,
        submodules=_switch("submodules", given.get("submodules", "")),
    )


def _read_query(query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in _KNOWN:
            raise Invalid(
                "a git address has no {key!r}", key=key[:40], known=", ".join(_KNOWN), hint="it knows {known}"
            )
        if not value and key not in ("keep-git-dir", "submodules"):
            raise Invalid("{key} in the git address has no value", key=key)
        name = _ALIASES.get(key, key)
        if name in given:
            raise Invalid("{key} stands twice in the git address", key=key)
        given[name] = value
    return given


def _only(what: str, words: list[str]) -> str:
    if len(set(words)) > 1:
        raise Invalid("the git address names two of {what}: {words}", what=what, words=", ".join(words))
    return words[0] if words else ""


def _full(name: str, prefix: str) -> str:
    return name if name.startswith(prefix) else prefix + name


def _switch(key: str, value: str) -> bool:
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise Invalid("{key} is true or false, not {value!r}", key=key, value=value[:40])


def _commit(text: str) -> str:
    if text and _COMMIT.fullmatch(text) is None:
        raise Invalid("not a commit: {text!r}", text=text[:100], hint="write its id in hexadecimal")
    return text.lower()


def _check_ref(ref: str) -> None:
    if ref.startswith("-") or any(char.isspace() or ord(char) < 32 or char in "^:?*[\\~" for char in ref):
        raise Invalid("not a git ref: {ref!r}", ref=ref[:100])
