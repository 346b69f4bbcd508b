"""A container run to its end with what it printed: `capas.run`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from capas.engine.container_request import ContainerRequest
from capas.events import Report, ignore
from capas.run.pump import drain
from capas.run.streams import Attached

if TYPE_CHECKING:
    from capas.engine.containers import Containers


class Completed(NamedTuple):
    """A container that has run: its exit code and what it printed."""

    exit_code: int
    stdout: bytes
    stderr: bytes


def run_captured(
    containers: Containers,
    image: str,
    command: Sequence[str],
    request: ContainerRequest,
    *,
    stdin: bytes | None = None,
    report: Report = ignore,
) -> Completed:
    """Create, run, remove. `stdin` is what it reads; nothing when not given."""
    wanted = request._replace(rm=True, tty=False, interactive=stdin is not None)
    record = containers.create(image, command, wanted, report=report)
    source = None if stdin is None else _memory(stdin)
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    printed: list[bytes] = []
    complained: list[bytes] = []
    readers = (drain(out, [printed.append]), drain(err, [complained.append]))
    try:
        code = containers.start_attached(record.id, Attached(source, out_end, err_end), sig_proxy=False)
    finally:
        for fd in (out_end, err_end) if source is None else (out_end, err_end, source):
            os.close(fd)
        for reader in readers:
            reader.join()
    return Completed(code, b"".join(printed), b"".join(complained))


def _memory(data: bytes) -> int:
    fd = os.memfd_create("stdin")
    with open(fd, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
