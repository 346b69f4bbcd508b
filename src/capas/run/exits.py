"""Exit codes of what could not run, as docker's: 127 no such command, 126 not runnable, 125 our own failure."""

from __future__ import annotations

from capas.errors import CapasError, Denied, NotFound

OURS, NOT_RUNNABLE, NO_SUCH_COMMAND = 125, 126, 127


def exit_code_of(error: CapasError) -> int:
    """The exit code for an error of `run`, `start` or `exec`."""
    if "command" in error.facts and isinstance(error, NotFound):
        return NO_SUCH_COMMAND
    if "command" in error.facts and isinstance(error, Denied):
        return NOT_RUNNABLE
    return OURS
