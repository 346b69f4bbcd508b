"""Volumes: directories that outlive containers, by name, filled from the image at their first use."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from capas.errors import AlreadyExists, Conflict, Invalid, NotFound, Unsupported
from capas.run.carry import carry
from capas.run.inside import opened, opened_root
from capas.run.mounts import parse_volume_name


class Volume(NamedTuple):
    """A volume and where its files are: in its own `folder`, or where its options say."""

    name: str
    folder: Path
    path: Path
    created_ns: int = 0
    labels: Mapping[str, str] = {}
    anonymous: bool = False
    options: Mapping[str, str] = {}


class Volumes:
    """The volumes beneath `root`/volumes."""

    def __init__(self, root: Path) -> None:
        self._root = root / "volumes"

    def create(
        self,
        name: str,
        *,
        now_ns: int,
        labels: Mapping[str, str] | None = None,
        anonymous: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> Volume:
        """A new volume. Raises: AlreadyExists; Invalid for a name that cannot be; what `find_device` raises."""
        find_device(options or {})
        folder = self._root / parse_volume_name(name)
        self._root.mkdir(parents=True, exist_ok=True, mode=0o711)
        try:
            folder.mkdir(mode=0o711)
        except FileExistsError:
            raise AlreadyExists("the volume {name} is there already", name=name) from None
        (folder / "_data").mkdir(mode=0o755)
        values = {"created_ns": now_ns, "labels": dict(labels or {}), "anonymous": anonymous,
                  "options": dict(options or {})}  # fmt: skip
        temporary = folder / ".volume.json"
        temporary.write_text(json.dumps(values))
        temporary.replace(folder / "volume.json")
        return self.get(name)

    def ensure(self, name: str, *, now_ns: int, anonymous: bool = False) -> Volume:
        """The volume, made where it is not there."""
        found = self.find(name)
        if found is not None:
            return found
        try:
            return self.create(name, now_ns=now_ns, anonymous=anonymous)
        except AlreadyExists:
            return self.get(name)

    def find(self, name: str) -> Volume | None:
        """The volume of this name."""
        folder = self._root / parse_volume_name(name)
        if not (folder / "_data").is_dir():
            return None
        try:
            values = json.loads((folder / "volume.json").read_text())
        except (OSError, ValueError):
            values = {}
        options = values.get("options", {})
        return Volume(
            name, folder, find_device(options) or folder / "_data", int(values.get("created_ns", 0)),
            values.get("labels", {}), bool(values.get("anonymous")), options,
        )  # fmt: skip

    def get(self, name: str) -> Volume:
        """The volume of this name. Raises: NotFound."""
        found = self.find(name)
        if found is None:
            raise NotFound("no such volume: {name}", name=name)
        return found

    def list(self) -> list[Volume]:
        """Every volume, by name."""
        try:
            names = sorted(name for name in os.listdir(self._root) if not name.startswith("."))
        except FileNotFoundError:
            return []
        return [volume for volume in map(self.find, names) if volume is not None]

    def remove(self, name: str, users: Sequence[str]) -> None:
        """Remove it with its files. `users` are the containers that have it. Raises: NotFound; Conflict."""
        volume = self.get(name)
        if users:
            raise Conflict("the volume {name} is in use by {users}", name=name, users=", ".join(users),
                           hint="remove these containers first")  # fmt: skip
        grave = self._root / f".{name}.removed"
        volume.folder.rename(grave)
        shutil.rmtree(grave, ignore_errors=True)


def find_device(options: Mapping[str, str]) -> Path | None:
    """The directory of the host that a volume is, by options of docker's driver local: type=none, o=bind, device=PATH.

    Raises: Unsupported for other file systems; Invalid for a path that is not absolute.
    """
    if not options:
        return None
    device = options.get("device", "")
    plain = options.get("type", "none") in ("none", "bind", "") and options.get("o", "") in ("bind", "rbind", "bind,rw")
    if not plain or options.keys() - {"type", "o", "device"}:
        raise Unsupported("a volume is a directory of Capas or of the host, not {options}",
                          options=", ".join(f"{name}={value}" for name, value in options.items())[:300],
                          hint="say type=none, o=bind and device=PATH")  # fmt: skip
    if not device.startswith("/"):
        raise Invalid("the device of a volume is an absolute path, not {path!r}", path=device[:300])
    return Path(device)


def fill_volume(volume: Volume, root: int, target: str) -> None:
    """Copy what the container's tree has at `target` into an empty volume, as docker does at first use.

    `target` is resolved inside the tree `root`, wherever its links and dots point.
    """
    with _locked(volume), opened_root(volume.path) as data:
        if os.listdir(f"/proc/self/fd/{data}"):
            return
        try:
            with opened(root, target, os.O_RDONLY | os.O_DIRECTORY) as source:
                inside = os.open(volume.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    carry(source, inside)
                finally:
                    os.close(inside)
        except (FileNotFoundError, NotADirectoryError):
            return


@contextmanager
def _locked(volume: Volume) -> Iterator[None]:
    fd = os.open(volume.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
