"""Build arguments that speak to the builder itself, whether or not the Dockerfile declares them.

Spec: Dockerfile reference, "BuildKit built-in build args", "Predefined ARGs".
"""

from __future__ import annotations

from capas.build.request import BuildRequest
from capas.dockerfile.lexer import check_frontend
from capas.errors import Invalid

SYNTAX = "BUILDKIT_SYNTAX"
CHECK = "BUILDKIT_DOCKERFILE_CHECK"
EPOCH = "SOURCE_DATE_EPOCH"
NAMES = frozenset({
    SYNTAX, CHECK, EPOCH, "BUILDKIT_CONTEXT_KEEP_GIT_DIR", "BUILDKIT_INLINE_CACHE", "BUILDKIT_SBOM_SCAN_CONTEXT",
    "BUILDKIT_SBOM_SCAN_STAGE",
})  # fmt: skip
"""Those that mean something here: none of them is ever given for nothing."""


def settle(request: BuildRequest) -> BuildRequest:
    """The request with what its arguments ask for. Raises: Invalid; Unsupported for a syntax of someone else."""
    given = request.build_args
    if given.get(SYNTAX):
        check_frontend(str(given[SYNTAX]))
    epoch = given.get(EPOCH)
    return request if epoch is None else request._replace(source_date_epoch=_seconds(epoch))


def _seconds(text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    raise Invalid("SOURCE_DATE_EPOCH={text!r} is not seconds since 1970", text=text[:40])
