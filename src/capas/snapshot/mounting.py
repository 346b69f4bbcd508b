"""Snapshots made visible: mounts from descriptors, so that neither the length nor the letters of a path matter."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from capas.errors import CapasError, Conflict, NotFound, Unsupported
from capas.snapshot import syscalls
from capas.snapshot.contract import Mount, Snapshotter
from capas.snapshot.layer_mounts import LayerMounts
from capas.snapshot.namespaces import in_thread, private_thread

PRIVATE = "x-capas."
BELOW = PRIVATE + "below="  # on the bind of a copied tree: the tree that it is a copy of
LAYERS = PRIVATE + "layers="  # on an overlay with layer files below: the directory of the places to mount them at
"""Options of this prefix are ours and never reach the kernel, as fstab's `x-` options."""

_FLAGS = {
    "ro": syscalls.MS_RDONLY, "nosuid": syscalls.MS_NOSUID, "nodev": syscalls.MS_NODEV, "noexec": syscalls.MS_NOEXEC,
    "noatime": syscalls.MS_NOATIME, "nodiratime": syscalls.MS_NODIRATIME, "relatime": syscalls.MS_RELATIME,
    "bind": syscalls.MS_BIND, "rbind": syscalls.MS_BIND | syscalls.MS_REC, "rw": 0,
}  # fmt: skip
_KEPT = {  # what a bind may not lose in a user namespace, by its statvfs flag
    os.ST_NOSUID: syscalls.MS_NOSUID, os.ST_NODEV: syscalls.MS_NODEV, os.ST_NOEXEC: syscalls.MS_NOEXEC,
    os.ST_NOATIME: syscalls.MS_NOATIME, os.ST_NODIRATIME: syscalls.MS_NODIRATIME, os.ST_RELATIME: syscalls.MS_RELATIME,
}  # fmt: skip
_PAGE = 4096
_PATH = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class Overlay(NamedTuple):
    """An overlay mount's directories, topmost lower first. A lower may be a layer file, mounted first in `layers`."""

    lowers: tuple[str, ...]
    upper: str | None
    work: str | None
    layers: str | None = None


def join_paths(paths: Sequence[str]) -> str:
    """Paths as overlayfs writes them in lowerdir=."""
    return ":".join(path.replace("\\", "\\\\").replace(":", "\\:") for path in paths)


def split_paths(text: str) -> tuple[str, ...]:
    """What `join_paths` joined."""
    paths, current, letters = [], "", iter(text)
    for letter in letters:
        if letter == ":":
            paths.append(current)
            current = ""
        else:
            current += next(letters, "") if letter == "\\" else letter
    return (*paths, current)


def find_option(mount: Mount, name: str) -> str | None:
    """The value of an option `name=value`."""
    return next((option[len(name) + 1 :] for option in mount.options if option.startswith(name + "=")), None)


def read_overlay(mount: Mount) -> Overlay:
    """The directories in an overlay mount's options."""
    lowers = split_paths(find_option(mount, "lowerdir") or "")
    upper, work, layers = (find_option(mount, name) for name in ("upperdir", "workdir", LAYERS.removesuffix("=")))
    return Overlay(lowers, upper, work, layers)


def without_upper(mount: Mount) -> Mount:
    """What an overlay mount stands on, to be read."""
    rest = [option for option in mount.options if not option.startswith(("upperdir=", "workdir="))]
    return mount._replace(options=(*rest, "ro"))


def show_lowers(overlay: Overlay) -> list[str]:
    """The lowers as directories: layer files are mounted, each at its place, in this thread's mount namespace.

    Raises: OSError.
    """
    files = _layer_files(overlay)
    if overlay.layers is None or not files:
        return [*overlay.lowers]
    layers = LayerMounts(Path(overlay.layers))
    in_thread(lambda: layers.show(files))
    return [os.fspath(layers.place(Path(path))) if Path(path) in files else path for path in overlay.lowers]


@contextmanager
def offered(mounts: Sequence[Mount]) -> Iterator[None]:
    """A block in which other processes may share the layer files that this thread has mounted for these mounts."""
    with ExitStack() as stack:
        for overlay in (read_overlay(mount) for mount in mounts if mount.type == "overlay"):
            if overlay.layers is not None:
                stack.enter_context(LayerMounts(Path(overlay.layers)).offered(_layer_files(overlay)))
        yield


def _layer_files(overlay: Overlay) -> list[Path]:
    return [] if overlay.layers is None else [Path(path) for path in overlay.lowers if os.path.isfile(path)]


