"""The bundle: a container's config.json for the OCI runtime, as plain values.

Spec: OCI runtime-spec, config.md and config-linux.md; docker's defaults for what an image may expect.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from capas.errors import Unsupported
from capas.run.capabilities import DEFAULT, grantable
from capas.run.defaults import DEFAULT_SHM_SIZE
from capas.run.devices import ALLOWED, HostDevice, list_host_devices
from capas.run.limits import NO_LIMITS, Limits, resources_of
from capas.run.machine import Machine
from capas.run.seccomp import default_profile
from capas.run.user import User

Spec = dict[str, Any]
MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/scsi",
    "/proc/sched_debug", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
)  # fmt: skip
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


class ProcessSpec(NamedTuple):
    """The process: the container's first one, or one of `exec`."""

    args: Sequence[str]
    env: Mapping[str, str]
    cwd: str = "/"
    user: User = User()
    tty: bool = False
    console_size: tuple[int, int] | None = None  # (rows, columns)
    capabilities: Sequence[str] = DEFAULT
    no_new_privileges: bool = False
    ulimits: Sequence[tuple[str, int, int]] = ()  # (name, soft, hard)
    oom_score_adj: int = 0


class InnerMount(NamedTuple):
    """A mount inside the container. `options` as in mount(8)."""

    target: str
    type: str = "bind"
    source: str = ""
    options: Sequence[str] = ("rbind", "rprivate", "rw")


class BundleSpec(NamedTuple):
    """All that config.json says. `network` is "host", "none" or the path of a network namespace."""

    process: ProcessSpec
    tree: Path
    hostname: str
    network: str = "none"
    group: str = ""  # the cgroup, "/capas/<id>"
    mounts: Sequence[InnerMount] = ()
    read_only: bool = False
    privileged: bool = False
    seccomp: Literal["default", "unconfined"] | Spec = "default"
    system_paths: bool = True  # masked and read-only paths of /proc and /sys
    limits: Limits = NO_LIMITS
    devices: Sequence[HostDevice] = ()
    shm_size: int = DEFAULT_SHM_SIZE
    ipc: Literal["private", "host"] = "private"
    pid: str = "private"  # "host", or the path of a namespace
    uts: Literal["private", "host"] = "private"
    sysctls: Mapping[str, str] = {}


def make_config(spec: BundleSpec, machine: Machine, *, with_cgroups: bool) -> Spec:
    """The config.json of the bundle. `with_cgroups` says whether groups can be made here."""
    config: Spec = {
        "ociVersion": "1.0.2",
        "process": make_process(spec.process, machine),
        "root": {"path": str(spec.tree), "readonly": spec.read_only},
        "mounts": [*_default_mounts(spec, machine, with_cgroups=with_cgroups), *map(_mount, spec.mounts)],
        "linux": _linux(spec, machine, with_cgroups=with_cgroups),
    }
    if spec.uts == "private":
        config["hostname"] = spec.hostname
    return config


def make_process(process: ProcessSpec, machine: Machine) -> Spec:
    """The `process` member; by itself it is what the runtime's exec reads."""
    if not (machine.maps(process.user.uid) and machine.maps(process.user.gid)):
        raise Unsupported(
            "user {uid}:{gid} is not mapped for you", uid=process.user.uid, gid=process.user.gid,
            hint="give your user a range of ids in /etc/subuid and /etc/subgid, and install uidmap",
        )  # fmt: skip
    held = list(grantable(process.capabilities, machine.bounding))
    user = process.user
    made: Spec = {
        "terminal": process.tty,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": [g for g in user.groups if machine.maps(g)]},
        "args": list(process.args),
        "env": [f"{name}={value}" for name, value in process.env.items()],
        "cwd": process.cwd,
        "noNewPrivileges": process.no_new_privileges,
        # As docker: what is permitted is effective for root only, and nothing is inheritable (CVE-2022-24769)
        "capabilities": {"bounding": held, "permitted": held if user.uid == 0 else [],
                         "effective": held if user.uid == 0 else []},
    }  # fmt: skip
    if process.console_size is not None:
        made["consoleSize"] = {"height": process.console_size[0], "width": process.console_size[1]}
    if process.ulimits:
        made["rlimits"] = [{"type": f"RLIMIT_{n.upper()}", "soft": s, "hard": h} for n, s, h in process.ulimits]
    if process.oom_score_adj:
        made["oomScoreAdj"] = process.oom_score_adj
    return made


