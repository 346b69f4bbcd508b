"""What a container is to be: an image's defaults and what was asked for, in one value that is kept with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from capas.errors import Invalid
from capas.run.defaults import DEFAULT_PATH, DEFAULT_SHM_SIZE
from capas.run.endpoint import Endpoint
from capas.run.healthcheck import NO_CHECK, Check, verify, with_image_check
from capas.run.limits import NO_LIMITS, Limits
from capas.run.log_files import parse_log_options
from capas.run.mounts import ContainerMount
from capas.run.policy import parse_policy
from capas.run.ports import Port

if TYPE_CHECKING:
    from capas.oci.config import Execution

_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63})*", re.ASCII)


class ContainerSpec(NamedTuple):
    """Everything `create` is told. None stands for "as the image says".

    `args` replaces the image's Cmd; `entrypoint` its Entrypoint (an empty one clears it). After `with_image` they are
    both set, and what runs is entrypoint + args.
    """

    image: str = ""
    args: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    env: Mapping[str, str] = {}
    user: str | None = None
    group_add: tuple[str, ...] = ()
    workdir: str | None = None
    tty: bool = False
    console_size: tuple[int, int] | None = None  # (rows, columns) at its start
    interactive: bool = False
    stdin_once: bool = False  # its input ends with that of the first who is attached
    hostname: str = ""
    domainname: str = ""
    mounts: tuple[ContainerMount, ...] = ()
    volumes_from: tuple[str, ...] = ()  # containers, each with :ro or :rw behind it or not
    read_only: bool = False
    limits: Limits = NO_LIMITS
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    privileged: bool = False
    security_opt: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    network: str = ""  # host, none, bridge, container:ID, or the name of one that was made; "" for the best there is
    endpoints: tuple[Endpoint, ...] = ()  # the networks it is on, with what it asks for there
    ports: tuple[Port, ...] = ()
    publish_all: bool = False
    exposed: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    stop_signal: str | None = None
    stop_timeout: int | None = None
    restart: str = "no"
    check: Check = NO_CHECK
    auto_remove: bool = False
    log_options: Mapping[str, str] = {}
    add_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    ulimits: tuple[tuple[str, int, int], ...] = ()
    shm_size: int = DEFAULT_SHM_SIZE
    sysctls: Mapping[str, str] = {}
    oom_score_adj: int = 0
    ipc: str = "private"
    pid: str = "private"
    init: bool = False  # a small first process before the command, which reaps orphans
    init_program: str = ""  # which one, on this machine
    uts: str = "private"  # "host": the host's name is the container's

    @property
    def command(self) -> tuple[str, ...]:
        """What runs: the program and its arguments."""
        return (*(self.entrypoint or ()), *(self.args or ()))


def with_image(spec: ContainerSpec, image: Execution) -> ContainerSpec:
    """The spec with the image's defaults where nothing else was asked for, by docker's rules.

    Raises: Invalid where there is nothing to run.
    """
    # A new entrypoint drops the image's Cmd: those were arguments of the other program
    cmd = spec.args if spec.args is not None else () if spec.entrypoint is not None else (image.cmd or ())
    entrypoint = spec.entrypoint if spec.entrypoint is not None else (image.entrypoint or ())
    own = {mount.target for mount in spec.mounts}
    anonymous = tuple(
        ContainerMount("volume", "", _image_volume(path))
        for path in image.volumes or {}
        if _image_volume(path) not in own
    )
    merged = spec._replace(
        args=tuple(cmd),
        entrypoint=tuple(word for word in entrypoint if word or len(entrypoint) > 1),
        env={"PATH": DEFAULT_PATH} | parse_env(image.env or ()) | dict(spec.env),
        user=image.user if spec.user is None else spec.user,
        workdir=(image.working_dir if spec.workdir is None else spec.workdir) or "/",
        mounts=(*spec.mounts, *anonymous),
        exposed=tuple(dict.fromkeys((*(image.exposed_ports or {}), *spec.exposed))),
        labels=dict(image.labels or {}) | dict(spec.labels),
        check=with_image_check(spec.check, image.healthcheck),
        stop_signal=spec.stop_signal or image.stop_signal or "SIGTERM",
        stop_timeout=spec.stop_timeout if spec.stop_timeout is not None else image.stop_timeout,
    )
    if not merged.command:
        raise Invalid("no command: the image names none", hint="give one after the image's name")
    return merged


def parse_env(items: Sequence[str]) -> dict[str, str]:
    """`NAME=value` lines by name; the last one of a name counts."""
    found: dict[str, str] = {}
    for item in items:
        name, _, value = item.partition("=")
        if name:
            found[name] = value
    return found


def check_spec(spec: ContainerSpec) -> None:
    """Raises: Invalid for values that can never be right, or that would be passed over."""
    if parse_policy(spec.restart).name != "no" and spec.auto_remove:
        raise Invalid(
            "a container that is removed at its end cannot be started again", hint="leave out --rm or --restart"
        )
    verify(spec.check)
    parse_log_options(spec.log_options)
    if spec.hostname and (len(spec.hostname) > 63 or not _HOSTNAME.fullmatch(spec.hostname)):
        raise Invalid("not a host name: {hostname!r}", hostname=spec.hostname[:100])
    if spec.domainname and not _HOSTNAME.fullmatch(spec.domainname):
        raise Invalid("not a domain name: {domainname!r}", domainname=spec.domainname[:100])
    if spec.uts == "host" and (spec.hostname or spec.domainname):
        raise Invalid("a container that has the host's name has no other", hint="leave out one of --uts and --hostname")
    if not -1000 <= spec.oom_score_adj <= 1000:
        raise Invalid("oom-score-adj is a number from -1000 to 1000, not {value}", value=spec.oom_score_adj)
    for name in spec.env:
        if not name or "=" in name or "\0" in name + spec.env[name]:
            raise Invalid("not a variable: {name!r}", name=name[:100])
    if any("\0" in word for word in spec.command):
        raise Invalid("an argument has a NUL byte in it")
    targets = [mount.target for mount in spec.mounts]
    twice = next((target for target in targets if targets.count(target) > 1), None)
    if twice:
        raise Invalid("two mounts on {target}", target=twice)


def dump_spec(spec: ContainerSpec) -> dict[str, Any]:
    """The spec as JSON values."""
    values = spec._asdict()
    values["mounts"] = [mount._asdict() for mount in spec.mounts]
    values["ports"] = [port._asdict() for port in spec.ports]
    values["endpoints"] = [endpoint._asdict() for endpoint in spec.endpoints]
    values["limits"] = spec.limits._asdict()
    values["check"] = spec.check._asdict()
    return values


def load_spec(values: Mapping[str, Any]) -> ContainerSpec:
    """The spec in JSON values; members of another version are passed over."""
    known = {name: value for name, value in values.items() if name in ContainerSpec._fields}
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    made["mounts"] = tuple(_load(ContainerMount, mount) for mount in values.get("mounts", ()))
    made["ports"] = tuple(_load(Port, port) for port in values.get("ports", ()))
    endpoints = values["endpoints"] if "endpoints" in values else _one_network(values)
    made["endpoints"] = tuple(_load(Endpoint, endpoint) for endpoint in endpoints)
    made["limits"] = _load(Limits, values.get("limits", {}))
    made["check"] = _load(Check, values.get("check", {}))
    made["ulimits"] = tuple((str(n), int(s), int(h)) for n, s, h in values.get("ulimits", ()))
    return ContainerSpec(**made)


def _one_network(values: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What a container that was made when it could be on one network only says of it."""
    mode = values.get("network") or "bridge"
    return [] if mode in ("host", "none") else [{"network": mode, "aliases": values.get("aliases", [])}]


def _load(kind: Any, values: Mapping[str, Any]) -> Any:
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in kind._fields})


def _image_volume(path: str) -> str:
    from capas.run.stubs import clean_path

    return clean_path(path)
