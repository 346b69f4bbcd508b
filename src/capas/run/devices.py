"""Devices: those that every container may use, those given to one, those of the whole host."""

from __future__ import annotations

import os
import stat
from typing import Any, NamedTuple

from capas.errors import Invalid, NotFound

_NOT_DEVICES = {"pts", "shm", "mqueue", "fd", ".udev", "console", "ptmx"}


def _rule(kind: str, major: int | None, minor: int | None, access: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"allow": True, "type": kind, "access": access}
    if major is not None:
        rule["major"] = major
    if minor is not None:
        rule["minor"] = minor
    return rule


# As docker: everything refused, then making nodes (not using them), null, zero, full, random, urandom, tty, console,
# ptmx and pseudo-terminals.
ALLOWED: tuple[dict[str, Any], ...] = (
    {"allow": False, "access": "rwm"},
    _rule("c", None, None, "m"), _rule("b", None, None, "m"),
    *(_rule("c", 1, minor, "rwm") for minor in (3, 5, 7, 8, 9)),
    *(_rule("c", 5, minor, "rwm") for minor in (0, 1, 2)),
    _rule("c", 136, None, "rwm"),
)  # fmt: skip


class HostDevice(NamedTuple):
    """A device node shown inside."""

    path: str
    kind: str  # "c" or "b"
    major: int
    minor: int
    mode: int
    uid: int = 0
    gid: int = 0
    access: str = "rwm"

    def node(self) -> dict[str, Any]:
        """The entry of `linux.devices`."""
        return {"path": self.path, "type": self.kind, "major": self.major, "minor": self.minor,
                "fileMode": self.mode, "uid": self.uid, "gid": self.gid}  # fmt: skip

    def rule(self) -> dict[str, Any]:
        """The entry of `linux.resources.devices`."""
        return _rule(self.kind, self.major, self.minor, self.access)


def parse_device(text: str) -> HostDevice:
    """`/dev/fuse[:/dev/inside][:rwm]`, as --device. Raises: Invalid; NotFound."""
    parts = text.split(":")
    source = parts[0]
    access = parts.pop() if len(parts) > 1 and parts[-1] and set(parts[-1]) <= set("rwm") else "rwm"
    target = parts[1] if len(parts) > 1 and parts[1] else source
    if len(parts) > 2 or not source.startswith("/") or not target.startswith("/"):
        raise Invalid("not a device: {text!r}", text=text, hint="write it as /dev/name[:/dev/inside][:rwm]")
    found = _device_at(source, target)
    if found is None:
        raise NotFound("{path} is not a device of this machine", path=source)
    return found._replace(access=access)


def list_host_devices() -> list[HostDevice]:
    """Every device under /dev, for a privileged container."""
    found: list[HostDevice] = []
    for folder, folders, names in os.walk("/dev"):
        folders[:] = [name for name in folders if name not in _NOT_DEVICES]
        for name in names:
            path = f"{folder}/{name}"
            device = None if name in _NOT_DEVICES or os.path.islink(path) else _device_at(path, path)
            if device is not None:
                found.append(device)
    return found


def _device_at(source: str, target: str) -> HostDevice | None:
    try:
        status = os.stat(source)
    except OSError:
        return None
    if not (stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)):
        return None
    kind = "c" if stat.S_ISCHR(status.st_mode) else "b"
    major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    return HostDevice(target, kind, major, minor, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