def _default_mounts(spec: BundleSpec, machine: Machine, *, with_cgroups: bool) -> list[Spec]:
    rw = "rw" if spec.privileged else "ro"
    plain = ["nosuid", "noexec", "nodev"]
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] + (["gid=5"] if machine.maps(5) else [])
    mounts = [
        InnerMount("/proc", "proc", "proc", plain),
        InnerMount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        InnerMount("/dev/pts", "devpts", "devpts", pts),
        _sys_mount(spec, machine, [*plain, rw]),
    ]
    if with_cgroups:
        mounts.append(InnerMount("/sys/fs/cgroup", "cgroup", "cgroup", [*plain, "relatime", rw]))
    if spec.ipc == "host":
        mounts.append(InnerMount("/dev/shm", "bind", "/dev/shm", ["rbind", "rprivate", "rw"]))
    else:
        mounts.append(InnerMount("/dev/mqueue", "mqueue", "mqueue", plain))
        mounts.append(InnerMount("/dev/shm", "tmpfs", "shm", [*plain, "mode=1777", f"size={spec.shm_size}"]))
    taken = {mount.target for mount in spec.mounts}
    return [_mount(mount) for mount in mounts if mount.target not in taken]


def _sys_mount(spec: BundleSpec, machine: Machine, options: list[str]) -> InnerMount:
    if (
        spec.network == "host" and machine.user_namespace
    ):  # sysfs shows a network that belongs to another user namespace
        return InnerMount("/sys", "bind", "/sys", ["rbind", "rprivate", *options])
    return InnerMount("/sys", "sysfs", "sysfs", options)


def _mount(mount: InnerMount) -> Spec:
    return {
        "destination": mount.target,
        "type": mount.type,
        "source": mount.source or mount.type,
        "options": list(mount.options),
    }


def _linux(spec: BundleSpec, machine: Machine, *, with_cgroups: bool) -> Spec:
    linux: Spec = {"namespaces": _namespaces(spec)}
    if spec.system_paths and not spec.privileged:
        linux["maskedPaths"], linux["readonlyPaths"] = list(MASKED), list(READ_ONLY)
    devices = list_host_devices() if spec.privileged and not machine.user_namespace else spec.devices
    if devices:
        linux["devices"] = [device.node() for device in devices]
    if with_cgroups:
        everything = [{"allow": True, "access": "rwm"}]
        allowed = everything if spec.privileged else [*ALLOWED, *(device.rule() for device in devices)]
        linux["cgroupsPath"] = spec.group
        linux["resources"] = resources_of(spec.limits) | {"devices": allowed}
    if spec.sysctls:
        linux["sysctl"] = dict(spec.sysctls)
    if isinstance(spec.seccomp, dict):
        linux["seccomp"] = spec.seccomp
    elif spec.seccomp == "default" and not spec.privileged:
        linux["seccomp"] = default_profile(spec.process.capabilities, machine.architecture)
    return linux


def _namespaces(spec: BundleSpec) -> list[Spec]:
    found: list[Spec] = [{"type": "mount"}]
    if spec.uts == "private":
        found.append({"type": "uts"})
    if spec.pid == "private":
        found.append({"type": "pid"})
    elif spec.pid != "host":
        found.append({"type": "pid", "path": spec.pid})
    if spec.ipc == "private":
        found.append({"type": "ipc"})
    if spec.network == "none":
        found.append({"type": "network"})
    elif spec.network != "host":
        found.append({"type": "network", "path": os.fspath(spec.network)})
    return found
