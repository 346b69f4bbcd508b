"""Names of containers on a network: asked of the resolver in a container as any program asks it."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest

from capas.run.ending import remove, stop
from capas.run.endpoint import Endpoint
from capas.run.joining import connect
from capas.run.network_options import NetworkRequest
from capas.run.record import Record
from capas.run.starting import start_detached
from support.containers import Lab, kill_keeper
from support.nameserver import WORDS, NameServer
from support.wires import in_network_of

pytestmark = [pytest.mark.root, pytest.mark.xdist_group("names")]  # one name server of the tests


@pytest.fixture
def nets(lab: Lab) -> Iterator[Lab]:
    make(lab, "shared")
    yield lab
    for container in lab.containers.iterate():
        remove(lab.containers, container.record.id, force=True)
    for network in lab.containers.networks.list():
        lab.containers.networks.remove(network.name)


NOBODY = "127.9.9.9"  # no name server there: the machine's own is not to be waited for


def make(lab: Lab, name: str, request: NetworkRequest = NetworkRequest()) -> None:  # noqa: B008 cannot change
    lab.containers.networks.create(name, request, id=lab.containers.token(), now_ns=1)


def member(lab: Lab, name: str, *aliases: str, **options: object) -> Record:
    endpoint = Endpoint("shared", aliases)
    options.setdefault("dns", (NOBODY,))
    return lab.start("sleep", "1000", name=name, network="shared", endpoints=(endpoint,), **options)


def ask(lab: Lab, record: Record, name: str, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    by = dns.query.tcp if tcp else dns.query.udp
    return in_network_of(lab.containers.get(record.id).state.pid, lambda: by(query, "127.0.0.11", timeout=5))


def found(lab: Lab, record: Record, name: str, kind: str = "A") -> list[str]:
    return [str(one) for rows in ask(lab, record, name, kind).answer for one in rows]


def address(lab: Lab, record: Record) -> str:
    return lab.containers.get(record.id).state.joined[0].address


def test_a_container_has_five_names(nets: Lab) -> None:
    asking = member(nets, "asking")
    db = member(nets, "db", "store", hostname="vault")
    for name in ("db", "store", db.short, "vault", "db.shared", "DB"):
        assert found(nets, asking, name) == [address(nets, db)], name
    assert found(nets, asking, str(dns.reversename.from_address(address(nets, db))), "PTR") == ["db.shared."]


def test_several_containers_under_one_alias_come_first_in_turn(nets: Lab) -> None:
    asking = member(nets, "asking")
    both = {address(nets, member(nets, name, "pool")) for name in ("one", "two")}
    answers = [found(nets, asking, "pool") for _ in range(4)]
    assert all(set(answer) == both for answer in answers)
    assert {answer[0] for answer in answers} == both


def test_who_comes_back_with_another_address_or_name_is_found_there(nets: Lab) -> None:
    asking, db = member(nets, "asking"), member(nets, "db")
    before = address(nets, db)
    stop(nets.containers, db.id, 0, None)
    assert found(nets, asking, "db") == []
    member(nets, "newcomer")
    start_detached(nets.containers, db.id)
    assert address(nets, db) != before
    assert found(nets, asking, "db") == [address(nets, db)]
    nets.containers.rename(db.id, "store")
    assert found(nets, asking, "store") == [address(nets, db)]
    assert found(nets, asking, "db") == []


def test_a_name_without_records_of_a_kind_is_known_all_the_same(nets: Lab) -> None:
    asking = member(nets, "asking")
    said = ask(nets, asking, "asking", "AAAA")
    assert (said.rcode(), said.answer) == (dns.rcode.NOERROR, [])


def test_names_of_other_networks_are_not_known(nets: Lab) -> None:
    make(nets, "other")
    with NameServer() as server:
        asking = member(nets, "asking", dns=(server.address,))
        nets.start("sleep", "1000", name="stranger", network="other")
        assert ask(nets, asking, "stranger").rcode() == dns.rcode.NXDOMAIN
        connect(nets.containers, "stranger", Endpoint("shared"))
        assert ask(nets, asking, "stranger").rcode() == dns.rcode.NOERROR


def test_a_link_is_a_name_for_one_container_alone(nets: Lab) -> None:
    db = member(nets, "db")
    asking = nets.start("sleep", "1000", network="shared", endpoints=(Endpoint("shared", links=("db:store",)),))
    assert found(nets, asking, "store") == [address(nets, db)]
    assert found(nets, db, "store") == []


def test_a_killed_keepers_names_are_forgotten_at_once(nets: Lab) -> None:
    asking, db = member(nets, "asking"), member(nets, "db")
    kill_keeper(nets.containers.get(db.id).state)
    assert found(nets, asking, "db") == []


def test_everything_else_is_asked_of_the_hosts_resolvers_over_both_transports(nets: Lab) -> None:
    with NameServer() as server:
        asking = member(nets, "asking", dns=(NOBODY, server.address))
        assert ask(nets, asking, "far.example", "TXT").flags & dns.flags.TC
        said = str(ask(nets, asking, "far.example", "TXT", tcp=True).answer[0])
        assert all(word in said for word in WORDS)
        assert ask(nets, asking, "nowhere.example").rcode() == dns.rcode.NXDOMAIN


def test_from_an_internal_network_nothing_is_asked_outside(nets: Lab) -> None:
    make(nets, "inner", NetworkRequest(internal=True))
    with NameServer() as server:
        asking = nets.start("sleep", "1000", name="asking", network="inner", dns=(server.address,))
        assert ask(nets, asking, "far.example", "TXT").rcode() == dns.rcode.SERVFAIL
        assert found(nets, asking, "asking") == [address(nets, asking)]


def test_a_name_server_in_the_container_has_its_port(nets: Lab) -> None:
    record = member(nets, "asking")

    def serve() -> None:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(type=kind) as taken:
                taken.bind(("0.0.0.0", 53))

    in_network_of(nets.containers.get(record.id).state.pid, serve)


def test_programs_find_the_resolver_in_resolv_conf_also_after_a_later_connection(nets: Lab) -> None:
    db = member(nets, "db")
    late = nets.start("sleep", "1000", network="bridge")
    assert "127.0.0.11" not in nets.execute(late, "cat", "/etc/resolv.conf")[1]
    connect(nets.containers, late.id, Endpoint("shared"))
    for record in (db, late):
        assert nets.execute(record, "ping", "-c", "1", "-W", "2", "db")[0] == 0
    hosts = nets.execute(late, "cat", "/etc/hosts")[1].splitlines()
    assert sum(line.endswith(f"\t{late.short}") for line in hosts) == 2


def test_many_questions_at_once_are_all_answered(nets: Lab) -> None:
    record = member(nets, "asking")
    pid, own = nets.containers.get(record.id).state.pid, address(nets, record)
    wire = [dns.message.make_query("asking", "A", id=number).to_wire() for number in range(200)]

    def burst() -> int:
        with socket.socket(type=socket.SOCK_DGRAM) as talk:
            talk.settimeout(5)
            for one in wire:
                talk.sendto(one, ("127.0.0.11", 53))
            said = [dns.message.from_wire(talk.recv(512)) for _ in wire]
        return sum(str(one.answer[0][0]) == own for one in said)

    assert in_network_of(pid, burst) == len(wire)


def test_nonsense_is_survived(nets: Lab) -> None:
    record = member(nets, "asking")
    pid = nets.containers.get(record.id).state.pid

    def babble() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as talk:
            for size in itertools.chain(range(20), (100, 512)):
                talk.sendto(b"\xff" * size, ("127.0.0.11", 53))
        with socket.create_connection(("127.0.0.11", 53), 5) as talk:
            talk.sendall(b"\0\x05\xff")

    in_network_of(pid, babble)
    assert found(nets, record, "asking") == [address(nets, record)]
