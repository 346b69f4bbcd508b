"""A rule: its name, how grave it is, and why it is there."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

_DOCKER = "https://docs.docker.com/go/dockerfile/rule/{}/"
_HADOLINT = "https://github.com/hadolint/hadolint/wiki/{}"


class Severity(IntEnum):
    """How grave a finding is: hadolint's words, mildest first."""

    STYLE = 1
    INFO = 2
    WARNING = 3
    ERROR = 4

    def __str__(self) -> str:
        return self.name.lower()


class Rule(NamedTuple):
    """`why` is one sentence, `aliases` hadolint's codes for (nearly) the same; `experimental` ones are asked for."""

    name: str
    severity: Severity
    why: str
    url: str = ""
    experimental: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def of_docker(self) -> bool:
        """Whether BuildKit has this rule too: these are shown after a build and by `build --check`."""
        return self.url.startswith("https://docs.docker.com/")


def docker_rule(name: str, why: str, page: str, *aliases: str, experimental: bool = False) -> Rule:
    """One of BuildKit's documented build checks. Spec: docs.docker.com, "Build checks"."""
    return Rule(name, Severity.WARNING, why, _DOCKER.format(page), experimental, aliases)


def hadolint_rule(code: str, severity: Severity, why: str) -> Rule:
    """One of hadolint's, under its code."""
    return Rule(code, severity, why, _HADOLINT.format(code))
