"""Packages: versions that are pinned, whichever manager installs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from capas.dockerfile.checks.finding import Finding, note
from capas.dockerfile.checks.rule import Rule, Severity, hadolint_rule
from capas.dockerfile.checks.shell import Command, Word
from capas.dockerfile.checks.subject import Subject

_PINNED = "Without a version the package is whatever is newest that day"


class Manager(NamedTuple):
    """How a package manager is called. `is_pinned` looks at one package; `with_value` are flags that take a word."""

    names: tuple[str, ...]
    verbs: tuple[str, ...]
    rule: Rule
    example: str
    is_pinned: Callable[[str], bool]
    with_value: tuple[str, ...] = ()


def _has(*marks: str) -> Callable[[str], bool]:
    return lambda package: any(mark in package for mark in marks)


def _apt_pinned(package: str) -> bool:
    return "=" in package or "/" in package or package.endswith(".deb")


def _rpm_pinned(package: str) -> bool:
    parts = package.split("-")[1:]
    valid = all(re.fullmatch(r"[\w.~^:+]*", part, re.ASCII) for part in parts)
    return package.endswith(".rpm") or (valid and any(part[:1].isdigit() for part in parts))


def _apk_pinned(package: str) -> bool:
    return "=" in package or "~" in package or package.endswith(".apk")


def _zypper_pinned(package: str) -> bool:
    return any(mark in package for mark in "=<>") or package.endswith(".rpm")


def _npm_pinned(package: str) -> bool:
    if package.startswith(("git://", "git+ssh://", "git+http://", "git+https://")):
        return "#" in package
    if package.endswith((".tar", ".tar.gz", ".tgz")) or package.startswith(("/", "./", "../", "~/")):
        return True
    return "@" in (package.partition("/")[2] if package.startswith("@") else package)


def _pip_pinned(package: str) -> bool:
    if re.match(r"(?:git|hg|svn|bzr)(?:\+[a-z-]+)?(?::|$)", package):
        return "@" in package
    return any(mark in package for mark in ("==", ">=", "<=", ">", "<", "!=", "~=")) or "/" in package or (
        package.endswith((".whl", ".tar.gz"))
    )  # fmt: skip


_PIP_VALUES = (
    "abi", "b", "build", "e", "editable", "extra-index-url", "f", "find-links", "i", "index-url", "implementation",
    "no-binary", "only-binary", "platform", "prefix", "progress-bar", "proxy", "python-version", "root", "src", "t",
    "target", "trusted-host", "upgrade-strategy",
)  # fmt: skip
_MANAGERS = (
    Manager(
        ("apt-get",), ("install",), hadolint_rule("DL3008", Severity.WARNING, _PINNED), "{package}=<version>",
        _apt_pinned, ("t", "target-release", "o", "option"),
    ),
    Manager(
        ("apk",), ("add",), hadolint_rule("DL3018", Severity.WARNING, _PINNED), "{package}=<version>", _apk_pinned,
        ("t", "virtual", "repository", "X"),
    ),
    Manager(
        ("yum",), ("install",), hadolint_rule("DL3033", Severity.WARNING, _PINNED), "{package}-<version>",
        _rpm_pinned,
    ),
    Manager(
        ("zypper",), ("install",), hadolint_rule("DL3037", Severity.WARNING, _PINNED), "{package}=<version>",
        _zypper_pinned,
    ),
    Manager(
        ("dnf", "microdnf"), ("install",), hadolint_rule("DL3041", Severity.WARNING, _PINNED), "{package}-<version>",
        _rpm_pinned,
    ),
    Manager(
        ("npm",), ("install",), hadolint_rule("DL3016", Severity.WARNING, _PINNED), "{package}@<version>", _npm_pinned
    ),
    Manager(
        ("gem",), ("install", "i"), hadolint_rule("DL3028", Severity.WARNING, _PINNED), "{package}:<version>",
        _has(":"),
    ),
    Manager(
        ("pip",), ("install",), hadolint_rule("DL3013", Severity.WARNING, _PINNED), "{package}==<version>",
        _pip_pinned, _PIP_VALUES,
    ),
)  # fmt: skip
RULES = tuple(manager.rule for manager in _MANAGERS)


def check_pins(subject: Subject) -> Iterator[Finding]:
    """Packages without a version."""
    for found in subject.runs:
        for manager in _MANAGERS:
            loose = next((loose for command in found.script.commands for loose in _loose(manager, command)), None)
            if loose is not None:
                yield note(
                    manager.rule, found.script.at(loose), "{package} has no version", package=loose.text,
                    example=manager.example.format(package=loose.text), hint="write {example}",
                )  # fmt: skip


def _loose(manager: Manager, command: Command) -> Iterator[Word]:
    words = _arguments(manager, command)
    verb = next((word for word in words if word.text in manager.verbs), None)
    if verb is None or _is_exempt(manager, command, words):
        return
    for word in words[words.index(verb) + 1 :]:
        if not manager.is_pinned(word.text) and word.text not in (*manager.verbs, "--"):
            yield word


def _arguments(manager: Manager, command: Command) -> list[Word]:
    if "pip" in manager.names:
        return command.plain(*manager.with_value) if is_pip(command) else []
    return command.plain(*manager.with_value) if command.name.text in manager.names else []


def _is_exempt(manager: Manager, command: Command, words: list[Word]) -> bool:
    """Where versions are said elsewhere: in a file, by a flag."""
    first = words[0].text if words else ""
    if "pip" in manager.names:
        named = {word.text for word in command.words}
        return command.has_flag("constraint", "c") or bool(named & {"-r", "--requirement", "."}) or any(
            text.startswith(("--requirement=", "-r")) for text in named
        )  # fmt: skip
    if "npm" in manager.names:
        return first not in manager.verbs
    if "gem" in manager.names:
        return command.flag_value("v", "version") is not None
    return "dnf" in manager.names and (command.has("module") or command.has("group"))


def is_pip(command: Command) -> bool:
    """Whether it is pip, by whatever name, and installs."""
    name = command.name.text
    by_name = re.match(r"pip[0-9.]*$", name) is not None
    by_module = name.startswith("python") and any(
        one.text == "-m" and two.text.startswith("pip") and not two.text.startswith(("pipx", "pipenv"))
        for one, two in zip(command.words, command.words[1:], strict=False)
    )
    return (by_name or by_module) and command.has("install")
