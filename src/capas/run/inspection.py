"""A container as docker's `inspect` and `ps` show it."""

from __future__ import annotations

from typing import Any

from capas.run.ages import duration
from capas.run.containers import Container, Containers
from capas.run.health import read_health
from capas.run.healthcheck import Check
from capas.run.mounts import ContainerMount
from capas.run.network_inspection import describe_network, exposed, network_mode
from capas.run.policy import parse_policy
from capas.run.ports import Port
from capas.run.record import Record, State
from capas.run.times import format_time


def inspect(containers: Containers, reference: str) -> dict[str, Any]:
    """docker's JSON of one container: the image's defaults and what was changed for it."""
    container = containers.get(reference)
    record, state = container
    folder = containers.folder(record.id)
    live = containers.live(record.id)
    command = record.spec.command
    return {
        "Id": record.id, "Created": format_time(record.created_ns),
        "Path": command[0] if command else "", "Args": list(command[1:]),
        "State": describe_state(state, read_health(folder) if record.spec.check.runs else None),
        "Image": record.image_id,
        "ResolvConfPath": str(live / "resolv.conf"), "HostnamePath": str(live / "hostname"),
        "HostsPath": str(live / "hosts"), "LogPath": str(folder / f"{record.id}-json.log"),
        "Name": f"/{record.name}", "RestartCount": state.restarts,
        "Driver": containers.snapshotter.name, "Platform": "linux",
        "MountLabel": "", "ProcessLabel": "", "AppArmorProfile": "", "ExecIDs": None,
        "HostConfig": _host_config(record), "GraphDriver": {"Name": containers.snapshotter.name, "Data": None},
        "Mounts": describe_mounts(containers, record),
        "Config": config_values(record), "NetworkSettings": describe_network(containers, container),
    }  # fmt: skip


def config_values(record: Record) -> dict[str, Any]:
    """The container's own `Config`: also what a commit makes the image's."""
    spec = record.spec
    return {
        "Hostname": record.hostname, "Domainname": spec.domainname, "User": spec.user or "", "AttachStdin": False,
        "AttachStdout": True, "AttachStderr": True, "ExposedPorts": {exposed(text): {} for text in spec.exposed},
        "Tty": spec.tty, "OpenStdin": spec.interactive, "StdinOnce": spec.stdin_once,
        "Env": [f"{name}={value}" for name, value in spec.env.items()], "Cmd": list(spec.args or ()) or None,
        "Image": spec.image, "Volumes": {m.target: {} for m in spec.mounts if m.source in record.volumes} or None,
        "WorkingDir": spec.workdir if spec.workdir != "/" else "", "Entrypoint": list(spec.entrypoint or ()) or None,
        "OnBuild": None, "Labels": dict(spec.labels), "StopSignal": spec.stop_signal or "SIGTERM",
        **({"Healthcheck": _check(spec.check)} if spec.check.runs else {}),
        **({"StopTimeout": spec.stop_timeout} if spec.stop_timeout is not None else {}),
    }  # fmt: skip


def describe_state(state: State, health: dict[str, Any] | None = None) -> dict[str, Any]:
    """docker's `State`."""
    return {
        "Status": status_of(state), "Running": state.status == "running", "Paused": state.paused,
        "Restarting": state.status == "restarting",
        "OOMKilled": False, "Dead": state.status == "dead", "Pid": state.pid, "ExitCode": state.exit_code,
        "Error": state.error, "StartedAt": format_time(state.started_ns), "FinishedAt": format_time(state.finished_ns),
        **({"Health": health} if health is not None else {}),
    }  # fmt: skip


def status_of(state: State) -> str:
    """docker's word: one that is held still runs all the same."""
    return "paused" if state.status == "running" and state.paused else state.status


def describe_age(container: Container, now_ns: int, health: str = "") -> str:
    """docker's STATUS column: `Up 3 minutes`, `Exited (0) 2 hours ago`, `Created`."""
    state = container.state
    if state.status == "running":
        return f"Up {duration(now_ns - state.started_ns)}" + _qualified(state, health)
    if state.status == "restarting":
        return f"Restarting ({state.exit_code}) {duration(now_ns - state.finished_ns)} ago"
    if state.status == "exited":
        return f"Exited ({state.exit_code}) {duration(now_ns - state.finished_ns)} ago"
    return "Created" if state.status == "created" else "Dead"


