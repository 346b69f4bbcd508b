"""Build arguments that speak to the builder itself, whether or not the Dockerfile declares them.

Spec: Dockerfile reference, "BuildKit built-in build args", "Predefined ARGs".
"""

from __future__ import annotations

from capas.build.request import BuildRequest
from capas.dockerfile.lexer import check_frontend

SYNTAX = "BUILDKIT_SYNTAX"
CHECK = "BUILDKIT_DOCKERFILE_CHECK"
EPOCH = "SOURCE_DATE_EPOCH"
NAMES = frozenset({SYNTAX, CHECK, EPOCH, "BUILDKIT_CONTEXT_KEEP_GIT_DIR", "BUILDKIT_INLINE_CACHE"})
"""Those that mean something here: none of them is ever given for nothing."""


def chosen_syntax(request: BuildRequest) -> str:
    """The frontend that BUILDKIT_SYNTAX names, "" for none: then the Dockerfile's own line counts.

    Raises: Unsupported for one that is not docker's.
    """
    syntax = request.build_args.get(SYNTAX) or ""
    if syntax:
        check_frontend(syntax)
    return syntax
