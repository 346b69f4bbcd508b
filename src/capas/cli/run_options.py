"""The flags that `run` and `create` share, named as the fields of `ContainerRequest`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from capas.engine.container_request import ContainerRequest

F = TypeVar("F", bound=Callable[..., Any])


class _Flag(NamedTuple):
    names: str
    field: str
    help: str
    shape: str  # what its value is called; "" for a switch; "…" at the end for one that may be given several times
    kind: Any = None


_FLAGS = (
    _Flag("-e --env", "env", "Set a variable", "NAME[=VALUE]…"),
    _Flag("--env-file", "env_file", "Read variables from a file", "FILE…"),
    _Flag("-u --user", "user", "Run as this user: name or id, with :group", "USER"),
    _Flag("--group-add", "group_add", "Add a group to the process", "GROUP…"),
    _Flag("-w --workdir", "workdir", "The working directory inside", "PATH"),
    _Flag("--entrypoint", "entrypoint", "Run this in place of the image's entrypoint; '' for none", "COMMAND"),
    _Flag("-t --tty", "tty", "Give it a terminal", ""),
    _Flag("-i --interactive", "interactive", "Keep standard input open", ""),
    _Flag("-h --hostname", "hostname", "Its host name", "NAME"),
    _Flag("--domainname", "domainname", "Its domain, behind the host name", "DOMAIN"),
    _Flag("-l --label", "labels", "Set a label", "KEY[=VALUE]…"),
    _Flag("--label-file", "label_file", "Read labels from a file", "FILE…"),
    _Flag("--annotation", "annotations", "Set an annotation for the runtime", "KEY=VALUE…"),
    _Flag("-v --volume", "volumes", "Mount a directory or a volume", "SOURCE:TARGET[:ro]…"),
    _Flag("--mount", "mounts", "Mount a bind, a volume or a tmpfs", "KEY=VALUE,…"),
    _Flag("--volumes-from", "volumes_from", "Mount what another container has mounted", "CONTAINER[:ro]…"),
    _Flag("--tmpfs", "tmpfs", "Mount an empty directory in memory", "PATH[:OPTIONS]…"),
    _Flag("--read-only", "read_only", "Its tree cannot be written", ""),
    _Flag("-m --memory", "memory", "Memory limit", "SIZE"),
    _Flag("--memory-swap", "memory_swap", "Limit of memory and swap together; -1 for no limit of swap", "SIZE"),
    _Flag("--memory-reservation", "memory_reservation", "Soft limit of memory", "SIZE"),
    _Flag("--cpus", "cpus", "How many processors it may use", "NUMBER"),
    _Flag("-c --cpu-shares", "cpu_shares", "Its weight against others", "WEIGHT", int),
    _Flag("--cpuset-cpus", "cpuset_cpus", "On which processors", "LIST"),
    _Flag("--pids-limit", "pids_limit", "How many processes it may have; -1 for no limit", "NUMBER", int),
    _Flag("-p --publish", "publish", "Make a port reachable from outside", "[[ADDRESS:]PORT:]PORT[/udp]…"),
    _Flag("-P --publish-all", "publish_all", "Publish every exposed port on a free one", ""),
    _Flag("--expose", "expose", "Expose a port", "PORT[/udp]…"),
    _Flag("--network --net", "network", "bridge, host, none, container:NAME, or one that was made", "NETWORK…"),
    _Flag("--network-alias --net-alias", "network_alias", "A name it goes by on that network", "NAME…"),
    _Flag("--ip", "ip", "Its address on that network", "ADDRESS"),
    _Flag("--mac-address", "mac_address", "Its hardware address on that network", "ADDRESS"),
    _Flag("--link", "link", "Another name for a container on that network", "CONTAINER:NAME…"),
    _Flag("--add-host", "add_host", "Add a line to /etc/hosts", "NAME:ADDRESS…"),
    _Flag("--dns", "dns", "Ask this name server", "ADDRESS…"),
    _Flag("--dns-search", "dns_search", "Search names in this domain", "DOMAIN…"),
    _Flag("--dns-option", "dns_option", "Set a resolver option", "OPTION…"),
    _Flag("--cap-add", "cap_add", "Add a capability", "CAPABILITY…"),
    _Flag("--cap-drop", "cap_drop", "Take a capability away", "CAPABILITY…"),
    _Flag("--privileged", "privileged", "Allow everything that root may do on the host", ""),
    _Flag("--security-opt", "security_opt", "no-new-privileges, seccomp=FILE|unconfined, …", "OPTION…"),
    _Flag("--device", "devices", "Show a device of the host inside", "DEVICE…"),
    _Flag("--ulimit", "ulimits", "Set a limit of the process", "NAME=SOFT[:HARD]…"),
    _Flag("--sysctl", "sysctls", "Set a kernel parameter", "NAME=VALUE…"),
    _Flag("--shm-size", "shm_size", "The size of /dev/shm", "SIZE"),
    _Flag("--ipc", "ipc", "private or host", "MODE"),
    _Flag("--pid", "pid", "private, host or container:NAME", "MODE"),
    _Flag("--uts", "uts", "private, or host: the host's name is its own", "MODE"),
    _Flag("--oom-score-adj", "oom_score_adj", "How soon it is killed when memory ends", "NUMBER", int),
    _Flag("--stop-signal", "stop_signal", "The signal that stops it", "SIGNAL"),
    _Flag("--stop-timeout", "stop_timeout", "Seconds of patience when it is stopped", "SECONDS", int),
    _Flag("--restart", "restart", "When to start it again: no, on-failure[:N], unless-stopped, always", "POLICY"),
    _Flag("--log-opt", "log_opts", "Bound its log: max-size=SIZE, max-file=NUMBER", "KEY=VALUE…"),
    _Flag("--health-cmd", "health_cmd", "Run this in it, to tell whether it is well", "COMMAND"),
    _Flag("--health-interval", "health_interval", "Time between two checks", "DURATION"),
    _Flag("--health-timeout", "health_timeout", "What takes longer has failed", "DURATION"),
    _Flag("--health-start-period", "health_start_period", "So long failures do not count", "DURATION"),
    _Flag("--health-start-interval", "health_start_interval", "Time between two checks while it starts", "DURATION"),
    _Flag("--health-retries", "health_retries", "Failures in a row that make it unhealthy", "NUMBER", int),
    _Flag("--no-healthcheck", "no_healthcheck", "Run no check, whatever the image says", ""),
    _Flag("--init", "init", "Run a small init first, which passes signals on and reaps orphans", ""),
    _Flag("--rm", "rm", "Remove it when it has ended", ""),
)


def container_options(function: F) -> F:
    """All of them, in this order in the help."""
    defaults = ContainerRequest()._asdict()
    for flag in reversed(_FLAGS):
        function = _option(flag, defaults[flag.field])(function)
    return function


def request_of(given: Mapping[str, Any]) -> ContainerRequest:
    """The request in a command's arguments; others are passed over."""
    return ContainerRequest(**{field: given[field] for field in ContainerRequest._fields if field in given})


def _option(flag: _Flag, default: object) -> Callable[[F], F]:
    names: Sequence[str] = (*flag.names.split(), flag.field)
    if not flag.shape:
        return click.option(*names, is_flag=True, help=flag.help)
    multiple = isinstance(default, tuple)
    return click.option(
        *names, multiple=multiple, default=None if multiple else default, type=flag.kind,
        metavar=flag.shape.removesuffix("…"), help=flag.help,
    )  # fmt: skip
