"""Caches, logs and temporary files that were left in an image: what they are, and what would not have left them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class Habit(NamedTuple):
    """A kind of leftovers. `pattern` fits whole paths; `cleaning` is a command that takes them away in the same RUN.

    `flag` are a command and itself with the option that leaves nothing behind, where there is one.
    """

    pattern: str
    cleaning: str
    flag: tuple[str, str] | None = None


HABITS: Mapping[str, Habit] = {
    "apt lists": Habit(r"var/lib/apt/lists/(?!lock$|partial$).+", "rm -rf /var/lib/apt/lists/*"),
    "apt cache": Habit(r"var/cache/apt/(?!archives/lock$).+", "apt-get clean"),
    "apk cache": Habit(r"(?:var/cache/apk|etc/apk/cache)/.+", "rm -rf /var/cache/apk/*",
                       ("apk add", "apk add --no-cache")),
    "dnf cache": Habit(r"var/cache/(?:libdnf5|dnf|yum)/.+", "dnf clean all"),
    "zypper cache": Habit(r"var/cache/zypp/.+", "zypper clean --all"),
    "pacman cache": Habit(r"var/cache/pacman/pkg/.+", "rm -rf /var/cache/pacman/pkg/*"),
    "pip cache": Habit(r"(?:root|home/[^/]+)/\.cache/pip/.+", "rm -rf ~/.cache/pip",
                       ("pip install", "pip install --no-cache-dir")),
    "uv cache": Habit(r"(?:root|home/[^/]+)/\.cache/uv/.+", "rm -rf ~/.cache/uv"),
    "npm cache": Habit(r"(?:root|home/[^/]+)/\.npm/.+", "rm -rf ~/.npm"),
    "yarn cache": Habit(r"(?:(?:root|home/[^/]+)/\.cache/yarn|usr/local/share/\.cache)/.+", "yarn cache clean"),
    "go cache": Habit(r"(?:root|home/[^/]+)/\.cache/go-build/.+", "rm -rf ~/.cache/go-build"),
    "Python bytecode": Habit(r"(?:.*/)?__pycache__/[^/]+\.pyc", "find / -xdev -name __pycache__ -exec rm -rf {} +",
                             ("pip install", "pip install --no-compile")),
    "logs": Habit(r"var/log/.+", "find /var/log -type f -delete"),
    "temporary files": Habit(r"(?:var/)?tmp/.+", "rm -rf /tmp/* /var/tmp/*"),
}  # fmt: skip

_ANY = re.compile("|".join(f"(?P<k{number}>{habit.pattern})" for number, habit in enumerate(HABITS.values())).encode(),
                  re.DOTALL)  # fmt: skip
_KINDS = tuple(HABITS)
_PLACES = (b"var/", b"tmp/", b"root/.", b"home/", b"etc/apk/", b"usr/local/share/.cache/")
"""Where all of them are, but for bytecode: most files of an image are elsewhere."""


def may_hold(folder: bytes) -> bool:
    """Whether leftovers may be right in a directory (its path without the first slash): in most there are none."""
    path = folder + b"/"
    return path.startswith(_PLACES) or b"__pycache__/" in path


def find_habit(path: bytes) -> str | None:
    """The kind of leftovers that a file's path (without its first slash) tells, None for any other file."""
    if not may_hold(path.rpartition(b"/")[0]):
        return None
    match = _ANY.fullmatch(path)
    return _KINDS[int(match.lastgroup[1:])] if match and match.lastgroup else None
