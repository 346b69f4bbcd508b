"""What `build` is told of its steps: what RUN reaches, is granted, and is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
_ENTITLEMENTS = ("network.host", "security.insecure")

_OPTIONS = (
    click.option(
        "--network", default="default", type=click.Choice(["default", "host", "none"]), help="What RUN can reach"
    ),
    click.option("--add-host", "hosts", multiple=True, metavar="NAME:ADDRESS", help="Add a line to /etc/hosts for RUN"),
    click.option(
        "--allow", multiple=True, type=click.Choice(_ENTITLEMENTS), help="Grant RUN what it asks for; several times"
    ),
    click.option(
        "--secret",
        "secrets",
        multiple=True,
        metavar="id=ID[,src=FILE|,env=NAME]",
        help="A secret for RUN --mount=type=secret; it is kept nowhere",
    ),
    click.option(
        "--ssh", multiple=True, metavar="ID[=SOCKET|KEY,…]", help="An ssh agent, or keys, for RUN --mount=type=ssh"
    ),
    click.option("--shm-size", metavar="SIZE", help="The size of /dev/shm for RUN"),
    click.option("--ulimit", "ulimits", multiple=True, metavar="NAME=SOFT[:HARD]", help="Set a limit of RUN's process"),
    click.option("--cgroup-parent", metavar="PATH", help="The cgroup beneath which RUN is put"),
)


def step_options(function: F) -> F:
    """All of them, in this order in the help."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def step_wishes(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same as fields of a `BuildRequest`. Raises: Invalid."""
    from capas.build.agents import parse_ssh
    from capas.build.secrets import parse_secret
    from capas.engine.container_env import read_hosts, read_ulimits
    from capas.run.limits import parse_size

    return {
        "network": given["network"],
        "add_hosts": read_hosts(given["hosts"]),
        "allow": frozenset(given["allow"]),
        "secrets": dict(map(parse_secret, given["secrets"])),
        "ssh": dict(map(parse_ssh, given["ssh"])),
        "shm_size": parse_size(given["shm_size"]) if given["shm_size"] else 0,
        "ulimits": read_ulimits(given["ulimits"]),
        "cgroup_parent": given["cgroup_parent"] or "",
    }
