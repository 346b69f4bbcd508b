"""Networks that somebody made: their containers reach each other by name, and no others know them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import AlreadyExists, Conflict, Invalid, NotFound
from capas.run.ending import remove
from capas.run.endpoint import Endpoint
from capas.run.network_options import NetworkRequest
from capas.run.networks import Networks
from capas.run.record import Record
from support.containers import Lab, kill_keeper

root = pytest.mark.root
pytestmark = pytest.mark.xdist_group("run-networks")  # subnets are the machine's
ID = "ab" * 32


def make(networks: Networks, name: str, number: int = 0, subnet: str = "") -> str:
    return networks.create(name, NetworkRequest(subnet=subnet), id=f"{number:x}{ID}"[:64], now_ns=1, build=False).subnet


def test_each_network_has_a_subnet_of_its_own(tmp_path: Path) -> None:
    networks = Networks(tmp_path)
    assert make(networks, "one", 1) != make(networks, "two", 2)
    assert [one.name for one in networks.list()] == ["one", "two"]


def test_a_network_is_found_by_name_and_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    networks = Networks(tmp_path)
    make(networks, "one", 1)
    assert networks.get("one") == networks.get("1ab")
    with pytest.raises(NotFound):
        networks.get("other")


def test_a_name_is_taken_once_and_those_of_docker_never(tmp_path: Path) -> None:
    networks = Networks(tmp_path)
    make(networks, "one", 1)
    with pytest.raises(AlreadyExists):
        make(networks, "one", 2)
    for name in ("host", "bridge", "none", "default", "../x", ""):
        with pytest.raises(Invalid):
            make(networks, name, 3)


def test_subnets_do_not_overlap(tmp_path: Path) -> None:
    networks = Networks(tmp_path)
    assert make(networks, "one", 1, "10.99.0.0/24") == "10.99.0.0/24"
    with pytest.raises(Conflict):
        make(networks, "two", 2, "10.99.0.128/25")
    for text in ("10.99.1.1/24", "x", "10.99.2.0/31"):
        with pytest.raises(Invalid):
            make(networks, "bad", 3, text)


@pytest.fixture
def network(lab: Lab) -> Iterator[str]:
    """One that leads nowhere: nobody else is asked for names."""
    networks, request = lab.containers.networks, NetworkRequest(subnet="10.91.7.0/24", internal=True)
    networks.create("shared", request, id=lab.containers.token(), now_ns=1)
    yield "shared"
    for container in lab.containers.iterate():
        remove(lab.containers, container.record.id, force=True)
    networks.remove("shared")


def says_hello(lab: Lab, record: Record, name: str) -> str:
    """What `ping` says in a container when another has answered: a machine may be held up for seconds."""
    asking = f"for _ in 1 2 3 4 5; do ping -c1 -W5 {name} && exit; done; exit 1"
    code, said, wrong = lab.execute(record, "sh", "-c", asking)
    assert code == 0, said + wrong
    return said


def knows(lab: Lab, record: Record, name: str) -> bool:
    return lab.execute(record, "busybox", "nslookup", name)[0] == 0


@root
def test_containers_of_one_network_reach_each_other_by_name_and_alias(lab: Lab, network: str) -> None:
    first = lab.start("sleep", "100", name="first", network=network)
    second = lab.start("sleep", "100", name="second", network=network, endpoints=(Endpoint("shared", ("db",)),))
    for asking, name, asked in ((second, "first", first), (first, "second", second), (first, "db", second)):
        address = lab.containers.get(asked.id).state.joined[0].address
        assert f"PING {name} ({address})" in says_hello(lab, asking, name)
    remove(lab.containers, first.id, force=True)
    assert not knows(lab, second, "first")


@root
def test_a_killed_keepers_names_are_forgotten(lab: Lab, network: str) -> None:
    first = lab.start("sleep", "100", name="first", network=network)
    second = lab.start("sleep", "100", name="second", network=network)
    assert knows(lab, second, "first")
    kill_keeper(lab.containers.state(first.id))
    assert lab.containers.state(first.id).status == "exited"
    assert not knows(lab, second, "first")


@root
def test_a_network_that_is_not_there_is_said(lab: Lab) -> None:
    with pytest.raises(NotFound):
        lab.create("true", network="nowhere")