def _qualified(state: State, health: str) -> str:
    if state.paused:
        return " (Paused)"
    return f" ({'health: starting' if health == 'starting' else health})" if health else ""


def _host_config(record: Record) -> dict[str, Any]:
    spec = record.spec
    limits = spec.limits
    return {
        "Binds": [_bind(mount) for mount in spec.mounts if mount.type != "tmpfs" and mount.source not in record.volumes]
        or None,
        "VolumesFrom": list(spec.volumes_from) or None, "NetworkMode": network_mode(spec),
        "PortBindings": _bindings(spec.ports), "RestartPolicy": _policy(spec.restart),
        "Init": spec.init or None,
        "AutoRemove": spec.auto_remove, "CapAdd": list(spec.cap_add) or None, "CapDrop": list(spec.cap_drop) or None,
        "Dns": list(spec.dns), "DnsOptions": list(spec.dns_options), "DnsSearch": list(spec.dns_search),
        "ExtraHosts": list(spec.add_hosts) or None, "GroupAdd": list(spec.group_add) or None, "IpcMode": spec.ipc,
        "OomScoreAdj": spec.oom_score_adj, "PidMode": "" if spec.pid == "private" else spec.pid,
        "UTSMode": "" if spec.uts == "private" else spec.uts,
        "Privileged": spec.privileged, "PublishAllPorts": spec.publish_all, "ReadonlyRootfs": spec.read_only,
        "SecurityOpt": list(spec.security_opt) or None, "ShmSize": spec.shm_size,
        "Tmpfs": {m.target: ",".join(m.options) for m in spec.mounts if m.type == "tmpfs"} or None,
        "Sysctls": dict(spec.sysctls) or None,
        "Memory": limits.memory, "MemorySwap": limits.memory_swap, "MemoryReservation": limits.memory_reservation,
        "NanoCpus": limits.nano_cpus, "CpuShares": limits.cpu_shares, "CpusetCpus": limits.cpuset_cpus,
        "PidsLimit": limits.pids or None,
        "Ulimits": [{"Name": name, "Soft": soft, "Hard": hard} for name, soft, hard in spec.ulimits],
        "LogConfig": {"Type": "json-file", "Config": dict(spec.log_options)},
    }  # fmt: skip


def _check(check: Check) -> dict[str, Any]:
    named = {
        "Test": list(check.test), "Interval": check.interval, "Timeout": check.timeout, "Retries": check.retries,
        "StartPeriod": check.start_period, "StartInterval": check.start_interval,
    }  # fmt: skip
    return {name: value for name, value in named.items() if value}


def _policy(text: str) -> dict[str, Any]:
    policy = parse_policy(text)
    return {"Name": policy.name, "MaximumRetryCount": policy.most}


def _bind(mount: ContainerMount) -> str:
    return f"{mount.source}:{mount.target}" + (":ro" if mount.read_only else "")


def describe_mounts(containers: Containers, record: Record) -> list[dict[str, Any]]:
    """docker's `Mounts`."""
    return [_mount(containers, mount) for mount in record.spec.mounts]


def _mount(containers: Containers, mount: ContainerMount) -> dict[str, Any]:
    shown: dict[str, Any] = {"Type": mount.type}
    source = mount.source
    if mount.type == "volume":
        volume = containers.volumes.find(mount.source)
        shown |= {"Name": mount.source, "Driver": "local"}
        source = str(volume.path) if volume else ""
    return shown | {
        "Source": source, "Destination": mount.target, "Mode": "ro" if mount.read_only else "",
        "RW": not mount.read_only, "Propagation": mount.propagation if mount.type == "bind" else "",
    }  # fmt: skip


def _bindings(ports: tuple[Port, ...]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        host = {"HostIp": port.address, "HostPort": str(port.host_port) if port.host_port else ""}
        found.setdefault(f"{port.container_port}/{port.protocol}", []).append(host)
    return found
