"""From a container's record to its config.json: users, mounts, volumes and files, resolved in its mounted tree."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from capas.errors import Invalid, NotFound
from capas.run.bundle import BundleSpec, InnerMount, ProcessSpec, make_config
from capas.run.connection import Connection
from capas.run.devices import parse_device
from capas.run.ground import Ground, bind, tmpfs
from capas.run.init import TARGET, command_of, has_init
from capas.run.limits import check_limits
from capas.run.machine import Machine, read_machine
from capas.run.mounts import ContainerMount
from capas.run.naming import DOTS, hosts, parse_host, resolv_conf, write_files
from capas.run.pid_mode import find_processes
from capas.run.record import Record
from capas.run.runtime import Runtime
from capas.run.security import parse_security
from capas.run.user import find_user
from capas.run.volumes import Volumes, fill_volume


class Arranged(NamedTuple):
    """The config, and what a later `exec` starts from."""

    config: dict[str, Any]
    process: ProcessSpec
    machine: Machine


def arrange(
    root: Path, runtime: Runtime, record: Record, ground: Ground, folder: Path,
    *, connection: Connection, console_size: tuple[int, int] | None,
) -> Arranged:  # fmt: skip
    """The config of a start. Volumes are filled, the working directory is made, mount points are put in place.

    Raises: Invalid, NotFound, Unsupported, naming what cannot be.
    """
    spec, machine = record.spec, read_machine()
    check_limits(spec.limits, runtime.cgroups)
    security = parse_security(spec)
    if connection.names is None:
        _write_names(record, folder, connection)
    mounts = ground.place(_mounts(root, record, ground, connection.names or folder))
    user = find_user(ground.tree, spec.user or "", spec.group_add)
    cwd = ground.enter(spec.workdir or "/", (user.uid, user.gid))
    env = {"HOSTNAME": record.hostname, "HOME": user.home} | ({"TERM": "xterm"} if spec.tty else {}) | dict(spec.env)
    process = ProcessSpec(
        command_of(spec), env, cwd, user, spec.tty, console_size, security.capabilities, security.no_new_privileges,
        spec.ulimits, spec.oom_score_adj,
    )  # fmt: skip
    bundle = BundleSpec(
        process, ground.tree, record.hostname, connection.namespace, f"/capas/{record.id}", mounts,
        read_only=spec.read_only, privileged=spec.privileged, seccomp=security.seccomp,
        system_paths=security.system_paths, limits=spec.limits, devices=[parse_device(d) for d in spec.devices],
        shm_size=spec.shm_size, ipc="host" if spec.ipc == "host" else "private",
        pid=find_processes(root, spec), uts="host" if spec.uts == "host" else "private",
        sysctls={**({"kernel.domainname": spec.domainname} if spec.domainname else {}), **spec.sysctls},
    )  # fmt: skip
    return Arranged(make_config(bundle, machine, with_cgroups=runtime.cgroups.writable), process, machine)


def _write_names(record: Record, folder: Path, connection: Connection) -> None:
    spec = record.spec
    dns, options = spec.dns, spec.dns_options
    if connection.resolver:
        dns = (connection.resolver,)
        options = options if any(one.startswith("ndots:") for one in options) else (*options, DOTS)
    extra = [parse_host(text, connection.gateway) for text in spec.add_hosts]
    write_files(folder, {
        "resolv.conf": resolv_conf(dns, spec.dns_search, options, own_network=connection.namespace != "host"),
        "hosts": hosts(extra, hostname=record.names, addresses=connection.addresses),
        "hostname": record.hostname + "\n",
    })  # fmt: skip


def _mounts(root: Path, record: Record, ground: Ground, folder: Path) -> list[InnerMount]:
    taken = {mount.target for mount in record.spec.mounts}
    files = [bind(folder / name, f"/etc/{name}") for name in ("resolv.conf", "hosts", "hostname")]
    mounts = [mount for mount in files if mount.target not in taken]
    if has_init(record.spec):
        mounts.append(bind(record.spec.init_program, TARGET, read_only=True))
    return mounts + [_mount(root, mount, ground) for mount in record.spec.mounts]


def _mount(root: Path, mount: ContainerMount, ground: Ground) -> InnerMount:
    if mount.type == "tmpfs":
        return tmpfs(mount.target, (*mount.options, *(("ro",) if mount.read_only else ())))
    if mount.type == "volume":
        volume = Volumes(root).get(mount.source)
        if not volume.path.is_dir():
            raise NotFound("{path} is not there to be mounted", path=str(volume.path))
        if not mount.no_copy:
            fill_volume(volume, ground.root, mount.target)
        return bind(volume.path, mount.target, read_only=mount.read_only)
    if not os.path.exists(mount.source):
        _missing(mount)
    return bind(mount.source, mount.target, read_only=mount.read_only, propagation=mount.propagation)


def _missing(mount: ContainerMount) -> None:
    if not mount.create:
        raise NotFound("{path} is not there to be mounted", path=mount.source)
    try:
        os.makedirs(mount.source, exist_ok=True)
    except OSError as error:
        raise Invalid("cannot make {path} to mount it: {error}", path=mount.source, error=error.strerror) from None
