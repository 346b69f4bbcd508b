"""What is asked of a new container, in docker's own words (`-v /a:/b`, `-m 512m`), and the spec that it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from capas.dockerfile.duration import parse_duration
from capas.engine.container_env import read_env, read_labels, read_ulimits
from capas.engine.container_networks import read_networks
from capas.errors import Invalid, Unsupported
from capas.run.defaults import DEFAULT_SHM_SIZE
from capas.run.endpoint import Endpoint
from capas.run.healthcheck import Check
from capas.run.limits import NO_LIMITS, Limits, parse_cpus, parse_size
from capas.run.mounts import ContainerMount, parse_mount, parse_tmpfs, parse_volume
from capas.run.ports import Port, parse_exposed, parse_ports
from capas.run.spec import ContainerSpec

_MODES = ("", "private", "host")


class ContainerRequest(NamedTuple):
    """The options of `run` and `create`, each as docker's flag writes it. None and () stand for "as the image says"."""

    env: Sequence[str] = ()
    env_file: Sequence[str] = ()
    user: str | None = None
    group_add: Sequence[str] = ()
    workdir: str | None = None
    entrypoint: str | Sequence[str] | None = None
    tty: bool = False
    interactive: bool = False
    hostname: str = ""
    domainname: str = ""
    labels: Sequence[str] = ()
    label_file: Sequence[str] = ()
    annotations: Sequence[str] = ()
    volumes: Sequence[str] = ()
    mounts: Sequence[str] = ()
    volumes_from: Sequence[str] = ()
    tmpfs: Sequence[str] = ()
    read_only: bool = False
    memory: str = ""
    memory_swap: str = ""
    memory_reservation: str = ""
    cpus: str = ""
    cpu_shares: int = 0
    cpuset_cpus: str = ""
    pids_limit: int = 0
    publish: Sequence[str] = ()
    publish_all: bool = False
    expose: Sequence[str] = ()
    network: str | Sequence[str] = ()
    network_alias: Sequence[str] = ()
    ip: str = ""
    mac_address: str = ""
    link: Sequence[str] = ()
    add_host: Sequence[str] = ()
    dns: Sequence[str] = ()
    dns_search: Sequence[str] = ()
    dns_option: Sequence[str] = ()
    cap_add: Sequence[str] = ()
    cap_drop: Sequence[str] = ()
    privileged: bool = False
    security_opt: Sequence[str] = ()
    devices: Sequence[str] = ()
    ulimits: Sequence[str] = ()
    sysctls: Sequence[str] = ()
    shm_size: str = ""
    ipc: str = ""
    pid: str = ""
    uts: str = ""
    oom_score_adj: int = 0
    stop_signal: str | None = None
    stop_timeout: int | None = None
    restart: str = "no"
    log_opts: Sequence[str] = ()
    health_cmd: str = ""
    health_interval: str = ""
    health_timeout: str = ""
    health_start_period: str = ""
    health_start_interval: str = ""
    health_retries: int = 0
    no_healthcheck: bool = False
    init: bool = False
    rm: bool = False


