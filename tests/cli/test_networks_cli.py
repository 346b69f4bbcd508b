"""`capas network`, and the flags about networks of `run` and `create`, as docker's users type them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from support.terminal import Terminal

pytestmark = [
    pytest.mark.root,
    pytest.mark.peer("crun"),
    pytest.mark.xdist_group("networks"),
]  # subnets are the machine's


@pytest.fixture
def nets(capas: Terminal) -> Iterator[Terminal]:
    yield capas
    left = capas.ok("ps", "-aq").split()
    if left:
        capas.ok("rm", "-f", *left)
    capas.ok("network", "prune", "-f")


def sleeper(capas: Terminal, name: str, *words: str) -> None:
    capas.ok("run", "-d", "--name", name, *words, "busybox", "sleep", "1000")


def test_a_container_is_connected_found_and_disconnected_while_it_runs(nets: Terminal) -> None:
    nets.ok("network", "create", "--subnet", "10.95.1.0/24", "team")
    sleeper(nets, "web", "--network", "team")
    sleeper(nets, "db")
    nets.ok("network", "connect", "--alias", "store", "--ip", "10.95.1.9", "team", "db")
    assert "10.95.1.9" in nets.ok("exec", "web", "nslookup", "store")
    assert "10.95.1.9" in nets.ok("exec", "web", "nslookup", "db")
    assert nets.ok("ps", "--format", "{{.Names}} {{.Networks}}") == "db bridge,team\nweb team\n"
    assert nets.ok("ps", "-q", "--filter", "network=team").split() == nets.ok("ps", "-q").split()
    nets.ok("network", "disconnect", "team", "db")
    assert nets.run("exec", "web", "ping", "-c", "1", "-W", "1", "10.95.1.9").returncode != 0


def test_the_program_in_the_foreground_carries_its_names_too(nets: Terminal) -> None:
    nets.ok("network", "create", "team")
    sleeper(nets, "db", "--network", "team")
    said = nets.ok("run", "--rm", "--network", "team", "--link", "db:store", "busybox", "ping", "-c", "1", "store")
    assert "1 packets received" in said


def test_several_networks_are_given_at_once_in_docker_s_long_form(nets: Terminal) -> None:
    nets.ok("network", "create", "--subnet", "10.95.1.0/24", "zone")
    nets.ok("network", "create", "area")
    said = nets.ok("run", "--rm", "--network", "name=zone,ip=10.95.1.7,gw-priority=1", "--network", "area",
                   "busybox", "ip", "route")  # fmt: skip
    assert "default via 10.95.1.1 dev eth0" in said
    assert "dev eth1 scope link" in said


def test_a_network_has_the_options_that_it_was_made_with(nets: Terminal) -> None:
    nets.ok(
        "network", "create", "--internal", "--label", "a=b", "--subnet", "10.95.1.0/24",
        "--aux-address", "router=10.95.1.2", "-o", "com.docker.network.bridge.enable_icc=false", "inner",
    )  # fmt: skip
    shown = json.loads(nets.ok("network", "inspect", "inner"))[0]
    assert (shown["Internal"], shown["Labels"]) == (True, {"a": "b"})
    assert shown["Options"] == {"com.docker.network.bridge.enable_icc": "false"}
    assert nets.ok("run", "--rm", "--network", "inner", "busybox", "hostname", "-i") == "10.95.1.3\n"


REFUSED = {
    ("network", "create", "-d", "overlay", "x"): "overlay",
    ("network", "create", "--ipv6", "x"): "IPv6",
    ("network", "create", "--gateway", "10.1.0.1", "x"): "needs a subnet",
    ("network", "create", "bridge"): "not a name for a network",
    ("network", "rm", "host"): "pre-defined network",
    ("network", "connect", "nowhere", "box"): "network nowhere not found",
    ("network", "connect", "bridge", "nobody"): "no such container",
    ("network", "disconnect", "host", "box"): "is not connected to network host",
    ("create", "--network", "host", "--network", "bridge", "busybox"): "cannot attach both",
    ("create", "--network-alias", "db", "busybox"): "network-scoped aliases",
    ("create", "--network", "container:nobody", "busybox"): "No such container: nobody",
    ("create", "--link", "box:db", "busybox"): "links are not supported on the default network",
}


def test_what_cannot_be_is_said_in_one_line(capas: Terminal) -> None:
    capas.ok("create", "--name", "box", "busybox")
    for words, said in REFUSED.items():
        done = capas.run(*words)
        assert done.returncode != 0, words
        assert said in done.stderr
        assert len(done.stderr.splitlines()) <= 2


def test_prune_leaves_networks_with_containers_and_what_filters_spare(nets: Terminal) -> None:
    for name in ("used", "spared", "gone"):
        nets.ok("network", "create", "--label", f"is={name}", name)
    sleeper(nets, "web", "--network", "used")
    assert nets.ok("network", "prune", "-f", "--filter", "label!=is=spared") == "gone\n"
    assert nets.ok("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}") == "spared\nused\n"
    assert "has active endpoints" in nets.run("network", "rm", "used").stderr
