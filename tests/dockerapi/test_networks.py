"""Networks as docker's own client makes, joins, shows and removes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.docker import Docker

pytestmark = pytest.mark.root


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
