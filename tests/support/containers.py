"""Short words for tests of containers."""

from __future__ import annotations

import os
import re
import select
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from capas import chance, clock
from capas.oci.digest import ChainID
from capas.run.attending import start_attached
from capas.run.containers import Containers
from capas.run.ending import remove
from capas.run.executing import execute
from capas.run.execution import ExecSpec
from capas.run.log_reader import iter_log
from capas.run.record import Record, State
from capas.run.runtime import Runtime
from capas.run.spec import ContainerSpec
from capas.run.starting import start_detached
from capas.run.streams import Attached
from capas.snapshot.contract import Snapshotter

PLACES = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


class Lab:
    """Containers on one tree."""

    def __init__(self, containers: Containers, base: ChainID) -> None:
        self.containers, self.base = containers, base

    def create(self, *args: str, name: str = "", network: str = "none", **options: Any) -> Record:
        """A container that runs `args`."""
        spec = ContainerSpec(
            image="busybox", args=args, entrypoint=(), env={"PATH": "/bin"}, workdir=options.pop("workdir", "/"),
            network=network, **options,
        )  # fmt: skip
        return self.containers.create(spec, parent=self.base, name=name)

    def run(self, *args: str, stdin: bytes | None = None, **options: Any) -> tuple[int, str, str]:
        """Run it in the foreground: exit code, output, errors."""
        record = self.create(*args, interactive=stdin is not None, **options)
        with captured(stdin) as (attached, read):
            code = start_attached(self.containers, record.id, attached)
        return code, *read()

    def start(self, *args: str, **options: Any) -> Record:
        """Run it detached."""
        record = self.create(*args, **options)
        start_detached(self.containers, record.id)
        return record

    def execute(self, record: Record, *args: str, **options: Any) -> tuple[int, str, str]:
        """Run one more process in it."""
        with captured(None) as (attached, read):
            code = execute(self.containers, record.id, ExecSpec(args, **options), attached)
        return code, *read()

    def log(self, record: Record) -> str:
        """Its log as one text."""
        path = self.containers.folder(record.id) / f"{record.id}-json.log"
        return "".join(line.text for line in iter_log(path))


@contextmanager
def opened_lab(ground: Path, snapshotter: Snapshotter, base: ChainID, runtime: Runtime) -> Iterator[Lab]:
    """Containers on one tree under one runtime; none is left."""
    containers = Containers(
        ground / "root",
        ground / "run",
        lambda: snapshotter,
        runtime=lambda: runtime,
        now=clock.now_ns,
        token=chance.token,
    )
    yield Lab(containers, base)
    for container in containers.iterate():
        remove(containers, container.record.id, force=True)


@contextmanager
def captured(stdin: bytes | None) -> Iterator[tuple[Attached, Any]]:
    """Files that stand for a caller's streams, and what reads them afterwards."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(stdin or b"")
        source.seek(0)

        def read() -> tuple[str, str]:
            return texts[0], texts[1]

        texts: list[str] = []
        yield Attached(source.fileno() if stdin is not None else None, out.fileno(), err.fileno()), read
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())


def children_of(folder: Path) -> list[str]:
    """What is in a directory, "" for one that is not there."""
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def parent_of(pid: int) -> int:
    """The process that started another."""
    found = re.search(r"PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def groups_of(container_id: str) -> list[Path]:
    """Its control groups, one in each tree that it is in: v2, those of v1, or both."""
    top = Path("/sys/fs/cgroup")
    return [group for tree in ("", *os.listdir(top)) if (group := top / tree / "capas" / container_id).is_dir()]


def kill_keeper(state: State) -> None:
    """The keeper is the parent of the runtime, which is the parent of the container."""
    keeper = os.pidfd_open(parent_of(parent_of(state.pid)))
    signal.pidfd_send_signal(keeper, signal.SIGKILL)
    select.select([keeper], [], [], 10)
    os.close(keeper)
