"""Build arguments that speak to the builder itself, whether or not the Dockerfile declares them.

Spec: Dockerfile reference, "BuildKit built-in build args", "Predefined ARGs".
"""

from __future__ import annotations

import re

from capas.build.request import BuildRequest
from capas.dockerfile.lexer import check_frontend
from capas.errors import Invalid

_HOSTNAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?")
SYNTAX = "BUILDKIT_SYNTAX"
CHECK = "BUILDKIT_DOCKERFILE_CHECK"
EPOCH = "SOURCE_DATE_EPOCH"
HOSTNAME = "BUILDKIT_SANDBOX_HOSTNAME"
CACHE_NAMESPACE = "BUILDKIT_CACHE_MOUNT_NS"
NAMES = frozenset({
    SYNTAX, CHECK, EPOCH, HOSTNAME, CACHE_NAMESPACE, "BUILDKIT_CONTEXT_KEEP_GIT_DIR", "BUILDKIT_INLINE_CACHE",
})  # fmt: skip
"""Those that mean something here: none of them is ever given for nothing."""


def chosen_syntax(request: BuildRequest) -> str:
    """The frontend that BUILDKIT_SYNTAX names, "" for none: then the Dockerfile's own line counts.

    Raises: Unsupported for one that is not docker's.
    """
    syntax = request.build_args.get(SYNTAX) or ""
    if syntax:
        check_frontend(syntax)
    return syntax


def chosen_hostname(request: BuildRequest) -> str:
    """What RUN is to find as its host's name, "" for the usual one. Raises: Invalid."""
    name = request.build_args.get(HOSTNAME) or ""
    if name and not _HOSTNAME.fullmatch(name):
        raise Invalid("{argument}={name!r} is no name of a host", argument=HOSTNAME, name=name[:60])
    return name
