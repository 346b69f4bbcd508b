"""Layer files made visible: each mounted once in a thread's mount namespace, and shared with those who have it already.

A mount of a file is a filesystem of its own to the kernel, with memory of its own. So whoever has layers mounted for
long (a container) offers them: a locked file says which process and thread. Whoever needs one takes a copy of that
mount out of the other's namespace, which costs less than a new one and shares all that has been read. Nobody needs to
count: the kernel drops a layer with the last namespace that has it, however its processes ended, and a file whose lock
is free is of a process that is no more.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from capas.layer.erofs.format import ROOT_SLOT
from capas.snapshot import syscalls
from capas.snapshot.loop import loop_device
from capas.store.lock import lock_new_file, try_lock

_FLAGS = syscalls.MS_RDONLY
_HOLDERS = "holders"


class LayerMounts:
    """The places of layers in this thread's mount namespace: `root/<name of the layer file>`, and who else has some."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def place(self, file: Path) -> Path:
        """Where a layer file is mounted, once it is."""
        return self._root / file.name

    def show(self, files: Iterable[Path]) -> None:
        """Mount the layer files that are not mounted here, each at its place.

        In a thread whose working directory may change. Raises: OSError.
        """
        missing = {self.place(file): file for file in files if not self._is_shown(self.place(file))}
        for place in missing:
            os.makedirs(place, mode=0o700, exist_ok=True)
        borrowed = self._borrow(missing) if missing else {}
        try:
            for place, file in missing.items():
                if place in borrowed:
                    syscalls.attach_mount(borrowed[place], os.fsencode(place))
                else:
                    mount_layer(file, place)
        finally:
            for fd in borrowed.values():
                os.close(fd)

    def forget(self, file: Path) -> None:
        """Remove the place of a layer file that is deleted. Whoever has it mounted there keeps what they have open."""
        try:
            os.rmdir(self.place(file))
        except OSError:
            pass  # it was never mounted

    @contextmanager
    def offered(self, files: Iterable[Path]) -> Iterator[None]:
        """A block in which others may share what this thread has mounted of these."""
        names = sorted({file.name for file in files})
        if not names:
            yield
            return
        folder = self._root / _HOLDERS
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{os.getpid()}.{threading.get_native_id()}"
        fd = lock_new_file(path, os.O_TRUNC)
        try:
            if fd is not None:
                os.write(fd, "\n".join(names).encode())
            yield
        finally:
            if fd is not None:
                path.unlink(missing_ok=True)
                os.close(fd)

    def _is_shown(self, place: Path) -> bool:
        """Whether there is a filesystem of ours at a place, in the namespace that this thread is in."""
        try:
            status = os.stat(place)
        except FileNotFoundError:
            return False
        return status.st_dev != os.stat(self._root).st_dev and status.st_ino == ROOT_SLOT

    # what others have

    def _borrow(self, missing: Mapping[Path, Path]) -> dict[Path, int]:
        """Copies of mounts that others offer, attached nowhere yet."""
        found: dict[Path, int] = {}
        for holder, names in self._iter_holders():
            wanted = [place for place in missing if place.name in names and place not in found]
            if wanted:
                found.update(self._copy(holder, wanted))
            if len(found) == len(missing):
                break
        return found

    def _iter_holders(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Who offers what, the dead cleared away."""
        folder = self._root / _HOLDERS
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return
        for name in names:
            path = folder / name
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                if try_lock(fd):
                    path.unlink(missing_ok=True)
                    continue
                yield name, frozenset(os.read(fd, 1 << 20).decode().split())
            finally:
                os.close(fd)

    def _copy(self, holder: str, places: list[Path]) -> dict[Path, int]:
        """Copies of the mounts at these places in a thread's namespace, `pid.tid`; none where it has just ended."""
        pid, _, tid = holder.partition(".")
        found: dict[Path, int] = {}
        root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        mine = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        try:
            theirs = os.open(f"/proc/{pid}/task/{tid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            try:
                syscalls.unshare(syscalls.CLONE_FS)
                syscalls.setns(theirs, syscalls.CLONE_NEWNS)
                try:
                    for place in filter(self._is_shown, places):
                        found[place] = syscalls.clone_mount(os.fsencode(place))
                finally:
                    syscalls.setns(mine, syscalls.CLONE_NEWNS)
                    os.fchdir(root)  # which may not be the namespace's: we may be in a chroot
                    os.chroot(".")
            finally:
                os.close(theirs)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESRCH, errno.EINVAL, errno.EPERM, errno.EACCES):
                raise
        finally:
            os.close(mine)
            os.close(root)
        return found


def mount_layer(file: Path, place: Path) -> None:
    """Mount a layer file on a directory: from the file itself, or from a loop device on kernels before 6.12.

    Raises: OSError where the kernel does neither.
    """
    source, target = os.fsencode(file), os.fsencode(place)
    try:
        syscalls.mount(source, target, type=b"erofs", flags=_FLAGS)
    except OSError as error:
        if error.errno != errno.ENOTBLK:
            raise
        with loop_device(source) as device:
            syscalls.mount(device, target, type=b"erofs", flags=_FLAGS)
