"""Namespaces: mounts that nobody else sees, and root's powers for an ordinary user."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from capas.errors import CapasError, Unsupported
from capas.parallel import Task
from capas.snapshot.idmaps import Mapper, map_commands, map_self
from capas.snapshot.syscalls import CLONE_NEWNS, CLONE_NEWUSER, MS_REC, MS_SLAVE, mount, unshare

T = TypeVar("T")
Identity = Literal["root", "mapped", "single"]
_ALL_IDS = (1 << 32) - 1
_FORBIDDEN = (
    "allow user namespaces: user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1 (Debian), "
    "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); or run as root"
)


def identity() -> Identity:
    """Which ids this process can give to files: all of them, a range mapped for its user, or its own alone."""
    with open("/proc/self/uid_map", "rb") as file:
        known = sum(int(line.split()[2]) for line in file)
    if os.geteuid() != 0 or known == 1:
        return "single"
    return "root" if known == _ALL_IDS else "mapped"


def private_mounts() -> None:
    """Give this thread a mount namespace of its own: what it mounts is seen by it and by what it starts, and goes
    when the last of them ends, however that happens. Unmounts of the host still arrive, so that nothing is kept busy.

    Raises: Unsupported without the right to (neither root nor in a user namespace).
    """
    try:
        unshare(CLONE_NEWNS)
        mount(b"none", b"/", flags=MS_REC | MS_SLAVE)
    except OSError as error:
        raise Unsupported(
            "may not make a mount namespace: {why}",
            why=os.strerror(error.errno or 0).lower(),
            hint="run as root, or where user namespaces are allowed",
        ) from error


def in_private_mounts(work: Callable[[], T]) -> T:
    """What `work` gives, done in a fresh thread that has a mount namespace and a umask (022) of its own.

    Raises: what `work` raises; Unsupported as `private_mounts`.
    """

    def run() -> T:
        private_mounts()
        os.umask(0o022)  # the thread's own by now: whoever runs us, what is made in a tree is made the same way
        return work()

    return in_thread(run)


def in_thread(work: Callable[[], T]) -> T:
    """What `work` gives, done in a fresh thread: what it changes of the thread itself ends with it."""
    task = Task(work)
    thread = threading.Thread(target=_quietly, args=(task,), daemon=True)
    thread.start()
    thread.join()
    return task.wait()


@contextmanager
def private_thread() -> Iterator[Callable[[Callable[[], object]], None]]:
    """A thread with mounts of its own that stays until the block ends. What is yielded runs work there, one by one."""
    with _Helper() as helper:
        helper.run(private_mounts)
        yield helper.run


class _Helper:
    """A thread that does one piece of work after the other."""

    def __init__(self) -> None:
        self._next: Task[object] | None = None
        self._wake = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def run(self, work: Callable[[], object]) -> None:
        self._next = task = Task(work)
        self._wake.release()
        task.wait()

    def _serve(self) -> None:
        while True:
            self._wake.acquire()
            if self._next is None:
                return
            _quietly(self._next)

    def __enter__(self) -> _Helper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._next = None
        self._wake.release()
        self._thread.join()


def _quietly(task: Task[T]) -> None:
    try:
        task.run()
    except BaseException:
        pass  # whoever waits for it is told


def enter_user_namespace(*, subuid: Path = Path("/etc/subuid"), subgid: Path = Path("/etc/subgid")) -> None:
    """Make this process, still single-threaded, root of a user and a mount namespace of its own. Idempotent.

    The ids of /etc/subuid and /etc/subgid are mapped by newuidmap and newgidmap; without either, only the user's own.

    Raises: Unsupported where user namespaces are forbidden, or threads run already.
    """
    if os.geteuid() == 0:
        return
    if len(os.listdir("/proc/self/task")) > 1:
        raise Unsupported("cannot enter a user namespace: other threads run already")
    commands = map_commands(subuid, subgid)
    uid, gid = os.geteuid(), os.getegid()
    mapper = Mapper(commands) if commands else None
    try:
        unshare(CLONE_NEWUSER | CLONE_NEWNS)
        if mapper is None or not mapper.map():
            map_self(uid, gid)
        mount(b"none", b"/", flags=MS_REC | MS_SLAVE)
    except OSError as error:
        raise _refused(error) from error
    finally:
        if mapper is not None:
            mapper.end()


def _refused(error: OSError) -> CapasError:
    limit = " (too many of them)" if error.errno in (errno.ENOSPC, errno.EUSERS) else ""
    return Unsupported(
        "may not make a user namespace: {why}{limit}",
        why=os.strerror(error.errno or 0).lower(),
        limit=limit,
        hint=_FORBIDDEN,
    )
