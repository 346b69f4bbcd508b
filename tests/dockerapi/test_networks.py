"""Networks as docker's own client makes, joins, shows and removes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.docker import Docker

pytestmark = [pytest.mark.root, pytest.mark.xdist_group("docker-networks")]  # subnets are the machine's


@pytest.fixture
def networks(docker: Docker) -> Iterator[Docker]:
    yield docker
    left = docker.ok("ps", "-aq").split()
    if left:
        docker.ok("rm", "-f", *left)
    docker.ok("network", "prune", "-f")


def box(docker: Docker, name: str, *options: str) -> None:
    docker.ok("run", "-d", "--name", name, *options, "busybox", "sleep", "1000")


def shown(docker: Docker, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker.ok("inspect", name))[0]["NetworkSettings"]["Networks"]
    return found


def reaches(docker: Docker, box: str, name: str) -> bool:
    return docker.run("exec", box, "ping", "-c", "1", "-W", "1", name).returncode == 0


def interfaces(docker: Docker, box: str) -> str:
    return docker.ok("exec", box, "ls", "/sys/class/net")


def test_a_running_container_is_connected_and_disconnected(networks: Docker) -> None:
    networks.ok("network", "create", "front")
    networks.ok("network", "create", "back")
    box(networks, "web", "--network", "front")
    box(networks, "db", "--network", "back")
    assert not reaches(networks, "web", "db")
    networks.ok("network", "connect", "--alias", "site", "back", "web")
    assert interfaces(networks, "web").split() == ["eth0", "eth1", "lo"]
    assert reaches(networks, "web", "db")
    assert reaches(networks, "db", "site")
    networks.ok("network", "disconnect", "back", "web")
    assert interfaces(networks, "web").split() == ["eth0", "lo"]
    assert not reaches(networks, "db", "web")


def test_inspect_shows_each_network_of_a_container_and_its_containers_there(networks: Docker) -> None:
    networks.ok("network", "create", "--subnet", "10.93.1.0/24", "front")
    networks.ok("network", "create", "back")
    box(networks, "web", "--network", "name=front,alias=site,ip=10.93.1.77,mac-address=02:00:00:00:00:09",
        "--network", "back", "-h", "shop")  # fmt: skip
    found = shown(networks, "web")
    whole = networks.ok("inspect", "-f", "{{.Id}}", "web").strip()
    front = json.loads(networks.ok("network", "inspect", "front"))[0]
    assert set(found) == {"front", "back"}
    one = found["front"]
    assert (one["IPAddress"], one["Gateway"], one["IPPrefixLen"]) == ("10.93.1.77", "10.93.1.1", 24)
    assert (one["MacAddress"], one["NetworkID"]) == ("02:00:00:00:00:09", front["Id"])
    assert one["IPAMConfig"] == {"IPv4Address": "10.93.1.77"}
    assert one["DNSNames"] == ["web", "site", whole[:12], "shop"]
    assert front["Containers"] == {whole: {
        "Name": "web", "EndpointID": one["EndpointID"], "MacAddress": "02:00:00:00:00:09",
        "IPv4Address": "10.93.1.77/24", "IPv6Address": "",
    }}  # fmt: skip


def test_a_container_that_does_not_run_is_connected_for_its_next_start(networks: Docker) -> None:
    networks.ok("network", "create", "front")
    networks.ok("create", "--name", "web", "busybox", "sleep", "1000")
    networks.ok("network", "connect", "front", "web")
    networks.ok("network", "disconnect", "bridge", "web")
    networks.ok("start", "web")
    assert set(shown(networks, "web")) == {"front"}
    assert interfaces(networks, "web").split() == ["eth0", "lo"]


def test_what_was_connected_stays_over_a_restart(networks: Docker) -> None:
    networks.ok("network", "create", "front")
    box(networks, "web")
    networks.ok("network", "connect", "front", "web")
    networks.ok("restart", "-t", "0", "web")
    assert set(shown(networks, "web")) == {"bridge", "front"}


def test_refusals_have_dockers_words(networks: Docker) -> None:
    networks.ok("network", "create", "--subnet", "10.93.1.0/24", "front")
    box(networks, "web", "--network", "front")
    box(networks, "free", "--network", "none")
    assert "has active endpoints" in networks.fails("network", "rm", "front")
    assert "already exists in network front" in networks.fails("network", "connect", "front", "web")
    assert "is not connected to network bridge" in networks.fails("network", "disconnect", "bridge", "web")
    assert "one of the networks in private (none) mode" in networks.fails("network", "connect", "front", "free")
    assert "network nowhere not found" in networks.fails("network", "connect", "nowhere", "web")
    assert "Pool overlaps with other one" in networks.fails("network", "create", "--subnet", "10.93.0.0/16", "other")
    assert "is a pre-defined network and cannot be removed" in networks.fails("network", "rm", "bridge")
    assert "network with name front already exists" in networks.fails("network", "create", "front")


def test_the_networks_that_are_always_there_are_shown_as_dockers(networks: Docker) -> None:
    rows = networks.ok("network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}").splitlines()
    bridge = json.loads(networks.ok("network", "inspect", "bridge"))[0]
    assert rows == ["bridge bridge local", "host host local", "none null local"]
    assert bridge["Options"]["com.docker.network.bridge.default_bridge"] == "true"
    assert bridge["IPAM"]["Config"][0]["Gateway"].endswith(".0.1")


def test_options_of_a_network_are_shown_as_they_were_given(networks: Docker) -> None:
    networks.ok(
        "network", "create", "--subnet", "10.93.1.0/24", "--gateway", "10.93.1.254", "--ip-range", "10.93.1.128/25",
        "--aux-address", "router=10.93.1.128", "-o", "com.docker.network.driver.mtu=1300", "--label", "a=b", "front",
    )  # fmt: skip
    box(networks, "web", "--network", "front")
    shown = json.loads(networks.ok("network", "inspect", "front"))[0]
    assert shown["IPAM"]["Config"] == [{
        "Subnet": "10.93.1.0/24", "IPRange": "10.93.1.128/25", "Gateway": "10.93.1.254",
        "AuxiliaryAddresses": {"router": "10.93.1.128"},
    }]  # fmt: skip
    assert (shown["Options"], shown["Labels"]) == ({"com.docker.network.driver.mtu": "1300"}, {"a": "b"})
    said = networks.ok("exec", "web", "sh", "-c", "ip route; ip addr show eth0")
    assert "default via 10.93.1.254" in said
    assert "mtu 1300" in said
    assert "10.93.1.129/24" in said


def test_ls_filters_and_prune_leaves_what_is_in_use(networks: Docker) -> None:
    for name, label in (("front", "tier=web"), ("back", "tier=data"), ("spare", "tier=data")):
        networks.ok("network", "create", "--label", label, name)
    box(networks, "web", "--network", "front")

    def names(*filters: str) -> list[str]:
        given = [word for one in filters for word in ("--filter", one)]
        return networks.ok("network", "ls", "--format", "{{.Name}}", *given).split()

    assert names("label=tier=data") == ["back", "spare"]
    assert names("type=custom", "name=r") == ["front", "spare"]
    assert names("dangling=true") == ["back", "spare"]
    assert names("driver=null") == ["none"]
    networks.ok("network", "prune", "-f", "--filter", "label!=tier=data")
    assert names("type=custom") == ["back", "front", "spare"]
    assert networks.ok("network", "prune", "-f") == "Deleted Networks:\nback\nspare\n\n"


def test_a_container_can_share_anothers_network(networks: Docker) -> None:
    box(networks, "web", "-h", "shop")
    box(networks, "beside", "--network", "container:web")
    addresses = ("ip", "-4", "addr")
    assert networks.ok("exec", "beside", *addresses) == networks.ok("exec", "web", *addresses)
    assert networks.ok("exec", "beside", "cat", "/etc/hosts") == networks.ok("exec", "web", "cat", "/etc/hosts")
    assert shown(networks, "beside") == {}
    box(networks, "third", "--network", "container:beside")
    assert networks.ok("exec", "third", "hostname") == "shop\n"
    networks.ok("stop", "-t", "0", "web", "beside")
    assert "cannot join network of a non running container" in networks.fails("start", "beside")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-h", "x"], "conflicting options: hostname and the network mode"),
        (["-p", "80"], "conflicting options: port publishing and the container type network mode"),
        (["--dns", "9.9.9.9"], "conflicting options: dns and the network mode"),
        (["--add-host", "a:10.0.0.1"], "conflicting options: custom host-to-IP mapping and the network mode"),
    ],
)
def test_what_does_not_go_with_anothers_network_is_refused(networks: Docker, options: list[str], said: str) -> None:
    box(networks, "web")
    assert said in networks.fails("create", "--network", "container:web", *options, "busybox")


def test_what_capas_has_not_is_refused_by_name(networks: Docker) -> None:
    for words, said in (
        (["-d", "macvlan"], "macvlan"), (["--ipv6"], "IPv6"), (["-o", "com.example.x=1"], "com.example.x"),
        (["--ipam-driver", "other"], "addresses are given by Capas"), (["--ingress"], "Ingress"),
        (["--subnet", "10.93.1.0/24", "--gateway", "10.94.0.1"], "no matching subnet for gateway 10.94.0.1"),
    ):  # fmt: skip
        assert said in networks.fails("network", "create", *words, "front")
    assert "links are not supported on the default network" in networks.fails("create", "--link", "web:db", "busybox")


def test_joining_and_leaving_are_told_as_events(networks: Docker) -> None:
    networks.ok("network", "create", "front")
    whole = networks.ok("create", "--name", "web", "--network", "front", "busybox", "sleep", "1000").strip()
    networks.ok("start", "web")
    networks.ok("network", "connect", "bridge", "web")
    networks.ok("network", "disconnect", "front", "web")
    networks.ok("kill", "web")
    shown = "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.container}}"
    events = networks.popen("events", "--since", "60s", "--filter", "type=network", "--format", shown)
    try:
        assert events.stdout is not None
        ours = (line.decode().split() for line in events.stdout if line.decode().split()[-1] == whole)
        found = [" ".join(next(ours)[:2]) for _ in range(4)]
    finally:
        events.kill()
        events.communicate()
    assert found == ["connect front", "connect bridge", "disconnect front", "disconnect bridge"]
