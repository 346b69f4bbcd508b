"""docker's exit codes for what could not be run: 125 our own failure, 126 not runnable, 127 no such command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from capas.errors import CapasError
from capas.run.exits import OURS, exit_code_of


@contextmanager
def docker_exit_codes(ours: int = OURS) -> Iterator[None]:
    """What goes wrong in the block leaves with docker's code; `ours` for what is not the command's own fault."""
    try:
        yield
    except CapasError as error:
        code = exit_code_of(error)
        error.__dict__["exit_code"] = ours if code == OURS else code
        raise
    except OSError as error:
        error.__dict__["exit_code"] = ours
        raise
