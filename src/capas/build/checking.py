"""Checks of a build: what docker's rules say of its Dockerfile, with what is known of the images below."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from capas.build.context import Context
from capas.build.plan import Planner
from capas.build.predefined import CHECK, chosen_syntax
from capas.build.request import BuildRequest
from capas.dockerfile.checks import naming
from capas.dockerfile.checks.checking import find_all, list_options
from capas.dockerfile.checks.finding import Finding
from capas.dockerfile.checks.subject import BaseFacts, Subject, read_subject
from capas.errors import CapasError, Invalid
from capas.image.image import Image

FindImage = Callable[[str], Image | None]


class Checked(NamedTuple):
    """What there is to say of a Dockerfile; `errors` are the instructions that no builder can read."""

    name: str
    text: str
    findings: tuple[Finding, ...]
    errors: tuple[CapasError, ...] = ()


def check_context(context: Context, request: BuildRequest, find_image: FindImage) -> Checked:
    """All of the Dockerfile, every stage of it. Raises: Invalid for wrong options of checks."""
    subject = _subject(context, request, find_image)
    findings = find_all(subject, list_options(subject, request.build_args.get(CHECK)), only_docker=True)
    return Checked(context.dockerfile_name, context.dockerfile, tuple(findings), subject.errors)


def check_planned(context: Context, request: BuildRequest, planner: Planner) -> tuple[Finding, ...]:
    """What concerns the stages that are built. Order: after `planner.plan`.

    Raises: Invalid where the Dockerfile says `check=error=true` and something is found.
    """
    subject = _subject(context, request, planner.find_image)
    options = list_options(subject, request.build_args.get(CHECK))
    rows = _rows_of_others(subject, planner.planned())
    findings = tuple(
        finding
        for finding in find_all(subject, options, only_docker=True)
        if finding.rule in naming.RULES or finding.position.line not in rows
    )
    if findings and options.is_error:
        rules = ", ".join(dict.fromkeys(finding.rule.name for finding in findings))
        error = Invalid("lint violation found for rules: {rules}", rules=rules, hint="`capas lint` tells more of each")
        raise subject.source.locate(error, findings[0].position)
    return findings


def _subject(context: Context, request: BuildRequest, find_image: FindImage) -> Subject:
    def find_base(word: str) -> BaseFacts | None:
        image = find_image(word)
        if image is None:
            return None
        execution = image.config.execution
        return BaseFacts(execution.variables, has_shell=bool(execution.shell))

    return read_subject(
        context.dockerfile, context.dockerfile_name, syntax=chosen_syntax(request),
        ignore=context.ignore, find_base=find_base,
    )  # fmt: skip


def _rows_of_others(subject: Subject, planned: frozenset[int]) -> frozenset[int]:
    """The lines inside stages that are not built (their FROM is looked at by every build)."""
    others = [stage for stage in subject.stages if stage.stage.index not in planned]
    return frozenset(step.row for stage in others for step in stage.steps)
