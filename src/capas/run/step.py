"""One step of a build: a process on a tree, its output as events, its exit code, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from capas.events import Report, ignore
from capas.run.runtime import Runtime
from capas.snapshot.contract import Mount


class Bind(NamedTuple):
    """A path of the host shown inside. `source` must exist; `target` is resolved inside the tree."""

    source: Path
    target: str
    read_only: bool = True


class StepSpec(NamedTuple):
    """What a step runs, and on what. `id` is fresh, of letters, digits and '-'; `mounts` is the writable snapshot."""

    id: str
    args: Sequence[str]
    mounts: Sequence[Mount]
    env: Mapping[str, str] = {}
    cwd: str = "/"
    user: str = ""  # as in USER: "name[:group]", names resolved inside the tree
    network: Literal["host", "none"] = "host"
    hostname: str = "buildkitsandbox"
    add_hosts: Sequence[tuple[str, str]] = ()  # (name, address)
    binds: Sequence[Bind] = ()
    tmpfs: Sequence[str] = ()
    ca_bundle: Path | None = None  # shown to the step with the variables that make tools use it
    stdin: bytes = b""  # what the process reads: a heredoc's text


def run_step(
    spec: StepSpec,
    runtime: Runtime,
    *,
    run_root: Path,
    cancelled: threading.Event | None = None,
    report: Report = ignore,
) -> int:
    """Run it to its end; its exit code. Lines of output are `Said(text, id=spec.id, stream="out" or "err")`.

    The tree is seen only by the step, in a private mount namespace. Files and directories made to mount on are taken
    away again. Once `cancelled` is set (a nursery's) the process is killed.

    Raises: Invalid for a user or a working directory that cannot be; NotFound for a command that is not in the tree;
    Denied for one that cannot be run; Unsupported where the runtime cannot; Interrupted when cancelled.
    """
    raise NotImplementedError
