"""`docker build --check`: docker's build checks of a client's Dockerfile, in the form in which buildx draws them.

Spec: moby/buildkit, frontend/subrequests/lint: `result.json` with warnings that point into sources.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from capas.build.checking import Checked
from capas.build.request import BuildRequest
from capas.buildkit.files import bring_recipe
from capas.buildkit.job import Job
from capas.buildkit.solving import opened_desk
from capas.buildkit.wishes import read_wishes
from capas.dockerfile.checks.finding import Finding
from capas.dockerfile.checks.linting import unreadable
from capas.engine.engine import Engine


def check(job: Job, engine: Engine) -> Mapping[str, bytes]:
    """What there is to say, under the names that buildx looks for. Raises: GRPCError."""
    with opened_desk(job, engine) as desk:
        request = BuildRequest(**bring_recipe(desk), **read_wishes(job.order.attributes))
        checked = desk.engine.images.check(request)
    found = [*checked.findings, *map(unreadable, checked.errors)]
    return {
        "result.json": json.dumps(_document(checked, found)).encode(),
        "result.txt": "".join(f"{checked.name}:{one.position.line}: {one}\n" for one in found).encode(),
        "result.statuscode": b"1" if found else b"0",
        "version": b"1.0.0",
    }


def _document(checked: Checked, found: list[Finding]) -> dict[str, object]:
    data = base64.b64encode(checked.text.encode()).decode()
    return {
        "warnings": [_warning(one) for one in found],
        "sources": [{"filename": checked.name, "language": "Dockerfile", "data": data}],
    }


def _warning(finding: Finding) -> dict[str, object]:
    lines = {"start": {"line": finding.position.line}, "end": {"line": finding.position.end_line}}
    return {
        "ruleName": finding.rule.name,
        "description": finding.rule.why,
        "url": finding.rule.url,
        "detail": f"{finding}" + (f" ({finding.hint})" if finding.hint else ""),
        "location": {"ranges": [lines]},
    }
