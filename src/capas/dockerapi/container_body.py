"""What POST /containers/create asks for, as a spec. A field that Capas does not have is refused by name.

Spec: Docker Engine API, "ContainerCreate": Config with HostConfig and NetworkingConfig in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from capas.dockerapi.endpoint_body import read_networks
from capas.dockerapi.fields import CONFIG, HOST, LIMITS, MOUNT, MOUNT_OPTIONS, check_fields
from capas.dockerapi.wording import BIND_SOURCE, Worded
from capas.errors import CapasError, Invalid, Unsupported
from capas.run.bundle import MASKED, READ_ONLY
from capas.run.defaults import DEFAULT_SHM_SIZE
from capas.run.healthcheck import Check
from capas.run.limits import Limits
from capas.run.mounts import ContainerMount, parse_target, parse_tmpfs, parse_volume
from capas.run.ports import Port, parse_ports
from capas.run.spec import ContainerSpec, parse_env

_PERIOD_US = 100_000


def spec_of(body: Mapping[str, Any]) -> ContainerSpec:
    """The spec, image defaults not yet merged in. Raises: Invalid for values that cannot be; Unsupported."""
    if not body:
        raise Invalid("config cannot be empty in order to create a container")
    check_fields("", body, CONFIG)
    try:
        return _spec(body, body.get("HostConfig") or {})
    except CapasError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Invalid("the container's configuration cannot be read: {why}", why=repr(error)) from None


def _spec(body: Mapping[str, Any], host: Mapping[str, Any]) -> ContainerSpec:
    check_fields("HostConfig.", host, HOST)
    _check_modes(host)
    mode, endpoints = read_networks(body, host)
    return ContainerSpec(
        image=_text(body, "Image"),
        args=_words(body.get("Cmd")),
        entrypoint=_words(body.get("Entrypoint")),
        env=parse_env(body.get("Env") or ()),
        user=body.get("User") or None,
        group_add=tuple(host.get("GroupAdd") or ()),
        workdir=body.get("WorkingDir") or None,
        tty=bool(body.get("Tty")),
        init=bool(host.get("Init")),
        console_size=_console_size(host),
        interactive=bool(body.get("OpenStdin")),
        stdin_once=bool(body.get("StdinOnce")),
        hostname=_text(body, "Hostname"),
        domainname=_text(body, "Domainname"),
        mounts=tuple(_mounts(body, host)),
        volumes_from=tuple(map(str, host.get("VolumesFrom") or ())),
        read_only=bool(host.get("ReadonlyRootfs")),
        limits=_limits(host),
        cap_add=tuple(host.get("CapAdd") or ()),
        cap_drop=tuple(host.get("CapDrop") or ()),
        privileged=bool(host.get("Privileged")),
        security_opt=tuple(host.get("SecurityOpt") or ()),
        devices=tuple(_devices(host)),
        network=mode,
        endpoints=endpoints,
        ports=tuple(_ports(host)),
        publish_all=bool(host.get("PublishAllPorts")),
        exposed=tuple(body.get("ExposedPorts") or ()),
        labels=dict(body.get("Labels") or {}),
        annotations=dict(host.get("Annotations") or {}),
        stop_signal=body.get("StopSignal") or None,
        stop_timeout=body.get("StopTimeout"),
        restart=restart_of(host) or "no",
        check=_check(body.get("Healthcheck") or {}),
        auto_remove=bool(host.get("AutoRemove")),
        log_options=(host.get("LogConfig") or {}).get("Config") or {},
        add_hosts=tuple(host.get("ExtraHosts") or ()),
        dns=tuple(host.get("Dns") or ()),
        dns_search=tuple(host.get("DnsSearch") or ()),
        dns_options=tuple(host.get("DnsOptions") or ()),
        ulimits=tuple((str(one["Name"]), int(one["Soft"]), int(one["Hard"])) for one in host.get("Ulimits") or ()),
        shm_size=int(host.get("ShmSize") or 0) or DEFAULT_SHM_SIZE,
        sysctls=dict(host.get("Sysctls") or {}),
        oom_score_adj=int(host.get("OomScoreAdj") or 0),
        ipc="host" if host.get("IpcMode") == "host" else "private",
        pid=_text(host, "PidMode") or "private",
        uts="host" if host.get("UTSMode") == "host" else "private",
    )


def _console_size(host: Mapping[str, Any]) -> tuple[int, int] | None:
    rows, columns = (*(host.get("ConsoleSize") or ()), 0, 0)[:2]
    return (int(rows), int(columns)) if rows and columns else None


def _check_modes(host: Mapping[str, Any]) -> None:
    for name, allowed in (
        ("IpcMode", ("", "private", "shareable", "host")),
        ("CgroupnsMode", ("", "private")), ("Isolation", ("", "default")), ("UTSMode", ("", "host")),
        ("UsernsMode", ("", "host")),
    ):  # fmt: skip
        if (mode := host.get(name) or "") not in allowed:
            raise Unsupported("HostConfig.{field} {mode!r} is not supported", field=name, mode=str(mode)[:100])
    if host.get("MemorySwappiness") not in (None, -1):
        raise Unsupported("HostConfig.MemorySwappiness is not supported")
    for name, paths in (("MaskedPaths", MASKED), ("ReadonlyPaths", READ_ONLY)):
        if (chosen := host.get(name)) is not None and set(chosen) != set(paths):
            raise Unsupported("HostConfig.{field} is not supported: Capas masks docker's default paths", field=name)
    _check_log(host.get("LogConfig") or {})


def _check_log(given: Mapping[str, Any]) -> None:
    if (given.get("Type") or "json-file") != "json-file":
        raise Unsupported("HostConfig.LogConfig.Type: only the log driver json-file is supported")


def _mounts(body: Mapping[str, Any], host: Mapping[str, Any]) -> Iterable[ContainerMount]:
    yield from map(parse_volume, host.get("Binds") or ())
    for target, options in (host.get("Tmpfs") or {}).items():
        yield parse_tmpfs(f"{target}:{options}" if options else target)
    yield from (_mount(one) for one in host.get("Mounts") or ())
    bound = {parse_volume(text).target for text in host.get("Binds") or ()}
    bound |= {one["Target"] for one in host.get("Mounts") or ()}
    yield from (
        ContainerMount("volume", "", parse_target(path)) for path in body.get("Volumes") or () if path not in bound
    )


def _mount(one: Mapping[str, Any]) -> ContainerMount:
    check_fields("HostConfig.Mounts.", one, MOUNT)
    for name, known in MOUNT_OPTIONS.items():
        check_fields(f"HostConfig.Mounts.{name}.", one.get(name) or {}, known)
    kind, target = one.get("Type") or "volume", parse_target(str(one.get("Target") or ""))
    read_only, source = bool(one.get("ReadOnly")), str(one.get("Source") or "")
    if kind == "bind":
        options = one.get("BindOptions") or {}
        if not source.startswith("/"):
            raise Worded(400, BIND_SOURCE, source=source)
        return ContainerMount("bind", source, target, read_only, options.get("Propagation") or "rprivate",
                              create=bool(options.get("CreateMountpoint")))  # fmt: skip
    if kind == "volume":
        no_copy = bool((one.get("VolumeOptions") or {}).get("NoCopy"))
        return parse_volume(f"{source}:{target}")._replace(read_only=read_only, no_copy=no_copy) if source else (
            ContainerMount("volume", "", target, read_only))  # fmt: skip
    if kind == "tmpfs":
        options = one.get("TmpfsOptions") or {}
        words = [f"size={options['SizeBytes']}"] if options.get("SizeBytes") else []
        words += [f"mode={options['Mode']:o}"] if options.get("Mode") else []
        return parse_tmpfs(f"{target}:{','.join(words)}" if words else target)._replace(read_only=read_only)
    raise Worded(400, 'invalid mount config for type "{kind}": mount type unknown', kind=kind)


def limits_of(body: Mapping[str, Any], before: Limits) -> Limits:
    """The limits of an update: what it does not say stays. Raises: Unsupported for what Capas cannot limit; Invalid."""
    check_fields("", body, LIMITS)
    try:
        new = _limits(body)
    except (TypeError, ValueError) as error:
        raise Invalid("the limits cannot be read: {why}", why=repr(error)) from None
    said = {name: value for name, value in new._asdict().items() if value}
    return before._replace(**said)


def _limits(host: Mapping[str, Any]) -> Limits:
    number = partial(_number, host)
    nano = number("NanoCpus")
    if number("CpuPeriod") and not number("CpuQuota"):
        raise Unsupported("HostConfig.CpuPeriod counts only with CpuQuota")
    if not nano and number("CpuQuota") > 0:
        nano = number("CpuQuota") * 10**9 // (number("CpuPeriod") or _PERIOD_US)
    return Limits(
        memory=number("Memory"), memory_swap=number("MemorySwap"), memory_reservation=number("MemoryReservation"),
        nano_cpus=nano, cpu_shares=number("CpuShares"), cpuset_cpus=_text(host, "CpusetCpus"),
        pids=max(number("PidsLimit"), 0),
    )  # fmt: skip


def _devices(host: Mapping[str, Any]) -> Iterable[str]:
    for one in host.get("Devices") or ():
        outside = one["PathOnHost"]
        yield f"{outside}:{one.get('PathInContainer') or outside}:{one.get('CgroupPermissions') or 'rwm'}"


def _ports(host: Mapping[str, Any]) -> Iterable[Port]:
    for inside, bindings in (host.get("PortBindings") or {}).items():
        for one in bindings or [{}]:
            address, outside = one.get("HostIp") or "", one.get("HostPort") or ""
            shown = f"[{address}]" if ":" in address else address
            front = f"{shown}:{outside}:" if shown else f"{outside}:" if outside else ""
            yield from parse_ports(front + inside)


def restart_of(body: Mapping[str, Any]) -> str:
    """The restart policy that it names, as docker's client writes it; "" where it names none."""
    policy = body.get("RestartPolicy") or {}
    name, count = str(policy.get("Name") or ""), int(policy.get("MaximumRetryCount") or 0)
    return f"{name}:{count}" if count else name


def _check(given: Mapping[str, Any]) -> Check:
    number = partial(_number, given)
    return Check(
        tuple(map(str, given.get("Test") or ())), number("Interval"), number("Timeout"), number("StartPeriod"),
        number("StartInterval"), number("Retries"),
    )  # fmt: skip


def _words(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, list) else None


def _number(given: Mapping[str, Any], name: str) -> int:
    return int(given.get(name) or 0)


def _text(given: Mapping[str, Any], name: str) -> str:
    return str(given.get(name) or "")
