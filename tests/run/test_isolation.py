"""Who reaches whom: within a network, from another one, from the host, from other machines."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from capas.run.ending import remove
from capas.run.endpoint import Endpoint
from capas.run.joining import connect, disconnect
from capas.run.network_options import BINDING, MASQUERADE, TALKING, NetworkRequest
from capas.run.ports import parse_ports
from capas.run.record import Record
from capas.run.starting import start_detached
from support.containers import Lab, kill_keeper
from support.wires import Machine, another_machine, fetch

pytestmark = pytest.mark.root
ECHO = ("nc", "-ll", "-p", "80", "-e", "/bin/echo", "here")


@pytest.fixture
def nets(lab: Lab) -> Iterator[Lab]:
    yield lab
    for container in lab.containers.iterate():
        remove(lab.containers, container.record.id, force=True)
    for network in lab.containers.networks.list():
        lab.containers.networks.remove(network.name)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with another_machine() as found:
        yield found


def make(lab: Lab, name: str, **options: object) -> None:
    request = NetworkRequest(**options)  # type: ignore[arg-type]
    lab.containers.networks.create(name, request, id=lab.containers.token(), now_ns=1)


def address(lab: Lab, record: Record, network: str) -> str:
    state = lab.containers.get(record.id).state
    return next(one.address for one in state.joined if one.network == network)


def pings(lab: Lab, record: Record, target: str, tries: int = 1) -> bool:
    """Whether somebody answers; to one who is to answer, `reaches` gives time."""
    asking = f"for _ in $(seq {tries}); do ping -c1 -W1 {target} && exit; done; exit 1"
    return lab.execute(record, "sh", "-c", asking)[0] == 0


def reaches(lab: Lab, record: Record, target: str) -> bool:
    return pings(lab, record, target, tries=20)


def rules() -> str:
    return subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout


def served(lab: Lab, network: str, ports: str = "") -> Record:
    """One that answers "here" on port 80, once it does."""
    record = lab.start(*ECHO, network=network, ports=tuple(parse_ports(ports)) if ports else ())
    assert answered(address(lab, record, network), 80)
    return record


def answered(address: str, port: int) -> bytes:
    """What somebody says there, who may not be up yet."""
    return next((said for said in (fetch(address, port) for _ in range(500)) if said), b"")


def published(lab: Lab, record: Record) -> int:
    return lab.containers.get(record.id).state.ports[0][3]


def test_containers_of_different_networks_do_not_reach_each_other(nets: Lab) -> None:
    make(nets, "one")
    make(nets, "two")
    first, second = (nets.start("sleep", "100", network=name) for name in ("one", "two"))
    third = nets.start("sleep", "100", network="bridge")
    assert not pings(nets, first, address(nets, second, "two"))
    assert not pings(nets, second, address(nets, third, "bridge"))
    assert not pings(nets, third, address(nets, first, "one"))


def test_a_published_port_is_reached_from_everywhere(nets: Lab, machine: Machine) -> None:
    make(nets, "one")
    make(nets, "two")
    server = served(nets, "one", "80")
    sibling, other = (nets.start("sleep", "100", network=name) for name in ("one", "two"))
    port = published(nets, server)
    assert fetch("127.0.0.1", port) == b"here\n"
    assert machine.fetch(machine.host, port) == b"here\n"
    for client in (sibling, other):
        assert nets.execute(client, "nc", "-w", "1", machine.host, str(port))[1] == "here\n"


def test_from_another_machine_only_what_is_published_is_reached(nets: Lab, machine: Machine) -> None:
    make(nets, "one")
    server = served(nets, "one")
    assert machine.fetch(address(nets, server, "one"), 80) == b""


def test_an_internal_network_leads_nowhere(nets: Lab, machine: Machine) -> None:
    make(nets, "inner", internal=True)
    server = served(nets, "inner", "80")
    client = nets.start("sleep", "100", network="inner")
    assert reaches(nets, client, address(nets, server, "inner"))
    assert "default" not in nets.execute(client, "ip", "route")[1]
    assert not pings(nets, client, machine.address)
    assert nets.containers.get(server.id).state.ports == ()


def test_containers_that_are_not_to_talk_reach_the_host_and_not_each_other(nets: Lab) -> None:
    make(nets, "quiet", options={TALKING: "false"})
    first, second = (nets.start("sleep", "100", network="quiet") for _ in range(2))
    assert not pings(nets, first, address(nets, second, "quiet"))
    assert reaches(nets, first, nets.containers.networks.get("quiet").settings.gateway)


def test_what_goes_out_has_the_hosts_address_unless_told_otherwise(nets: Lab, machine: Machine) -> None:
    make(nets, "one")
    make(nets, "bare", options={MASQUERADE: "false"})
    seen = ("python3", "-c", "import socket;s=socket.create_server(('',7),reuse_port=True);print(s.accept()[1][0])")
    for network in ("one", "bare"):
        client = nets.start("sleep", "100", network=network)
        expected = machine.host if network == "one" else address(nets, client, network)
        assert expected == _address_seen(nets, client, machine, seen)


def _address_seen(lab: Lab, client: Record, machine: Machine, seen: tuple[str, ...]) -> str:
    import threading

    found: list[str] = []
    server = threading.Thread(target=lambda: found.append(machine.run(*seen).stdout.strip()))
    server.start()
    lab.execute(client, "sh", "-c", f"until nc -w 1 {machine.address} 7 </dev/null; do :; done")
    server.join()
    return found[0]


def test_ports_go_with_the_network_that_leads_out(nets: Lab) -> None:
    make(nets, "one")
    make(nets, "two")
    server = served(nets, "one", "80")
    port = published(nets, server)
    connect(nets.containers, server.id, Endpoint("two"))
    disconnect(nets.containers, server.id, "one")
    assert fetch("127.0.0.1", port) == b"here\n"
    assert nets.execute(server, "ip", "route")[1].startswith("default via")


def test_a_network_says_where_its_ports_are_published(nets: Lab, machine: Machine) -> None:
    make(nets, "near", options={BINDING: "127.0.0.1"})
    server = served(nets, "near", "80")
    assert fetch("127.0.0.1", published(nets, server)) == b"here\n"
    assert machine.fetch(machine.host, published(nets, server)) == b""


def test_rules_end_with_what_they_are_for(nets: Lab) -> None:
    make(nets, "one")
    server, killed = served(nets, "one", "80"), served(nets, "one", "80")
    assert server.short in rules()
    assert killed.short in rules()
    remove(nets.containers, server.id, force=True)
    kill_keeper(nets.containers.get(killed.id).state)
    assert nets.containers.get(killed.id).state.status == "exited"
    assert server.short not in rules()
    assert killed.short not in rules()
    start_detached(nets.containers, killed.id)
    assert answered("127.0.0.1", published(nets, killed)) == b"here\n"
    remove(nets.containers, killed.id, force=True)
    bridge = nets.containers.networks.get("one").settings.name
    nets.containers.networks.remove("one")
    assert bridge not in rules()


def test_rules_that_somebody_flushed_are_there_again_at_the_next_start(nets: Lab) -> None:
    make(nets, "one")
    make(nets, "two")
    first = nets.start("sleep", "100", network="one")
    bridge = nets.containers.networks.get("one").settings.name
    subprocess.run(["iptables", "-D", "FORWARD", "-j", f"capas-{bridge}"], check=True)
    second = nets.start("sleep", "100", network="two")
    nets.start("sleep", "100", network="one")
    assert not pings(nets, second, address(nets, first, "one"))


def test_whoever_shares_the_network_of_one_that_ended_keeps_no_address_of_it(nets: Lab) -> None:
    make(nets, "one")
    first = nets.start("sleep", "100", network="one")
    sharer = nets.start("sleep", "100", network=f"container:{first.id}")
    remove(nets.containers, first.id, force=True)
    assert "eth0" not in nets.execute(sharer, "ip", "link")[1]
    assert nets.containers.get(sharer.id).running


def test_many_that_start_at_once_have_addresses_of_their_own(nets: Lab) -> None:
    make(nets, "one", subnet="10.94.0.0/27")
    records = [nets.create("sleep", "100", network="one") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda record: start_detached(nets.containers, record.id), records))
    addresses = {address(nets, record, "one") for record in records}
    assert len(addresses) == len(records)
    bridge = nets.containers.networks.get("one").settings.name
    assert rules().count(f"-j capas-{bridge}\n") == 1
