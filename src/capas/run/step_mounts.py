"""What a step has mounted beside its tree: parts of directories and of snapshots, memory, secrets, an ssh agent.

Everything is opened by descriptor and bound from there to a place that only the step's own mount namespace has: no
link leads out of what is mounted, whoever swaps one meanwhile, and all of it goes with the step.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from capas.errors import Invalid, NotFound, Unsupported
from capas.run.agent import AgentProxy
from capas.run.bundle import InnerMount
from capas.run.concealed import Concealed
from capas.run.ground import bind, tmpfs
from capas.run.inside import open_inside, opened_root
from capas.snapshot.contract import Mount
from capas.snapshot.mounting import bind_descriptor, mount_all, mount_memory

_QUIET = ("nosuid", "nodev", "noexec")


class Bind(NamedTuple):
    """A path of the host, or `within` it a path whose links end inside it. `label` is what errors call the source."""

    source: Path
    target: str
    read_only: bool = True
    within: str = ""
    label: str = ""


class TreeBind(NamedTuple):
    """A path in a snapshot, which `mounts` make visible."""

    mounts: Sequence[Mount]
    target: str
    read_only: bool = True
    within: str = "/"
    label: str = ""


class Memory(NamedTuple):
    """A tmpfs. `size` in bytes, 0 for no limit of its own."""

    target: str
    size: int = 0
    read_only: bool = False


class SecretFile(NamedTuple):
    """A file in memory."""

    target: str
    content: Concealed
    owner: tuple[int, int] = (0, 0)
    mode: int = 0o400


class AgentSocket(NamedTuple):
    """A socket behind which the ssh agent at `agent` answers."""

    target: str
    agent: str
    owner: tuple[int, int] = (0, 0)
    mode: int = 0o600


StepMount = Bind | TreeBind | Memory | SecretFile | AgentSocket


@contextmanager
def mounted_sources(mounts: Sequence[StepMount], folder: Path) -> Iterator[list[InnerMount]]:
    """The mounts as the runtime takes them, for a thread that is in a private mount namespace; `folder` is the step's.

    Raises: NotFound for a source that is not there; Unavailable for an agent; Unsupported for what may not be mounted.
    """
    with ExitStack() as stack:
        sources = _Sources(folder, stack)
        yield [sources.place(mount) for mount in mounts]


class _Sources:
    """The places of one step's sources, numbered."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._count = 0
        self._memory: Path | None = None

    def place(self, mount: StepMount) -> InnerMount:
        if isinstance(mount, Bind):
            return self._bind(mount)
        if isinstance(mount, TreeBind):
            return self._tree(mount)
        if isinstance(mount, Memory):
            return tmpfs(mount.target, ("exec", *_size(mount), *(("ro",) if mount.read_only else ())))
        if isinstance(mount, SecretFile):
            return self._secret(mount)
        return self._socket(mount)

    def _bind(self, mount: Bind) -> InnerMount:
        try:
            source = os.open(mount.source, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound("{path} is not there to be mounted", path=str(mount.source)) from None
        self._stack.callback(os.close, source)
        fd = self._inside(source, mount.within, mount.label) if mount.within else source
        return bind(self._pin(fd), mount.target, read_only=mount.read_only)

    def _tree(self, mount: TreeBind) -> InnerMount:
        top = self._new_place()
        top.mkdir()
        mount_all(mount.mounts, top)
        with opened_root(top) as root:
            place = self._pin(self._inside(root, mount.within, mount.label))
        return bind(place, mount.target, read_only=mount.read_only)

    def _inside(self, root: int, path: str, label: str) -> int:
        try:
            fd = open_inside(root, path, os.O_PATH)
        except OSError as error:
            raise NotFound(
                "{source} is not in {where} to be mounted: {why}", source=path, where=label or "the source",
                why=(error.strerror or "?").lower(),
            ) from None  # fmt: skip
        self._stack.callback(os.close, fd)
        return fd

    def _secret(self, mount: SecretFile) -> InnerMount:
        path = self._in_memory()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(mount.content.reveal())
            with _owner_errors(mount.owner):
                os.fchown(fd, *mount.owner)
            os.fchmod(fd, mount.mode)
        return bind(path, mount.target, read_only=True)._replace(options=("bind", "rprivate", "ro", *_QUIET))

    def _socket(self, mount: AgentSocket) -> InnerMount:
        path = self._in_memory()
        with _owner_errors(mount.owner):
            proxy = AgentProxy(path.parent, path.name, mount.agent, owner=mount.owner, mode=mount.mode)
        self._stack.callback(proxy.close)
        return bind(path, mount.target)

    def _in_memory(self) -> Path:
        if self._memory is None:
            self._memory = self._new_place()
            self._memory.mkdir(mode=0o700)
            mount_memory(self._memory)
        self._count += 1
        return self._memory / str(self._count)

    def _pin(self, fd: int) -> Path:
        """What is open as `fd`, at a path that nobody else can change."""
        kind = os.fstat(fd).st_mode
        place = self._new_place()
        if stat.S_ISDIR(kind):
            place.mkdir()
        elif stat.S_ISREG(kind):
            place.touch()
        else:
            raise Invalid("only files and directories can be mounted, nothing else")
        bind_descriptor(fd, place)
        return place

    def _new_place(self) -> Path:
        self._count += 1
        return self._folder / f"source-{self._count}"


def _size(mount: Memory) -> tuple[str, ...]:
    return (f"size={mount.size}",) if mount.size else ()


@contextmanager
def _owner_errors(owner: tuple[int, int]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL):
            raise
        raise Unsupported(
            "a mount cannot belong to {uid}:{gid} here: {why}", uid=owner[0], gid=owner[1], why=error.strerror or "?",
            hint="give your user a range of ids in /etc/subuid and /etc/subgid, and install uidmap",
        ) from None  # fmt: skip
