"""`--change`: Dockerfile instructions on the config of an image that no Dockerfile made."""

from __future__ import annotations

from collections.abc import Sequence

from capas.dockerfile.instructions import Instruction, Workdir
from capas.dockerfile.parse import parse_dockerfile
from capas.errors import CapasError, Invalid
from capas.image.editing import amend, is_edit
from capas.oci.config import Execution


def change_execution(execution: Execution, changes: Sequence[str]) -> Execution:
    """The execution after these instructions, in order.

    Raises: Invalid for anything but CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER,
    VOLUME and WORKDIR.
    """
    for change in changes:
        for instruction in _parse(change):
            if not isinstance(instruction, Workdir) and not is_edit(instruction):
                raise Invalid("--change {change!r}: this instruction makes files", change=change[:200])
            execution = amend(execution, instruction)
    return execution


def _parse(change: str) -> Sequence[Instruction]:
    try:
        return parse_dockerfile(f"FROM scratch\n{change}\n", "--change").stages[0].instructions
    except CapasError as error:
        said = error.as_facts()
        raise Invalid(
            "--change {change!r}: {why}", change=change[:200], why=said["problem"], hint="{advice}", **said
        ) from None