def spec_of(
    request: ContainerRequest, image: str, command: Sequence[str], *, environ: Mapping[str, str], base: str
) -> ContainerSpec:
    """The spec, image defaults not yet merged in. `base` is where relative paths begin; `environ` gives bare `-e NAME`.

    Raises: Invalid, naming the option at fault; Unsupported for what Capas has not.
    """
    _refuse(request)
    mode, endpoints = read_networks(request.network, Endpoint("", tuple(request.network_alias), request.ip,
                                                              request.mac_address, tuple(request.link)))  # fmt: skip
    return ContainerSpec(
        image=image,
        args=tuple(command) or None,
        entrypoint=_entrypoint(request.entrypoint),
        env=read_env(request.env, request.env_file, environ),
        user=request.user,
        group_add=tuple(request.group_add),
        workdir=_workdir(request.workdir),
        tty=request.tty,
        interactive=request.interactive,
        hostname=request.hostname,
        domainname=request.domainname,
        mounts=_mounts(request, base),
        volumes_from=tuple(request.volumes_from),
        read_only=request.read_only,
        limits=changed_limits(NO_LIMITS, request),
        cap_add=tuple(request.cap_add),
        cap_drop=tuple(request.cap_drop),
        privileged=request.privileged,
        security_opt=tuple(request.security_opt),
        devices=tuple(request.devices),
        network=mode,
        endpoints=endpoints,
        ports=_ports(request.publish),
        publish_all=request.publish_all,
        exposed=_exposed(request.expose),
        labels=read_labels(request.labels, request.label_file),
        annotations=read_labels(request.annotations),
        stop_signal=request.stop_signal,
        stop_timeout=request.stop_timeout,
        restart=request.restart,
        init=request.init,
        log_options=read_labels(request.log_opts),
        check=_check(request),
        auto_remove=request.rm,
        add_hosts=tuple(request.add_host),
        dns=tuple(request.dns),
        dns_search=tuple(request.dns_search),
        dns_options=tuple(request.dns_option),
        ulimits=read_ulimits(request.ulimits),
        shm_size=parse_size(request.shm_size) if request.shm_size else DEFAULT_SHM_SIZE,
        sysctls=read_labels(request.sysctls),
        oom_score_adj=request.oom_score_adj,
        ipc=_mode("--ipc", request.ipc),
        pid=request.pid or "private",
        uts=_mode("--uts", request.uts),
    )


def _refuse(request: ContainerRequest) -> None:
    if request.stop_timeout is not None and request.stop_timeout < 0:
        raise Invalid("--stop-timeout counts seconds from 0 up")


def _entrypoint(given: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    if isinstance(given, str):
        return (given,) if given else ()
    return tuple(given)


def _workdir(path: str | None) -> str | None:
    if path and not path.startswith("/"):
        raise Invalid("the working directory {path!r} is not an absolute path", path=path[:300])
    return path


def _mounts(request: ContainerRequest, base: str) -> tuple[ContainerMount, ...]:
    return (
        *(parse_volume(text, base=base) for text in request.volumes),
        *(parse_mount(text, base=base) for text in request.mounts),
        *map(parse_tmpfs, request.tmpfs),
    )


def changed_limits(before: Limits, request: ContainerRequest) -> Limits:
    """The limits that are asked for; those that are not stay as they were. Raises: Invalid."""
    if request.pids_limit < -1:
        raise Invalid("--pids-limit counts processes; -1 stands for no limit")
    swap = request.memory_swap
    asked: dict[str, Any] = {
        "memory": parse_size(request.memory or "0"),
        "memory_swap": -1 if swap == "-1" else parse_size(swap or "0"),
        "memory_reservation": parse_size(request.memory_reservation or "0"),
        "nano_cpus": parse_cpus(request.cpus or "0"),
        "cpu_shares": request.cpu_shares,
        "cpuset_cpus": request.cpuset_cpus,
    }
    changed = before._replace(**{name: value for name, value in asked.items() if value})
    return changed._replace(pids=max(request.pids_limit, 0)) if request.pids_limit else changed


def _check(request: ContainerRequest) -> Check:
    if request.no_healthcheck:
        if request.health_cmd:
            raise Invalid("--no-healthcheck and --health-cmd are at odds")
        return Check(("NONE",))
    return Check(
        test=("CMD-SHELL", request.health_cmd) if request.health_cmd else (),
        interval=parse_duration(request.health_interval or "0s"),
        timeout=parse_duration(request.health_timeout or "0s"),
        start_period=parse_duration(request.health_start_period or "0s"),
        start_interval=parse_duration(request.health_start_interval or "0s"),
        retries=request.health_retries,
    )


def _mode(flag: str, text: str) -> str:
    if text not in _MODES:
        raise Unsupported("{flag} {mode!r} is not supported", flag=flag, mode=text[:100], hint="choose private or host")
    return text or "private"


def _ports(texts: Sequence[str]) -> tuple[Port, ...]:
    return tuple(port for text in texts for port in parse_ports(text))


def _exposed(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{port}/{protocol}" for text in texts for port, protocol in parse_exposed(text))
