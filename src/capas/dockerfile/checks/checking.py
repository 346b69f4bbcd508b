"""Checking: all the rules, over one Dockerfile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType

from capas.dockerfile.checks import (
    bases,
    caches,
    commands,
    files,
    naming,
    packages,
    settings,
    variables,
)
from capas.dockerfile.checks.finding import Finding
from capas.dockerfile.checks.options import CheckOptions, Pragmas, parse_options
from capas.dockerfile.checks.rule import Rule
from capas.dockerfile.checks.subject import Subject
from capas.dockerfile.position import Position
from capas.errors import CapasError

RULES: tuple[Rule, ...] = (
    *naming.RULES, *settings.RULES, *variables.RULES, *bases.RULES, *files.RULES, *commands.RULES, *packages.RULES,
    *caches.RULES,
)  # fmt: skip
BY_NAME = MappingProxyType({name: rule for rule in RULES for name in (rule.name, *rule.aliases)})
"""Every rule, by its name and by hadolint's codes for it."""

_CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    naming.check_stage_names, naming.check_as, naming.check_keywords, naming.check_continuations,
    naming.check_descriptions, settings.check_json_args, settings.check_maintainer, settings.check_workdir,
    settings.check_once, settings.check_pairs, settings.check_ports, settings.check_users, settings.check_label_keys,
    variables.check_from, variables.check_variables, variables.check_secrets, variables.check_same_env,
    bases.check_platforms, bases.check_defaults, bases.check_tags, files.check_ignored, files.check_add,
    files.check_extracted, files.check_sources, files.check_targets, commands.check_commands,
    commands.check_downloads, commands.check_consecutive, commands.check_pipes, packages.check_pins,
    caches.check_answers, caches.check_apt, caches.check_caches, caches.check_upgrade, caches.check_pip,
)  # fmt: skip


def find_all(subject: Subject, options: CheckOptions | None = None, *, only_docker: bool = False) -> list[Finding]:
    """What breaks a rule that counts, in the order of the file. `only_docker`: BuildKit's own rules.

    `options`: the file's own (`list_options`) where None.
    """
    chosen = list_options(subject) if options is None else options
    found = [
        finding
        for check in _CHECKS
        for finding in check(subject)
        if chosen.wants(finding.rule) and (finding.rule.of_docker or not only_docker)
    ]
    pragmas = Pragmas(subject)
    kept = found if only_docker else [finding for finding in found if not pragmas.allow(finding)]
    return sorted(kept, key=lambda finding: (finding.position[:2], finding.rule.name))


def list_options(subject: Subject, given: str | None = None) -> CheckOptions:
    """The options of the `check` directive; `given` (BUILDKIT_DOCKERFILE_CHECK) wins over it.

    Raises: Invalid, at the directive.
    """
    text = dict(subject.lexed.directives).get("check", "") if given is None else given
    try:
        return parse_options(text, BY_NAME)
    except CapasError as error:
        if given is not None:
            raise
        raise subject.source.locate(error, _directive_position(subject)) from None


def _directive_position(subject: Subject) -> Position:
    for row, text in enumerate(subject.source.lines, 1):
        if text.startswith("#") and text[1:].strip().lower().startswith("check"):
            return Position.at(row, 1, len(text))
    return Position.at(1, 1)
