"""Names that people give: accounts, organisations, teams, robots, tokens."""

from __future__ import annotations

import re

from capas.errors import Invalid

# a name is the first part of a repository's name, so it is written as those are
_NAMESPACE = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", re.ASCII)
_LONGEST = 64
_SCOPE = re.compile(r"[a-z0-9._*-]+(?:/[a-z0-9._*-]+)*", re.ASCII)
OFFICIAL = "library"
# what stands in the hub's own addresses, or would be taken for somebody in charge
_RESERVED = frozenset({
    OFFICIAL, "admin", "administrator", "anonymous", "api", "explore", "health", "login", "logout", "metrics", "new",
    "nobody", "o", "oidc", "organisations", "r", "ready", "root", "search", "session", "settings", "setup", "static",
    "system", "token", "u", "users", "v1", "v2",
})  # fmt: skip


def check_namespace(name: str) -> str:
    """The name of a person or an organisation. Raises: Invalid."""
    if name in _RESERVED:
        raise Invalid("the name {name} is kept for the hub itself", name=name, hint="choose another name")
    return check_name(name)


def check_name(name: str) -> str:
    """The name of a team, a robot or a token. Raises: Invalid."""
    if not (2 <= len(name) <= _LONGEST and _NAMESPACE.fullmatch(name)):
        raise Invalid(
            "not a name: {name}",
            name=name[:100],
            hint="2 to 64 small letters and digits, with single dots, hyphens and underscores between them",
        )
    return name


def check_pattern(pattern: str) -> str:
    """Which repositories a token is for. Raises: Invalid."""
    if not (len(pattern) <= 255 and _SCOPE.fullmatch(pattern)):
        raise Invalid(
            "not a pattern of repositories: {pattern}",
            pattern=pattern[:100],
            hint="write a repository's name, where * stands for anything: acme/*",
        )
    return pattern


def namespace_of(repository: str) -> str:
    """The first part of a repository's name; empty where it has only one."""
    first, slash, _ = repository.partition("/")
    return first if slash else ""