def unsynced(mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """The same, where nothing written needs to survive a crash of the machine: a build's step, whose programs may call
    fsync a thousand times to no use."""
    return tuple(m._replace(options=(*m.options, "volatile")) if m.type == "overlay" else m for m in mounts)


def mount_all(mounts: Sequence[Mount], target: Path) -> None:
    """Mount one after the other on the directory `target`, in this thread's mount namespace.

    Atomic: all or none. Raises: NotFound for a missing directory; Unsupported where it may not be or cannot be.
    """
    done = 0
    try:
        for mount in mounts:
            in_thread(lambda mount=mount: _mount(mount, target))  # type: ignore[misc]
            done += 1
    except OSError as error:
        raise _refused(error, target) from error
    finally:
        if done < len(mounts):
            for _ in range(done):
                unmount(target)


def bind_descriptor(fd: int, target: Path) -> None:
    """Show what is open as `fd`, with all that is mounted beneath it, on `target`, in this thread's mount namespace.

    Whatever happens to its name meanwhile, it is that file or directory. Raises: Unsupported where it may not be.
    """
    try:
        syscalls.mount(_link(fd), os.fsencode(target), flags=syscalls.MS_BIND | syscalls.MS_REC)
    except OSError as error:
        raise _refused(error, target) from error


def mount_memory(target: Path) -> None:
    """An empty directory in memory on `target`, for its owner alone and never swapped out where the kernel can say so.

    Raises: Unsupported where it may not be.
    """
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    place = os.fsencode(target)
    try:
        try:
            syscalls.mount(b"tmpfs", place, type=b"tmpfs", flags=flags, data=b"mode=0700,noswap")
        except OSError:  # before Linux 6.4, or in a user namespace
            syscalls.mount(b"tmpfs", place, type=b"tmpfs", flags=flags, data=b"mode=0700")
    except OSError as error:
        raise _refused(error, target) from error


def unmount(target: Path) -> None:
    """Unmount the topmost mount on `target`; while it is busy, only out of sight. Idempotent."""
    path = os.fsencode(target)
    try:
        syscalls.unmount(path, syscalls.UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.EBUSY:
            syscalls.unmount(path, syscalls.UMOUNT_NOFOLLOW | syscalls.MNT_DETACH)
        elif error.errno not in (errno.EINVAL, errno.ENOENT):
            raise _refused(error, target) from error


@contextmanager
def mounted(snapshotter: Snapshotter, key: str) -> Iterator[Path]:
    """A snapshot as a directory for as long as the block lasts; other processes find it at the same path.

    Only a thread of this process has the mount, so that nothing is left even after kill -9. Do not resolve() the path:
    it leads through /proc into that thread's mounts.

    Raises: NotFound; Unsupported.
    """
    mounts = snapshotter.mounts(key)
    plain = _plain_directory(mounts)
    if plain is not None:
        yield plain
        return
    target = next(path for path in map(Path, ("/mnt", "/media", "/run", "/tmp")) if path.is_dir())
    place: list[Path] = []

    def show() -> None:
        mount_all(mounts, target)
        place.append(Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/root{target}"))

    with private_thread() as run:
        run(show)
        try:
            yield place[0]
        finally:
            run(lambda: unmount(target))


def _plain_directory(mounts: Sequence[Mount]) -> Path | None:
    """The directory itself, where it is to be seen as it is (or where nothing can be mounted)."""
    if len(mounts) != 1 or mounts[0].type != "bind":
        return None
    return Path(mounts[0].source) if "ro" not in mounts[0].options or os.geteuid() != 0 else None


def _mount(mount: Mount, target: Path) -> None:
    """Runs in a thread of its own, whose working directory it changes."""
    flags = 0
    for option in mount.options:
        flags |= _FLAGS.get(option, 0)
    with ExitStack() as stack:
        place = _link(_open(os.fspath(target), stack))
        if mount.type == "bind":
            source = _open(mount.source, stack)
            syscalls.mount(_link(source), place, flags=syscalls.MS_BIND | flags & syscalls.MS_REC)
            _restrict(_open(os.fspath(target), stack), flags & ~(syscalls.MS_BIND | syscalls.MS_REC))
        elif mount.type == "overlay":
            _overlay(mount, place, flags, stack)
        else:
            raise Unsupported("cannot mount {type}", type=mount.type)


def _restrict(shown: int, flags: int) -> None:
    """A bind takes its flags in a second step, where those of the source may not be lost."""
    if not flags:
        return
    present = os.fstatvfs(shown).f_flag
    for flag, kept in _KEPT.items():
        flags |= kept if present & flag else 0
    syscalls.mount(b"none", _link(shown), flags=syscalls.MS_BIND | syscalls.MS_REMOUNT | flags)


def _overlay(mount: Mount, place: bytes, flags: int, stack: ExitStack) -> None:
    """Directories by descriptor, relative to /proc/self/fd: 500 of them fit the page that mount(2) takes."""
    paths = read_overlay(mount)
    data = ["lowerdir=" + ":".join(str(_open(path, stack)) for path in show_lowers(paths))]
    for name, path in (("upperdir", paths.upper), ("workdir", paths.work)):
        if path is not None:
            data.append(f"{name}={_open(path, stack)}")
    if paths.work is not None:
        _forget_volatile(paths.work)
    own = ("lowerdir=", "upperdir=", "workdir=", PRIVATE)
    data += [option for option in mount.options if option not in _FLAGS and not option.startswith(own)]
    text = ",".join(data).encode()
    if len(text) >= _PAGE:
        raise Unsupported("{count} layers are more than this machine can stack", count=len(paths.lowers))
    syscalls.unshare(syscalls.CLONE_FS)
    os.chdir("/proc/self/fd")
    syscalls.mount(b"overlay", place, type=b"overlay", flags=flags, data=text)


def _forget_volatile(work: str) -> None:
    """After an unsynced mount overlayfs refuses another one until told that the machine has not crashed since.

    If it has, that is the loss that `unsynced` accepts.
    """
    volatile = f"{work}/work/incompat/volatile"
    try:
        os.unlink(f"{volatile}/dirty")
        os.rmdir(volatile)
    except OSError:
        pass


def _open(path: str, stack: ExitStack) -> int:
    fd = os.open(path, _PATH)
    stack.callback(os.close, fd)
    return fd


def _link(fd: int) -> bytes:
    return b"/proc/self/fd/%d" % fd


def _refused(error: OSError, target: Path) -> CapasError:
    why = os.strerror(error.errno or 0).lower()
    if error.errno == errno.ENOENT:
        return NotFound("nothing to mount: {path} is missing", path=os.fsdecode(error.filename or target))
    if error.errno == errno.EBUSY:
        return Conflict("cannot mount on {path}: {why}", path=target, why=why)
    hint = "run as root, or in a user namespace" if error.errno == errno.EPERM else ""
    return Unsupported("cannot mount on {path}: {why}", path=target, why=why, hint=hint)
