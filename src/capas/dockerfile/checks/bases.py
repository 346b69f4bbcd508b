"""FROM: its platform, and how exactly it names the image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from capas.dockerfile.checks.finding import Edit, Finding, note
from capas.dockerfile.checks.rule import Severity, docker_rule, hadolint_rule
from capas.dockerfile.checks.subject import StageText, Subject
from capas.dockerfile.checks.variables import AUTOMATIC, global_variables, try_word
from capas.dockerfile.expand import Expander
from capas.dockerfile.position import Position
from capas.dockerfile.words import Word

REDUNDANT_PLATFORM = docker_rule(
    "RedundantTargetPlatform", "The target platform is what FROM takes anyway", "redundant-target-platform", "DL3065"
)
INVALID_DEFAULT = docker_rule(
    "InvalidDefaultArgInFrom",
    "With its defaults alone the Dockerfile cannot be built",
    "invalid-default-arg-in-from",
)
CONST_PLATFORM = docker_rule(
    "FromPlatformFlagConstDisallowed",
    "A fixed platform in FROM makes every image that platform's, whatever is asked for",
    "from-platform-flag-const-disallowed",
    "DL3029",
)
UNTAGGED = hadolint_rule("DL3006", Severity.WARNING, "Without a tag the base is whatever latest is that day")
LATEST = hadolint_rule("DL3007", Severity.WARNING, "The tag latest moves, and the image changes with it")
RULES = (REDUNDANT_PLATFORM, INVALID_DEFAULT, CONST_PLATFORM, UNTAGGED, LATEST)

_TARGET = re.compile(r"\$(?:TARGETPLATFORM|\{TARGETPLATFORM\})")
# docker's grammar of a reference, as far as it can be wrong in a Dockerfile (capas.reference is above this room)
_REFERENCE = re.compile(
    r"(?:[a-zA-Z0-9\[][\w.:\[\]-]*/)?[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*(?::\w[\w.-]{0,127})?(?:@\w+:[0-9a-f]{32,})?",
    re.ASCII,
)


def check_platforms(subject: Subject) -> Iterator[Finding]:
    """--platform=$TARGETPLATFORM, and one without any variable."""
    for stage in subject.stages:
        platform = stage.stage.platform
        flag = next((flag for flag in stage.request.flags if flag.text.startswith("--platform=")), None)
        if not flag or not platform:
            continue
        place = stage.request.line.at(flag.start, flag.end)
        if _TARGET.fullmatch(platform):
            yield note(
                REDUNDANT_PLATFORM, place,
                "Setting platform to predefined {platform} in FROM is redundant as this is the default behavior",
                platform=platform, hint="leave the flag out", edits=_without_flag(stage, flag),
            )  # fmt: skip
        elif "$" not in platform and not _names_platform(stage.name, platform):
            yield note(
                CONST_PLATFORM, place, 'FROM --platform flag should not use constant value "{platform}"',
                platform=platform, hint="give --platform to the build, or write --platform=$BUILDPLATFORM",
            )  # fmt: skip


def check_defaults(subject: Subject) -> Iterator[Finding]:
    """What FROM names when no --build-arg is given."""
    values = {**AUTOMATIC, **global_variables(subject)}
    for stage in subject.stages:
        base = try_word(Expander(values, subject.escape), stage.stage.base)
        if not _REFERENCE.fullmatch(base):
            yield note(
                INVALID_DEFAULT, stage.request.position,
                "Default value for ARG {base} results in empty or invalid base image name", base=stage.stage.base,
                hint="give the ARG before FROM a default",
            )  # fmt: skip


def check_tags(subject: Subject) -> Iterator[Finding]:
    """No tag, and the tag latest."""
    for stage in subject.stages:
        base = stage.stage.base
        place = _base_place(stage)
        name, _, tag = base.rpartition("/")[2].partition(":")
        if "@" in base or base == "scratch" or subject.find_stage(base, stage.stage.index):
            continue
        if not tag and not base.startswith("$"):
            yield note(
                UNTAGGED, place, "{base} has no tag", base=base, name=name, hint="name one, like {name}:<version>"
            )
        elif tag == "latest":
            yield note(
                LATEST, place, "{base} moves with every release", base=base, name=name,
                hint="name a version, like {name}:<version>",
            )  # fmt: skip


def _names_platform(name: str, platform: str) -> bool:
    """A stage that is called after its platform is meant to be that one."""
    return any(part and part in name.lower() for part in platform.lower().split("/")[:2])


def _without_flag(stage: StageText, flag: Word) -> list[Edit]:
    line = stage.request.line
    end = flag.end
    while end < len(line.text) and line.text[end] in " \t":
        end += 1
    place = line.at(flag.start, end)
    return [Edit(place, "")] if place.line == place.end_line else []


def _base_place(stage: StageText) -> Position:
    word = stage.request.words()[0]
    return stage.request.line.at(word.start, word.end)
