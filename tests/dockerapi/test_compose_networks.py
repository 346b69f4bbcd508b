"""docker compose on Capas with networks of every kind: who finds and reaches whom is what the file says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.compose import Compose
from support.docker import Docker

pytestmark = [pytest.mark.root, pytest.mark.xdist_group("compose-networks")]  # subnets are the machine's

_TIERS = """
name: tiers
x-box: &box {image: busybox, command: sleep 1000, stop_grace_period: 0s}
services:
  db:
    <<: *box
    networks: {data: {ipv4_address: 10.96.1.50, aliases: [store]}}
  app:
    <<: *box
    links: ["db:database"]
    networks: {data: {}, edge: {priority: 10}}
  proxy:
    <<: *box
    networks: {edge: {mac_address: "02:00:00:00:10:01"}}
  side:
    <<: *box
    network_mode: service:app
networks:
  data:
    internal: true
    ipam: {config: [{subnet: 10.96.1.0/24, gateway: 10.96.1.1, ip_range: 10.96.1.128/25}]}
  edge:
    driver_opts: {com.docker.network.driver.mtu: "1350"}
"""


@pytest.fixture
def tiers(docker: Docker, tmp_path: Path) -> Iterator[Compose]:
    (tmp_path / "compose.yaml").write_text(_TIERS)
    project = Compose(docker, tmp_path)
    yield project
    project.ok("down", "--timeout", "0")


def test_services_find_and_reach_each_other_where_they_share_a_network(tiers: Compose, docker: Docker) -> None:
    tiers.ok("up", "-d")

    def said(service: str, *words: str) -> str:
        return tiers.ok("exec", "-T", service, *words)

    for name in ("db", "store", "database"):
        assert "10.96.1.50" in said("app", "ping", "-c1", "-W2", name)
    assert docker.run("exec", "tiers-proxy-1", "ping", "-c1", "-W1", "10.96.1.50").returncode != 0
    assert said("proxy", "ping", "-c1", "-W2", "app")
    assert "02:00:00:00:10:01" in said("proxy", "ip", "link")
    assert "mtu 1350" in said("proxy", "ip", "link")
    assert said("side", "ip", "-4", "addr") == said("app", "ip", "-4", "addr")
    assert "default" not in said("db", "ip", "route")
    assert "default via" in said("app", "ip", "route")


def test_a_service_made_anew_is_found_at_its_new_address(tiers: Compose, docker: Docker) -> None:
    tiers.ok("up", "-d", "db", "app")
    tiers.ok("up", "-d", "--force-recreate", "--no-deps", "--scale", "app=2", "app")
    shown = '{{(index .NetworkSettings.Networks "tiers_data").IPAddress}}'
    addresses = set(docker.ok("inspect", "-f", shown, "tiers-app-1", "tiers-app-2").split())
    answer = tiers.ok("exec", "-T", "db", "nslookup", "app")
    assert len(addresses) == 2
    assert all(address in answer for address in addresses)
