"""`cp`, `export` and the archives of docker's API: trees into and out of containers, running or not."""

from __future__ import annotations

import os
import posixpath
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from capas.errors import AlreadyExists, Conflict, Invalid, NotFound
from capas.layer.reader import iter_entries
from capas.layer.writer import TarWriter
from capas.run.claims import Claim, claim
from capas.run.containers import Container, Containers
from capas.run.control import Control
from capas.run.inside import opened, opened_root
from capas.run.members import Installer, iter_members
from capas.run.stubs import clean_path
from capas.snapshot.mounting import mount_all
from capas.snapshot.namespaces import in_private_mounts
from capas.store.contract import Readable

T = TypeVar("T")
_PATIENCE_SECONDS, _PAUSE_SECONDS = 10.0, 0.01
_NAMES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")


class PathStat(NamedTuple):
    """What is at a path of a container, its last part not followed."""

    name: str
    size: int
    mode: int
    mtime_ns: int
    link_target: str = ""


def copy_out(containers: Containers, reference: str, path: str, target: Path, *, keep_owner: bool = False) -> None:
    """Copy from a container to the host by `docker cp`'s rules: into a directory that is there, or as a new name.

    `path` that ends with "/." copies what is in a directory. Raises: NotFound; Invalid; Conflict.
    """
    owner = None if keep_owner else (os.geteuid(), os.getegid())

    def work(root: int) -> None:
        source_is_directory = _is_directory(root, path)
        place, name = _landing(path, source_is_directory, str(target), _host_kind(target))
        with _opened_host(place) as host:
            installer = Installer(host, "/", owner=owner)
            for entry, body in iter_members(root, path, name):
                installer.install(entry, body)
            installer.finish()

    with_tree(containers, containers.get(reference), work)


def copy_in(containers: Containers, reference: str, source: Path, path: str, *, keep_owner: bool = False) -> None:
    """Copy from the host into a container by `docker cp`'s rules. Raises: NotFound; Invalid."""
    text = os.fspath(source)
    if not os.path.lexists(source):
        raise NotFound("no such file or directory: {path}", path=text)

    def work(root: int) -> None:
        place, name = _landing(text, source.is_dir(), path, _kind(root, path))
        with opened_root("/") as host:
            _must_be_directory(root, place)
            installer = Installer(root, place, owner=None if keep_owner else (0, 0), container=True)
            for entry, body in iter_members(host, os.path.abspath(source), name):
                installer.install(entry, body)
            installer.finish()

    with_tree(containers, containers.get(reference), work)


def read_archive(
    containers: Containers, reference: str, path: str, write: Callable[[bytes | memoryview], object]
) -> None:
    """The path as a tar, its members beneath its last name. Raises: NotFound."""
    base = posixpath.basename(clean_path(path))

    def work(root: int) -> None:
        tar = TarWriter(write)
        for entry, body in iter_members(root, path, base):
            tar.add(entry, body)
        tar.finish()

    with_tree(containers, containers.get(reference), work)


def write_archive(containers: Containers, reference: str, path: str, stream: Readable) -> None:
    """Unpack an uncompressed tar into the directory `path`. Raises: NotFound; Invalid; Corrupt."""

    def work(root: int) -> None:
        _must_be_directory(root, path)
        installer = Installer(root, clean_path(path), owner=None, container=True)
        for entry, body in iter_entries(stream):
            installer.install(entry, body)
        installer.finish()

    with_tree(containers, containers.get(reference), work)


def stat_path(containers: Containers, reference: str, path: str) -> PathStat:
    """What is at the path. Raises: NotFound."""

    def work(root: int) -> PathStat:
        try:
            with opened(root, path, os.O_PATH | os.O_NOFOLLOW) as fd:
                status = os.fstat(fd)
                link = os.readlink("", dir_fd=fd) if stat.S_ISLNK(status.st_mode) else ""
        except OSError:
            raise NotFound("no such file or directory in the container: {path}", path=path) from None
        return PathStat(posixpath.basename(clean_path(path)), status.st_size, status.st_mode, status.st_mtime_ns, link)

    return with_tree(containers, containers.get(reference), work)


def export(containers: Containers, reference: str, write: Callable[[bytes | memoryview], object]) -> None:
    """The container's whole tree as a tar, without volumes and other mounts. Raises: NotFound."""
    container = containers.get(reference)
    mounted = {mount.target for mount in container.record.spec.mounts if mount.type == "bind"}
    skip = frozenset((*_NAMES, *mounted)) if container.running else frozenset()

    def work(root: int) -> None:
        tar = TarWriter(write)
        for entry, body in iter_members(root, "/", "", one_filesystem=True, skip=skip):
            tar.add(entry, body)
        tar.finish()

    with_tree(containers, container, work)


def with_tree(containers: Containers, container: Container, work: Callable[[int], T]) -> T:
    """What `work` gives for a descriptor of the container's root: as its processes see it, or its tree at rest."""
    record = container.record
    if container.running:
        with Control(containers.live(record.id), record.name) as control:
            control.ask({"do": "root"})
            root = control.take_descriptor()
        try:
            return work(root)
        finally:
            os.close(root)
    with _claimed(containers, record.id) as held:
        tree = held.folder / "tree"
        tree.mkdir()

        def visit() -> T:
            mount_all(containers.snapshotter.mounts(record.snapshot), tree)
            with opened_root(tree) as root:
                return work(root)

        return in_private_mounts(visit)


def _claimed(containers: Containers, container_id: str) -> Claim:
    """Nobody may start or remove it meanwhile; somebody else's copy is waited for."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return claim(containers.run_root / "containers", container_id)
        except (AlreadyExists, Conflict):
            if time.monotonic() > deadline:
                raise Conflict("container {container} is in use", container=container_id[:12]) from None
            time.sleep(_PAUSE_SECONDS)


def _landing(source: str, source_is_directory: bool, target: str, target_kind: str) -> tuple[str, str]:
    """Where the members go and under which name, "" for the contents of a directory."""
    contents = source.endswith("/.") or source == "."
    name = posixpath.basename(source.rstrip("/")) if not contents else ""
    if target_kind == "directory":
        return target, name
    if target_kind == "file":
        if source_is_directory:
            raise Invalid("cannot copy a directory onto the file {target}", target=target)
    elif target.endswith("/") and not source_is_directory:
        raise NotFound("the directory {target} is not there", target=target)
    parent, new = posixpath.split(target.rstrip("/"))
    return parent or ("/" if target.startswith("/") else "."), new


@contextmanager
def _opened_host(place: str) -> Iterator[int]:
    try:
        fd = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        raise NotFound("the directory {target} is not there", target=place) from None
    try:
        yield fd
    finally:
        os.close(fd)


def _host_kind(path: Path) -> str:
    return "directory" if path.is_dir() else "file" if path.exists() else ""


def _kind(root: int, path: str) -> str:
    try:
        with opened(root, path, os.O_PATH) as fd:
            return "directory" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file"
    except OSError:
        return ""


def _is_directory(root: int, path: str) -> bool:
    return _kind(root, path) == "directory"


def _must_be_directory(root: int, path: str) -> None:
    if _kind(root, path) != "directory":
        raise NotFound("no such directory in the container: {path}", path=path)
